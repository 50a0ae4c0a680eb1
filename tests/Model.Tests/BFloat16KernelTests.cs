using Shouldly;
using TorchSharp;
using static SelfRewarding.Model.Tests.KernelOperands;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model.Tests;

/// <summary>
/// The native kernels over bfloat16: each is its own float32 self over the same numbers, with the result rounded once. So what is tested of those (oracle, invariance to the batch
/// and to threads) holds of these.
/// </summary>
public sealed class BFloat16KernelTests : IDisposable
{
    private const torch.ScalarType Narrow = torch.ScalarType.BFloat16, Wide = torch.ScalarType.Float32;

    private readonly DisposeScope _scope = torch.NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(1, 300, 45)]
    [InlineData(9, 128, 352)]
    [InlineData(32, 300, 45)] // few rows go the other way round
    [InlineData(64, 600, 130)]
    [InlineData(700, 128, 96)]
    public void Linear_is_the_product_of_the_widened_numbers_rounded_once(int rows, int inputs, int outputs) =>
        ShouldBeRoundedOnce(x => Kernels.Linear(x[0], x[1], x[2]), Random(1, rows, inputs), Random(2, outputs, inputs), Random(3, outputs));

    [Fact]
    public void So_are_the_others()
    {
        var (cos, sin) = Angles(200, 12);
        var (ids, positions) = (Integers(8, 150, 40), Integers(9, 150, 200));
        var offsets = torch.tensor([0L, 31, 32, 150], torch.ScalarType.Int64);
        ShouldBeRoundedOnce(x => Kernels.Embedding(ids, x[0]), Random(1, 40, 24));
        ShouldBeRoundedOnce(x => Kernels.RmsNorm(x[0], x[1], 1e-5), Random(1, 150, 131), Random(2, 131));
        ShouldBeRoundedOnce(x => Kernels.Rotary(x[0], cos, sin, positions), Random(1, 150, 3, 24));
        ShouldBeRoundedOnce(x => Kernels.SwiGlu(x[0], x[1]), Random(1, 150, 131) * 4, Random(2, 150, 131));
        ShouldBeRoundedOnce(x => Kernels.Dropout(x[0], 0.3, 5, 6), Random(1, 150, 131));
        ShouldBeRoundedOnce(x => Kernels.Attention(x[0], x[1], x[2], offsets, 0.3, window: 40), Random(1, 150, 4, 24) * 5, Random(2, 150, 2, 24), Random(3, 150, 2, 24));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(300)]
    public void A_float32_master_counts_as_the_nearest_bfloat16_and_gets_its_gradient_unrounded(int rows)
    {
        var (x, weight, bias) = (Random(1, rows, 300).to_type(Narrow), Random(2, 45, 300), Random(3, 45));
        var (masters, gradients) = Learn(x, weight, bias);
        var (copies, rounded) = Learn(x, weight.to_type(Narrow), bias.to_type(Narrow));

        Bits(masters).ShouldBe(Bits(copies));
        for (var i = 0; i < gradients.Length; i++)
        {
            gradients[i].dtype.ShouldBe(i == 0 ? Narrow : Wide);
            Bits(gradients[i].to_type(Narrow)).ShouldBe(Bits(rounded[i]), $"operand {i}");
        }

        Bits(gradients[1]).ShouldNotBe(Bits(rounded[1]), "a master's gradient has more bits than bfloat16");

        static (Tensor Value, Tensor[] Gradients) Learn(params Tensor[] operands)
        {
            Tensor[] leaves = [.. operands.Select(operand => operand.detach().clone().requires_grad_())];
            var value = Kernels.Linear(leaves[0], leaves[1], leaves[2]);
            (value * Random(99, value.shape).to_type(Narrow)).sum().backward();
            return (value, [.. leaves.Select(leaf => leaf.grad!)]);
        }
    }

    [Fact]
    public void Masters_are_rounded_as_libtorch_rounds()
    {
        // Ties to either side, the last bit before one, the smallest, and what overflows to infinity; x = 1 gives the weight itself.
        int[] bits = [0x3F808000, 0x3F818000, 0x3F807FFF, 0x3F808001, 0x00000001, 0x00008000, 0x7F7FFFFF, unchecked((int)0xBF808000), 0];
        var weight = torch.tensor(Array.ConvertAll(bits, BitConverter.Int32BitsToSingle), [bits.Length, 1]);
        var expected = weight.to_type(Narrow).to_type(Wide).transpose(0, 1).contiguous();

        foreach (var rows in (int[])[1, 16])
            Bits(Kernels.Linear(torch.ones([rows, 1]).to_type(Narrow), weight).narrow(0, rows - 1, 1)).ShouldBe(Bits(expected));
    }

    [Fact]
    public void Scores_are_not_rounded()
    {
        var (x, weight) = (Random(1, 40, 300).to_type(Narrow), Random(2, 45, 300).to_type(Narrow));

        var scores = Kernels.Scores(x, weight);

        scores.dtype.ShouldBe(Wide);
        Bits(scores).ShouldBe(Bits(Kernels.Linear(x.to_type(Wide), weight.to_type(Wide))));
        Bits(scores.to_type(Narrow)).ShouldBe(Bits(Kernels.Linear(x, weight)));
    }

    [Theory]
    [InlineData(4, 2, 24)]
    [InlineData(4, 1, 64)]
    public void A_row_of_attention_has_the_bits_of_its_cached_twin(int heads, int keyHeads, int dim)
    {
        const int Length = 70;
        var (q, k, v) = ((Random(1, Length, heads, dim) * 6).to_type(Narrow), Random(2, Length, keyHeads, dim).to_type(Narrow), Random(3, Length, keyHeads, dim).to_type(Narrow));
        var whole = Kernels.Attention(q, k, v, torch.tensor([0L, Length], torch.ScalarType.Int64), 0.3);
        var (keys, values) = (Kernels.NewCache([3, Length, keyHeads, dim], Narrow), Kernels.NewCache([3, Length, keyHeads, dim], Narrow));

        for (var t = 0; t < Length; t++)
        {
            Tensor Pair(Tensor x) => torch.cat([x.narrow(0, Length - 1 - t, 1), x.narrow(0, t, 1)]);
            var row = Kernels.CachedAttention(
                Pair(q), Pair(k), Pair(v), keys, values, torch.tensor([0L, 2], torch.ScalarType.Int64), torch.tensor([t, (long)t], torch.ScalarType.Int64), 0.3);
            Bits(row.narrow(0, 1, 1)).ShouldBe(Bits(whole.narrow(0, t, 1)), $"position {t}");
        }

        Kernels.CopyCache(keys, values, 2, 1, Length);
        Bits(keys.narrow(0, 1, 1)).ShouldBe(Bits(keys.narrow(0, 2, 1)));
        Bits(values.narrow(0, 1, 1)).ShouldBe(Bits(values.narrow(0, 2, 1)));
    }

    // Results and gradients over bfloat16 against those over the same numbers in float32, rounded.
    private static void ShouldBeRoundedOnce(Func<Tensor[], Tensor> kernel, params Tensor[] operands)
    {
        var narrow = operands.Select(operand => operand.to_type(Narrow).detach().requires_grad_()).ToArray();
        var wide = narrow.Select(operand => operand.detach().to_type(Wide).requires_grad_()).ToArray();
        var (value, expected) = (kernel(narrow), kernel(wide));
        value.dtype.ShouldBe(Narrow);
        Bits(value).ShouldBe(Bits(expected.to_type(Narrow)), "the value");

        var gradient = Random(99, value.shape).to_type(Narrow);
        (value * gradient).sum().backward();
        (expected * gradient.to_type(Wide)).sum().backward();
        for (var i = 0; i < narrow.Length; i++)
        {
            narrow[i].grad!.dtype.ShouldBe(Narrow);
            Bits(narrow[i].grad!).ShouldBe(Bits(wide[i].grad!.to_type(Narrow)), $"the gradient of operand {i}");
        }

        using var off = torch.no_grad();
        Bits(kernel(narrow)).ShouldBe(Bits(value), "without gradients");
    }

    private static int[] Bits(Tensor tensor) => KernelOperands.Bits(tensor.detach().to_type(Wide));
}
