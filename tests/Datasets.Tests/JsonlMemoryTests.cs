using Shouldly;
using Xunit;

namespace SelfRewarding.Datasets.Tests;

/// <summary>What the whole process holds can be told only while no other test allocates.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}

[Collection(Alone.Name)]
public sealed class JsonlMemoryTests : IDisposable
{
    private readonly DataFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_long_file_is_read_in_flat_memory()
    {
        var line = $"{{\"prompt\":\"{new string('x', 1000)}\"}}";
        var path = _folder.Write("data.jsonl", [.. Enumerable.Repeat(line, 10_000)]);
        var (count, most) = (0, 0L);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        foreach (var _ in Jsonl.ReadPrompts(path))
        {
            if (++count % 2_500 == 0)
                most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true) - before);
        }

        count.ShouldBe(10_000);
        most.ShouldBeLessThan(3 << 20); // of 10 MB
    }
}
