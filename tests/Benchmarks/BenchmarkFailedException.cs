namespace SelfRewarding.Benchmarks;

/// <summary>What a benchmark shows is not as it has to be. The message is for a person; the exit code is 1.</summary>
internal sealed class BenchmarkFailedException(string message) : Exception(message);
