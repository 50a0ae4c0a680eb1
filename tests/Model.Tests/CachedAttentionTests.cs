using Shouldly;
using TorchSharp;
using static SelfRewarding.Model.Tests.KernelOperands;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model.Tests;

/// <summary>Cached attention of other devices than the CPU gathers keys and values row by row: in parts of limited bytes. Measures this process's memory, so it runs by itself.</summary>
[Collection(nameof(LiveTensorTests))]
public sealed class CachedAttentionTests : IDisposable
{
    private readonly DisposeScope _scope = torch.NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Parts_hold_every_row_in_order_and_as_many_as_the_bytes_allow()
    {
        const long OfKey = 10, Bytes = 10_000;
        var positions = Integers(1, 300, 400).data<long>().ToArray();
        positions[77] = 5_000; // a row that is too large alone

        var parts = ComposedKernels.Parts(positions, OfKey, Bytes).ToList();

        parts.SelectMany(part => Enumerable.Range(part.Start, part.Rows)).ShouldBe(Enumerable.Range(0, 300));
        foreach (var (index, (start, rows, keys)) in parts.Index())
        {
            keys.ShouldBe(positions[start..(start + rows)].Max() + 1);
            if (rows > 1) (rows * keys * OfKey).ShouldBeLessThanOrEqualTo(Bytes);
            if (index + 1 < parts.Count) ((rows + 1) * Math.Max(keys, positions[start + rows] + 1) * OfKey).ShouldBeGreaterThan(Bytes, "the next row had no room");
        }
    }

    [Theory]
    [InlineData(torch.ScalarType.Float32, 1e-6f)]
    [InlineData(torch.ScalarType.BFloat16, 1f / 64)]
    public void Rows_see_the_same_in_parts_and_at_once(torch.ScalarType type, float tolerance)
    {
        const int Rows = 90, Slots = 5;
        var (q, k, v) = (Operand(1, Rows, 4, 24), Operand(2, Rows, 2, 24), Operand(3, Rows, 2, 24));
        // Each slot's rows go on from what stands there: 18 to 35 of each.
        var slots = torch.tensor([.. Enumerable.Range(0, Rows).Select(row => (long)(row % Slots))], torch.ScalarType.Int64);
        var positions = torch.tensor([.. Enumerable.Range(0, Rows).Select(row => (long)(18 + (row / Slots)))], torch.ScalarType.Int64);
        var expected = Attend(ComposedKernels.CachedAttentionBytes);

        foreach (var bytes in (long[])[0, 20_000, 100_000]) ShouldBeNear(Attend(bytes), expected, $"{bytes} bytes", tolerance);
        ShouldBeNear(Attend(0), Native(), "the native kernel", Math.Max(tolerance, 1e-5f));

        Tensor Attend(long bytes)
        {
            var (keys, values) = Caches();
            return ComposedKernels.CachedAttention(q, k, v, keys, values, slots, positions, 0.3, long.MaxValue, bytes).to_type(torch.ScalarType.Float32);
        }

        Tensor Native()
        {
            var (keys, values) = Caches();
            return Kernels.CachedAttention(q, k, v, keys, values, slots, positions, 0.3).to_type(torch.ScalarType.Float32);
        }

        (Tensor, Tensor) Caches() => (Operand(4, Slots, 40, 2, 24), Operand(5, Slots, 40, 2, 24));
        Tensor Operand(ulong seed, params long[] shape) => Random(seed, shape).to_type(type);
    }

    [Fact]
    public void It_takes_no_more_memory_beside_the_cache_than_it_says()
    {
        const int Rows = 64, Slots = 8, Length = 8192;
        var (keys, values) = (torch.zeros([Slots, Length, 4, 64]), torch.zeros([Slots, Length, 4, 64]));
        var (q, k) = (Random(1, Rows, 4, 64), Random(2, Rows, 4, 64));
        var slots = torch.tensor([.. Enumerable.Range(0, Rows).Select(row => (long)(row % Slots))], torch.ScalarType.Int64);
        var positions = torch.tensor([.. Enumerable.Range(0, Rows).Select(row => Length - Rows + (long)row)], torch.ScalarType.Int64);

        var growth = MemoryPeak.Of(() => ComposedKernels.CachedAttention(q, k, k, keys, values, slots, positions, 0.3).Dispose());

        growth.ShouldBeLessThanOrEqualTo(ComposedKernels.CachedAttentionBytes + (16 << 20)); // 32 rows at once would gather 512 MiB
        growth.ShouldBeGreaterThan(16 << 20, "it does gather");
    }
}
