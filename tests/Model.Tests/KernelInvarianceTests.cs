using Shouldly;
using TorchSharp;
using static SelfRewarding.Model.Tests.KernelOperands;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model.Tests;

/// <summary>A row has the same bits alone and among others, at any place, on any number of threads.</summary>
public sealed class KernelInvarianceTests : IDisposable
{
    private readonly DisposeScope _scope = torch.NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(128, 352)]
    [InlineData(352, 128)]
    [InlineData(300, 45)]
    public void A_row_of_Linear_is_the_same_alone_and_in_any_batch(int inputs, int outputs)
    {
        var (x, weight, bias) = (Random(1, 1000, inputs), Random(2, outputs, inputs), Random(3, outputs));
        ShouldHaveTheSameRows(x, rows => Kernels.Linear(rows, weight, bias));
        var one = Random(4, 1000, outputs);
        ShouldHaveTheSameRows(one, dy => Kernels.Linear(dy, weight.transpose(0, 1)));
    }

    [Fact]
    public void A_row_of_RmsNorm_SwiGlu_and_LogProbs_is_the_same_alone_and_in_any_batch()
    {
        var weight = Random(2, 131);
        ShouldHaveTheSameRows(Random(1, 1000, 131), rows => Kernels.RmsNorm(rows, weight, 1e-5));
        ShouldHaveTheSameRows(Random(1, 1000, 131), rows => Kernels.SwiGlu(rows * 5, rows));
        ShouldHaveTheSameRows(Random(1, 1000, 261), rows => Kernels.LogProbs(rows * 9, torch.full([rows.shape[0]], 17, torch.ScalarType.Int64)).unsqueeze(1));
    }

    [Theory]
    [InlineData(4, 4, 32)]
    [InlineData(4, 2, 24)]
    public void A_row_of_Attention_has_the_bits_of_its_cached_twin(int heads, int keyHeads, int dim)
    {
        const int length = 300;
        var (q, k, v) = (Random(1, length, heads, dim) * 6, Random(2, length, keyHeads, dim), Random(3, length, keyHeads, dim));
        var whole = Kernels.Attention(q, k, v, torch.tensor([0L, length], torch.ScalarType.Int64), 0.3);

        // Slot 1: all at once. Slot 2: token by token. Slot 0: another sequence beside it in the same calls.
        var (keys, values) = (torch.zeros([3, length, keyHeads, dim]), torch.zeros([3, length, keyHeads, dim]));
        var positions = torch.arange(0, length, torch.ScalarType.Int64);
        var prefill = Kernels.CachedAttention(q, k, v, keys, values, torch.full([length], 1, torch.ScalarType.Int64), positions, 0.3);
        Bits(prefill).ShouldBe(Bits(whole));
        var slots = torch.tensor([0L, 2], torch.ScalarType.Int64);
        for (var t = 0; t < length; t++)
        {
            using var scope = torch.NewDisposeScope();
            Tensor Pair(Tensor x) => torch.cat([x.narrow(0, length - 1 - t, 1), x.narrow(0, t, 1)]);
            var row = Kernels.CachedAttention(Pair(q), Pair(k), Pair(v), keys, values, slots, torch.tensor([t, (long)t], torch.ScalarType.Int64), 0.3);
            Bits(row.narrow(0, 1, 1)).ShouldBe(Bits(whole.narrow(0, t, 1)), $"position {t}");
        }
    }

    [Fact]
    public void A_sequence_has_the_same_attention_and_gradients_alone_and_among_others()
    {
        var (q, k, v) = (Random(1, 200, 4, 16), Random(2, 200, 2, 16), Random(3, 200, 2, 16));
        var (all, gradients) = ForwardAndBackward(
            x => Kernels.Attention(x[0], x[1], x[2], torch.tensor([0L, 31, 150, 200], torch.ScalarType.Int64), 0.25) * Random(7, 200, 4, 16), q, k, v);
        Tensor Part(Tensor x) => x.narrow(0, 31, 119);
        var (alone, own) = ForwardAndBackward(
            x => torch.cat([
                torch.zeros([31, 4, 16]),
                Kernels.Attention(x[0], x[1], x[2], torch.tensor([0L, 119], torch.ScalarType.Int64), 0.25),
                torch.zeros([50, 4, 16])]) * Random(7, 200, 4, 16),
            Part(q), Part(k), Part(v));

        Bits(Part(all)).ShouldBe(Bits(Part(alone)));
        for (var i = 0; i < 3; i++) Bits(Part(gradients[i])).ShouldBe(Bits(own[i]));
    }

    [Fact]
    public void One_thread_and_two_give_the_same_bits_forward_and_backward()
    {
        var (cos, sin) = Angles(700, 16);
        var (ids, positions) = (Integers(8, 700, 300), torch.arange(0, 700, torch.ScalarType.Int64));
        var offsets = torch.tensor([0L, 100, 450, 700], torch.ScalarType.Int64);
        Tensor Model(Tensor[] w)
        {
            var x = Kernels.RmsNorm(Kernels.Embedding(ids, w[0]), w[1], 1e-5);
            var q = Kernels.Rotary(Kernels.Linear(x, w[2], w[3]).reshape(-1, 4, 32), cos, sin, positions);
            x = x + Kernels.Dropout(Kernels.Attention(q, q, q, offsets, 0.2).reshape(-1, 128), 0.1, 5, 6);
            x = Kernels.SwiGlu(x, Kernels.Linear(x, w[2]));
            return Kernels.LogProbs(Kernels.Linear(x, w[0]), ids);
        }

        int[][] Run() => [.. Outcome(Model, Random(1, 300, 128), Random(2, 128), Random(3, 128, 128), Random(4, 128)).Select(Bits)];
        var one = OnThreads(1, Run);
        var two = OnThreads(2, Run);
        for (var i = 0; i < one.Length; i++) two[i].ShouldBe(one[i], $"result {i}");
        OnThreads(2, () => Kernels.SquaredNorm(Random(1, 500_001))).ShouldBe(OnThreads(1, () => Kernels.SquaredNorm(Random(1, 500_001))));
    }

    [Fact]
    public void A_row_is_sampled_alike_alone_and_among_others()
    {
        const int rows = 50;
        var logits = Random(1, rows, 261) * 8;
        var (temperature, topP) = (torch.full([rows], 0.7), torch.full([rows], 0.9));
        var topK = torch.full([rows], 40, torch.ScalarType.Int64);
        var uniform = (Random(3, rows).to_type(torch.ScalarType.Float64) + 1) / 2;
        var (tokens, logProbs) = Kernels.Sample(logits, temperature, topP, topK, uniform);
        for (var i = 0; i < rows; i++)
        {
            Tensor One(Tensor x) => x.narrow(0, i, 1);
            var (token, logProb) = Kernels.Sample(One(logits), One(temperature), One(topP), One(topK), One(uniform));
            token.item<long>().ShouldBe(One(tokens).item<long>());
            Bits(logProb).ShouldBe(Bits(One(logProbs)));
        }
    }

    private static Tensor[] Outcome(Func<Tensor[], Tensor> model, params Tensor[] weights)
    {
        var (value, gradients) = ForwardAndBackward(model, weights);
        return [value, .. gradients];
    }

    private static void ShouldHaveTheSameRows(Tensor x, Func<Tensor, Tensor> operation)
    {
        var rows = x.shape[0];
        var whole = operation(x);
        foreach (var (begin, count) in new (long, long)[] { (0, 1), (rows - 1, 1), (5, 7), (21, 10), (40, 33), (37, 64), (rows - 200, 200), (13, 500) })
            Bits(operation(x.narrow(0, begin, count))).ShouldBe(Bits(whole.narrow(0, begin, count)), $"rows {begin} to {begin + count}");
    }
}
