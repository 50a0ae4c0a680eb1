using Shouldly;
using TorchSharp;
using static SelfRewarding.Model.Tests.KernelOperands;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model.Tests;

/// <summary>A row sees its own key and those right before it, as many as the window has, in training, prefill and decoding alike.</summary>
public sealed class SlidingWindowTests : IDisposable
{
    private readonly DisposeScope _scope = torch.NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    // Around the edges of the blocks of rows (48, 96) and keys (256).
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(48)]
    [InlineData(100)]
    [InlineData(257)]
    [InlineData(599)]
    public void Attention_and_its_gradients_are_those_of_masked_softmax(int window)
    {
        var offsets = torch.tensor([0L, 1, 1, 50, 53, 653], torch.ScalarType.Int64);
        ShouldAgree(
            x => Kernels.Attention(x[0] * 3, x[1], x[2], offsets, 0.4, window),
            x => ComposedKernels.Attention(x[0] * 3, x[1], x[2], offsets, 0.4, window),
            Random(1, 653, 4, 20),
            Random(2, 653, 2, 20),
            Random(3, 653, 2, 20));
    }

    [Fact]
    public void A_window_of_one_key_gives_each_row_its_own_value()
    {
        var v = Random(3, 300, 2, 16);
        var seen = Kernels.Attention(Random(1, 300, 2, 16), Random(2, 300, 2, 16), v, torch.tensor([0L, 300], torch.ScalarType.Int64), 0.4, window: 1);
        Floats(seen).ShouldBe(Floats(v));
    }

    [Theory]
    [InlineData(300)]
    [InlineData(301)]
    [InlineData(long.MaxValue)]
    public void A_window_that_no_sequence_fills_changes_no_bit(long window)
    {
        var offsets = torch.tensor([0L, 300, 500], torch.ScalarType.Int64);
        Tensor[] operands = [Random(1, 500, 4, 16), Random(2, 500, 2, 16), Random(3, 500, 2, 16)];
        var (value, gradients) = ForwardAndBackward(x => Kernels.Attention(x[0], x[1], x[2], offsets, 0.3), operands);

        var (windowed, windowedGradients) = ForwardAndBackward(x => Kernels.Attention(x[0], x[1], x[2], offsets, 0.3, window), operands);

        Bits(windowed).ShouldBe(Bits(value));
        for (var i = 0; i < 3; i++) Bits(windowedGradients[i]).ShouldBe(Bits(gradients[i]), $"gradient {i}");
    }

    [Theory]
    [InlineData(5)]
    [InlineData(100)]
    [InlineData(256)]
    public void Decoding_a_row_has_the_bits_of_its_prefill_and_of_the_uncached_pass(int window)
    {
        const int Length = 700;
        var (q, k, v) = (Random(1, Length, 4, 24) * 6, Random(2, Length, 2, 24), Random(3, Length, 2, 24));
        var whole = Kernels.Attention(q, k, v, torch.tensor([0L, Length], torch.ScalarType.Int64), 0.3, window);

        // Slot 1: in pieces. Slot 2: token by token, beside another sequence in slot 0.
        var (keys, values) = (torch.zeros([3, Length, 2, 24]), torch.zeros([3, Length, 2, 24]));
        for (var (at, length) = (0, 0); at < Length; at += length)
        {
            length = Math.Min(at + 131, Length - at);
            var positions = torch.arange(at, at + length, torch.ScalarType.Int64);
            Tensor Piece(Tensor x) => x.narrow(0, at, length);
            var piece = Kernels.CachedAttention(Piece(q), Piece(k), Piece(v), keys, values, torch.full([length], 1, torch.ScalarType.Int64), positions, 0.3, window);
            Bits(piece).ShouldBe(Bits(Piece(whole)), $"positions {at} to {at + length}");
        }

        var slots = torch.tensor([0L, 2], torch.ScalarType.Int64);
        for (var t = 0; t < Length; t++)
        {
            using var scope = torch.NewDisposeScope();
            Tensor Pair(Tensor x) => torch.cat([x.narrow(0, Length - 1 - t, 1), x.narrow(0, t, 1)]);
            var row = Kernels.CachedAttention(Pair(q), Pair(k), Pair(v), keys, values, slots, torch.tensor([t, (long)t], torch.ScalarType.Int64), 0.3, window);
            Bits(row.narrow(0, 1, 1)).ShouldBe(Bits(whole.narrow(0, t, 1)), $"position {t}");
        }
    }

    [Fact]
    public void A_sequence_has_the_same_attention_and_gradients_alone_and_among_others()
    {
        const int Window = 60;
        var (q, k, v, one) = (Random(1, 700, 4, 16), Random(2, 700, 2, 16), Random(3, 700, 2, 16), Random(7, 700, 4, 16));
        Tensor Part(Tensor x) => x.narrow(0, 31, 519);
        var (all, gradients) = ForwardAndBackward(
            x => Kernels.Attention(x[0], x[1], x[2], torch.tensor([0L, 31, 550, 700], torch.ScalarType.Int64), 0.25, Window) * one, q, k, v);
        var (alone, own) = ForwardAndBackward(
            x => torch.cat([
                torch.zeros([31, 4, 16]),
                Kernels.Attention(x[0], x[1], x[2], torch.tensor([0L, 519], torch.ScalarType.Int64), 0.25, Window),
                torch.zeros([150, 4, 16])]) * one,
            Part(q), Part(k), Part(v));

        Bits(Part(all)).ShouldBe(Bits(Part(alone)));
        for (var i = 0; i < 3; i++) Bits(Part(gradients[i])).ShouldBe(Bits(own[i]), $"gradient {i}");
    }

    [Fact]
    public void One_thread_and_two_give_the_same_bits()
    {
        var offsets = torch.tensor([0L, 100, 900], torch.ScalarType.Int64);
        int[][] Run()
        {
            var (value, gradients) = ForwardAndBackward(
                x => Kernels.Attention(x[0], x[1], x[2], offsets, 0.2, 90), Random(1, 900, 4, 32), Random(2, 900, 4, 32), Random(3, 900, 4, 32));
            return [Bits(value), .. gradients.Select(Bits)];
        }

        OnThreads(2, Run).ShouldBe(OnThreads(1, Run));
    }

    [Fact]
    public async Task A_request_to_a_model_with_a_window_draws_the_same_bits_alone_and_among_others()
    {
        var config = Fixture.TinyConfig() with { ModelType = "mistral", SlidingWindow = 6 };
        using var windowed = TinyModel.Of(new Llama(config, Fixture.Weights(Fixture.PathOf("tiny-llama", "model.safetensors"))));
        using var open = TinyModel.Load();
        var requests = Enumerable.Range(0, 24).Select(i =>
            new GenerationRequest([1, .. Enumerable.Range(0, 2 + i).Select(j => 3 + (i * 31 + j * 17) % 90)], [(ulong)i, 77], new(Temperature: 1, TopP: 0.95, TopK: 0, MaxNewTokens: 30))).ToArray();
        var cancelled = TestContext.Current.CancellationToken;

        await using var one = new GenerationEngine(windowed, new(Slots: 2));
        await using var crowd = new GenerationEngine(windowed, new(Slots: 48, RowsPerStep: 50));
        await using var without = new GenerationEngine(open);
        var together = await Task.WhenAll(requests.Select(request => crowd.GenerateAsync(request, cancelled)));

        var differing = 0;
        for (var i = 0; i < requests.Length; i++)
        {
            var alone = await one.GenerateAsync(requests[i], cancelled);
            for (var j = 0; j < alone.Count; j++)
            {
                together[i][j].TokenIds.ShouldBe(alone[j].TokenIds);
                together[i][j].LogProbs.ShouldHaveTheBitsOf(alone[j].LogProbs);
            }

            if (!(await without.GenerateAsync(requests[i], cancelled))[0].LogProbs.SequenceEqual(alone[0].LogProbs)) differing++;
        }

        differing.ShouldBe(requests.Length, "the window must show");
    }
}
