namespace SelfRewarding.Benchmarks;

/// <summary>A whole run beside its bare computation.</summary>
public static class OverheadBenchmark
{
    public static Task RunAsync(TextWriter output, CancellationToken cancellationToken) => output.WriteLineAsync("overhead".AsMemory(), cancellationToken);
}
