using System.Runtime.InteropServices;
using Shouldly;
using TorchSharp;
using Xunit;

namespace SelfRewarding.Torch.Tests;

/// <summary>A kernel refuses what does not fit with one sentence, before it touches memory.</summary>
public sealed class KernelErrorTests : IDisposable
{
    private readonly DisposeScope _scope = torch.NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void A_weight_of_another_width_is_named_with_both_shapes() =>
        Refusal(() => NativeKernels.Linear(torch.zeros([2, 3]), torch.zeros([4, 5]))).ShouldBe("Linear: weight has shape [4, 5], expected [*, 3] for x of shape [2, 3]");

    [Fact]
    public void A_wrong_type_is_named_with_the_expected_one() =>
        Refusal(() => NativeKernels.RmsNorm(torch.zeros([2, 3], torch.ScalarType.Float64), torch.ones([3]), 1e-5))
            .ShouldBe("RmsNorm: x has type Double, expected Float");

    [Fact]
    public void Operands_of_two_types_are_named_with_the_first_one_s_and_only_a_parameter_may_be_a_float32_master()
    {
        var (narrow, wide) = (torch.zeros([2, 3], torch.ScalarType.BFloat16), torch.ones([3, 3]));
        Refusal(() => NativeKernels.SwiGlu(narrow, torch.zeros([2, 3]))).ShouldBe("SwiGlu: up has type Float, expected BFloat16");
        Refusal(() => NativeKernels.Linear(torch.zeros([2, 3]), wide.to_type(torch.ScalarType.BFloat16))).ShouldBe("Linear: weight has type BFloat16, expected Float");
        NativeKernels.Linear(narrow, wide).dtype.ShouldBe(torch.ScalarType.BFloat16);
    }

    [Theory]
    [InlineData(-1L)]
    [InlineData(7L)]
    public void An_id_outside_the_table_is_named_with_its_place(long id) =>
        Refusal(() => NativeKernels.Embedding(Longs(3, id), torch.zeros([7, 2]))).ShouldBe($"Embedding: ids[1] is {id}, expected 0 to 6");

    [Theory]
    [InlineData(-99L)]
    [InlineData(5L)]
    public void A_target_outside_the_vocabulary_is_named_with_its_place(long target) =>
        Refusal(() => NativeKernels.LogProbs(torch.zeros([2, 5]), Longs(-100, target))).ShouldBe($"LogProbs: targets[1] is {target}, expected 0 to 4");

    [Fact]
    public void A_position_beyond_the_rotary_table_is_refused() =>
        Refusal(() => NativeKernels.Rotary(torch.zeros([2, 1, 4]), torch.zeros([3, 2]), torch.zeros([3, 2]), Longs(0, 3)))
            .ShouldBe("Rotary: positions[1] is 3, expected 0 to 2");

    [Fact]
    public void Offsets_that_do_not_cover_the_rows_or_run_backward_are_refused()
    {
        var q = torch.zeros([4, 2, 8]);
        Refusal(() => NativeKernels.Attention(q, q, q, Longs(0, 3), 1)).ShouldBe("Attention: offsets run from 0 to 3, expected 0 to 4, the number of rows");
        Refusal(() => NativeKernels.Attention(q, q, q, Longs(0, 3, 2, 4), 1)).ShouldBe("Attention: offsets[2] is 2, expected at least 3, the one before");
        Refusal(() => NativeKernels.Attention(q, torch.zeros([4, 3, 8]), q, Longs(0, 4), 1)).ShouldContain("expected [4, a divisor of 2, 8]");
        Refusal(() => NativeKernels.Attention(q, q, q, Longs(0, 4), 1, window: 0)).ShouldBe("Attention: window is 0, expected a positive number");
    }

    [Fact]
    public void A_cache_position_or_slot_that_is_not_there_is_refused_and_nothing_is_written()
    {
        var (q, keys, values) = (torch.ones([1, 2, 8]), torch.zeros([2, 5, 2, 8]), torch.zeros([2, 5, 2, 8]));
        Refusal(() => NativeKernels.CachedAttention(q, q, q, keys, values, Longs(0), Longs(5), 1)).ShouldBe("CachedAttention: positions[0] is 5, expected 0 to 4");
        Refusal(() => NativeKernels.CachedAttention(q, q, q, keys, values, Longs(2), Longs(0), 1)).ShouldBe("CachedAttention: slots[0] is 2, expected 0 to 1");
        Refusal(() => NativeKernels.CopyCache(keys, values, 0, 1, 6)).ShouldBe("CopyCache: length is 6, expected 0 to 5");
        NativeKernels.SquaredNorm(keys).ShouldBe(0);
    }

    [Fact]
    public void Settings_of_a_draw_that_make_no_sense_are_refused()
    {
        string Draw(float temperature, float topP, long topK, double uniform, float logit = 0) => Refusal(() => NativeKernels.Sample(
            torch.full([1, 3], logit), torch.tensor([temperature]), torch.tensor([topP]), Longs(topK), torch.tensor([uniform], torch.ScalarType.Float64)));
        Draw(-1, 1, 0, 0).ShouldBe("Sample: temperature[0] is -1, expected 0 or more");
        Draw(1, 1.5f, 0, 0).ShouldBe("Sample: topP[0] is 1.5, expected 0 to 1");
        Draw(1, 1, -2, 0).ShouldBe("Sample: topK[0] is -2, expected 0 (off) or more");
        Draw(1, 1, 0, 1).ShouldBe("Sample: uniform[0] is 1, expected at least 0 and below 1");
        Draw(1, 1, 0, 0.5, float.NaN).ShouldContain("not a number");
    }

    [Fact]
    public void A_parameter_that_is_a_strided_view_cannot_be_stepped() =>
        Refusal(() => NativeKernels.AdamW(
                torch.zeros([2, 3]).transpose(0, 1), torch.zeros([3, 2]), torch.zeros([3, 2]), torch.zeros([3, 2]), 1, 0.1, 0.9, 0.99, 1e-8, 0))
            .ShouldStartWith("AdamW: param has strides [1, 3]");

    private static torch.Tensor Longs(params long[] values) => torch.tensor(values, torch.ScalarType.Int64);

    private static string Refusal(Action call)
    {
        var message = Should.Throw<ExternalException>(call).Message;
        message.ShouldNotContain("\n");
        return message;
    }
}
