namespace SelfRewarding.Benchmarks;

/// <summary>What some prompts cost on their way through all four stages.</summary>
/// <param name="Slowing">Prompts a second of the last tenth that settled, over those of the second tenth: what grows with their number brings it below 1.</param>
/// <param name="Freezing">From the last outcome's append to the dataset's.</param>
/// <param name="Allocated">Bytes that the host allocated.</param>
/// <param name="Heap">Live bytes in the host at the end.</param>
/// <param name="Peak">Most bytes of the process in memory.</param>
/// <param name="Recovery">What every start reads to find what is outstanding.</param>
/// <param name="Reading">What the trainer reads to have the dataset.</param>
internal sealed record BusFigures(
    int Prompts, int Pairs, TimeSpan Elapsed, double Slowing, TimeSpan Freezing, TimeSpan HostCpu, TimeSpan PostgresCpu, TimeSpan RabbitMqCpu,
    BusTraffic Traffic, LogSize Log, long Allocated, long Heap, long Peak, TimeSpan Recovery, TimeSpan Reading);
