using Shouldly;
using TorchSharp;
using static SelfRewarding.Model.Tests.KernelOperands;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model.Tests;

/// <summary>Each native kernel computes what its composition of tensor operations does, forward and backward.</summary>
public sealed class KernelTests : IDisposable
{
    private readonly DisposeScope _scope = torch.NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    // Around the edges of register tiles (6 and 8 rows, 16 and 32 columns) and of the blocks of 256 terms and 192 rows.
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(1, 128, 352)]
    [InlineData(7, 33, 31)]
    [InlineData(9, 257, 33)]
    [InlineData(64, 16, 16)]
    [InlineData(193, 300, 65)]
    [InlineData(600, 96, 130)]
    public void Linear_and_its_gradients_are_those_of_torch(int rows, int inputs, int outputs)
    {
        ShouldAgree(
            x => Kernels.Linear(x[0], x[1], x[2]),
            x => ComposedKernels.Linear(x[0], x[1], x[2]),
            Random(1, rows, inputs),
            Random(2, outputs, inputs),
            Random(3, outputs));
        ShouldAgree(x => Kernels.Linear(x[0], x[1]), x => ComposedKernels.Linear(x[0], x[1]), Random(1, rows, inputs), Random(2, outputs, inputs));
    }

    [Fact]
    public void Linear_takes_operands_that_are_views()
    {
        var x = Random(1, 40, 20).transpose(0, 1);
        var weight = Random(2, 30, 80).narrow(1, 10, 40);
        ShouldAgree(o => Kernels.Linear(o[0].transpose(0, 1), o[1].narrow(1, 10, 40)), o => ComposedKernels.Linear(o[0].transpose(0, 1), o[1].narrow(1, 10, 40)), Random(1, 40, 20), Random(2, 30, 80));
        ShouldBeNear(Kernels.Linear(x, weight), ComposedKernels.Linear(x, weight), "the value");
    }

    [Fact]
    public void Linear_of_no_rows_has_no_rows_and_gives_the_weight_a_gradient_of_zeros()
    {
        var (value, gradients) = ForwardAndBackward(x => Kernels.Linear(x[0], x[1]), torch.zeros([0, 8]), Random(1, 4, 8));
        value.shape.ShouldBe([0, 4]);
        Floats(gradients[1]).ShouldAllBe(gradient => gradient == 0);
    }

    [Fact]
    public void Embedding_and_its_gradient_are_those_of_torch()
    {
        var ids = Integers(5, 500, 37);
        ShouldAgree(x => Kernels.Embedding(ids, x[0]), x => ComposedKernels.Embedding(ids, x[0]), Random(1, 40, 24));
    }

    [Theory]
    [InlineData(1, 128)]
    [InlineData(5, 7)]
    [InlineData(600, 100)]
    public void RmsNorm_and_its_gradients_are_those_of_its_equation(int rows, int size) =>
        ShouldAgree(
            x => Kernels.RmsNorm(x[0], x[1], 1e-5), x => ComposedKernels.RmsNorm(x[0], x[1], 1e-5), Random(1, rows, size), Random(2, size));

    [Theory]
    [InlineData(4, 32)]
    [InlineData(3, 10)]
    public void Rotary_and_its_gradient_are_those_of_its_equation(int heads, int dim)
    {
        var (cos, sin) = Angles(50, dim / 2);
        var positions = Integers(3, 70, 50);
        ShouldAgree(x => Kernels.Rotary(x[0], cos, sin, positions), x => ComposedKernels.Rotary(x[0], cos, sin, positions), Random(1, 70, heads, dim));
    }

    [Fact]
    public void SwiGlu_and_its_gradients_are_those_of_torch() =>
        ShouldAgree(x => Kernels.SwiGlu(x[0] * 10, x[1]), x => ComposedKernels.SwiGlu(x[0] * 10, x[1]), Random(1, 301, 77), Random(2, 301, 77));

    [Fact]
    public void SwiGlu_stays_finite_for_large_arguments()
    {
        var gate = torch.tensor([-1e30f, -200f, -90f, 0f, 90f, 200f, 1e30f]);
        Floats(Kernels.SwiGlu(gate, torch.ones([7]))).ShouldBe([0, 0, 0, 0, 90, 200, 1e30f], 1e-30);
    }

    [Theory]
    [InlineData(4, 4, 32)]
    [InlineData(4, 2, 16)]
    [InlineData(6, 1, 10)]
    [InlineData(2, 2, 64)]
    public void Attention_and_its_gradients_are_those_of_masked_softmax(int heads, int keyHeads, int dim)
    {
        var offsets = torch.tensor([0L, 1, 1, 20, 53, 170, 171], torch.ScalarType.Int64);
        ShouldAgree(
            x => Kernels.Attention(x[0], x[1], x[2], offsets, 0.7),
            x => ComposedKernels.Attention(x[0], x[1], x[2], offsets, 0.7),
            Random(1, 171, heads, dim),
            Random(2, 171, keyHeads, dim),
            Random(3, 171, keyHeads, dim));
    }

    [Fact]
    public void Attention_sums_over_more_keys_than_a_block_holds()
    {
        var offsets = torch.tensor([0L, 600], torch.ScalarType.Int64);
        ShouldAgree(
            x => Kernels.Attention(x[0] * 8, x[1], x[2], offsets, 0.5),
            x => ComposedKernels.Attention(x[0] * 8, x[1], x[2], offsets, 0.5),
            Random(1, 600, 2, 16),
            Random(2, 600, 1, 16),
            Random(3, 600, 1, 16));
    }

    [Fact]
    public void Cached_attention_writes_the_cache_and_is_that_of_masked_softmax()
    {
        var (keys, values) = (Random(4, 3, 20, 2, 8), Random(5, 3, 20, 2, 8));
        var (expectedKeys, expectedValues) = (keys.clone(), values.clone());
        var slots = torch.tensor([2L, 2, 2, 0, 1, 1], torch.ScalarType.Int64);
        var positions = torch.tensor([0L, 1, 2, 19, 7, 8], torch.ScalarType.Int64);
        var (q, k, v) = (Random(1, 6, 4, 8), Random(2, 6, 2, 8), Random(3, 6, 2, 8));

        var actual = Kernels.CachedAttention(q, k, v, keys, values, slots, positions, 0.4);

        ShouldBeNear(actual, ComposedKernels.CachedAttention(q, k, v, expectedKeys, expectedValues, slots, positions, 0.4), "the value");
        Bits(keys).ShouldBe(Bits(expectedKeys));
        Bits(values).ShouldBe(Bits(expectedValues));
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(1)]
    [InlineData(7)]
    public void Cached_attention_of_a_long_prompt_beside_running_samples_is_that_of_masked_softmax(long window)
    {
        // A prompt of 70 rows in slot 3, which is more than the composed kernel gathers at once, and four samples at places of their own.
        var (keys, values) = (Random(4, 5, 90, 2, 8), Random(5, 5, 90, 2, 8));
        var (expectedKeys, expectedValues) = (keys.clone(), values.clone());
        var slots = torch.tensor([4L, 0, .. Enumerable.Repeat(3L, 70), 1, 2], torch.ScalarType.Int64);
        var positions = torch.tensor([0L, 89, .. Enumerable.Range(5, 70).Select(position => (long)position), 33, 12], torch.ScalarType.Int64);
        var (q, k, v) = (Random(1, 74, 6, 8), Random(2, 74, 2, 8), Random(3, 74, 2, 8));

        var actual = Kernels.CachedAttention(q, k, v, keys, values, slots, positions, 0.4, window);

        ShouldBeNear(actual, ComposedKernels.CachedAttention(q, k, v, expectedKeys, expectedValues, slots, positions, 0.4, window), "the value");
        Bits(keys).ShouldBe(Bits(expectedKeys));
    }

    [Fact]
    public void Copying_a_slot_changes_the_positions_asked_for_and_no_other()
    {
        var (keys, values) = (Random(4, 3, 5, 2, 8), Random(5, 3, 5, 2, 8));
        var (expectedKeys, expectedValues) = (keys.clone(), values.clone());
        ComposedKernels.CopyCache(expectedKeys, expectedValues, 2, 0, 3);

        Kernels.CopyCache(keys, values, 2, 0, 3);

        Bits(keys).ShouldBe(Bits(expectedKeys));
        Bits(values).ShouldBe(Bits(expectedValues));
        Bits(keys.narrow(0, 0, 1).narrow(1, 0, 3)).ShouldBe(Bits(keys.narrow(0, 2, 1).narrow(1, 0, 3)));
    }

    [Theory]
    [InlineData(261)]
    [InlineData(5)]
    public void LogProbs_and_their_gradient_are_those_of_torch_and_ignored_rows_have_none(int vocabulary)
    {
        var targets = Integers(4, 90, vocabulary);
        targets = torch.where(Integers(6, 90, 4).eq(0), torch.full([90], -100, torch.ScalarType.Int64), targets);
        ShouldAgree(x => Kernels.LogProbs(x[0] * 20, targets), x => ComposedKernels.LogProbs(x[0] * 20, targets), Random(1, 90, vocabulary));
    }

    [Fact]
    public void Dropout_is_that_of_the_managed_generator_forward_and_backward() =>
        ShouldAgree(
            x => Kernels.Dropout(x[0], 0.3, 0x0123456789ABCDEF, 7),
            x => ComposedKernels.Dropout(x[0], 0.3, 0x0123456789ABCDEF, 7),
            Random(1, 333, 101));

    [Fact]
    public void Dropout_drops_a_share_of_p_and_keeps_the_mean()
    {
        const int count = 1_000_000;
        var dropped = Floats(Kernels.Dropout(torch.ones([count]), 0.1, 42, 0));
        // Five standard deviations of a binomial share.
        (dropped.Count(x => x == 0) / (double)count).ShouldBe(0.1, 5 * Math.Sqrt(0.09 / count));
        dropped.Average(x => (double)x).ShouldBe(1, 5 * Math.Sqrt(0.09 / count) / 0.9);
        Floats(Kernels.Dropout(torch.ones([count]), 0.1, 42, 1)).ShouldNotBe(dropped);
        Floats(Kernels.Dropout(torch.ones([3]), 0, 42, 1)).ShouldBe([1, 1, 1]);
    }

    [Fact]
    public void AdamW_does_the_arithmetic_worked_by_hand()
    {
        // Two steps at lr 0.1, betas .9 and .99, eps 1e-8, decay 0.5, from 1 with gradients 2 and -1 (given as 4 and -2, scaled by a half).
        // 1: m 0.2, v 0.04, both corrected 2 and 4: p = 1 * 0.95 - 0.1 * 2 / 2 = 0.85
        // 2: m 0.08, v 0.0496, corrected 0.42105263 and 2.49246231: p = 0.85 * 0.95 - 0.1 * 0.42105263 / 1.57875340 = 0.78083001
        var (param, first, second) = (torch.ones([1]), torch.zeros([1]), torch.zeros([1]));
        Kernels.AdamW(param, torch.tensor([4f]), first, second, 1, 0.1, 0.9, 0.99, 1e-8, 0.5, 0.5);
        param.item<float>().ShouldBe(0.85f, 1e-6);
        Kernels.AdamW(param, torch.tensor([-2f]), first, second, 2, 0.1, 0.9, 0.99, 1e-8, 0.5, 0.5);
        param.item<float>().ShouldBe(0.78083f, 1e-6);
        first.item<float>().ShouldBe(0.08f, 1e-7);
        second.item<float>().ShouldBe(0.0496f, 1e-7);
    }

    [Fact]
    public void AdamW_of_many_elements_is_the_composed_one()
    {
        Tensor[] native = [Random(1, 300, 70), Random(2, 300, 70), torch.zeros([300, 70]), torch.zeros([300, 70])];
        Tensor[] composed = [.. native.Select(tensor => tensor.clone())];
        for (var step = 1; step <= 3; step++)
        {
            Kernels.AdamW(native[0], native[1], native[2], native[3], step, 0.01, 0.9, 0.98, 1e-8, 0.1, 0.9);
            ComposedKernels.AdamW(composed[0], composed[1], composed[2], composed[3], step, 0.01, 0.9, 0.98, 1e-8, 0.1, 0.9);
        }

        for (var i = 0; i < native.Length; i++) ShouldBeNear(native[i], composed[i], $"operand {i}", 1e-6f);
    }

    [Fact]
    public void The_squared_norm_is_summed_in_double_precision()
    {
        var x = Random(1, 100_003);
        Kernels.SquaredNorm(x).ShouldBe(ComposedKernels.SquaredNorm(x), 1e-9);
        Kernels.SquaredNorm(torch.zeros([0])).ShouldBe(0);
        double.IsNaN(Kernels.SquaredNorm(torch.tensor([1f, float.NaN]))).ShouldBeTrue();
    }

    [Fact]
    public void Nothing_is_kept_where_no_gradient_is_wanted()
    {
        var (x, weight) = (Random(1, 3, 8), Random(2, 4, 8).requires_grad_());
        using (torch.no_grad()) Kernels.Linear(x, weight).requires_grad.ShouldBeFalse();
        Kernels.Linear(x, weight.detach()).requires_grad.ShouldBeFalse();
        Kernels.Linear(x, weight).requires_grad.ShouldBeTrue();
        using (torch.inference_mode()) Kernels.RmsNorm(Kernels.Linear(x, weight), torch.ones([4]), 1e-5).shape.ShouldBe([3, 4]);
    }
}
