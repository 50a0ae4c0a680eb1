using Shouldly;
using TorchSharp;
using static SelfRewarding.Model.Tests.KernelOperands;

namespace SelfRewarding.Model.Tests;

/// <summary>Drawing tokens.</summary>
public sealed class KernelSampleTests : IDisposable
{
    private readonly DisposeScope _scope = torch.NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Temperature_zero_takes_the_likeliest_and_of_equals_the_lowest_id() =>
        Draw([1, 3, 2, 3], temperature: 0, uniform: 0.99).ShouldBe(1);

    [Fact]
    public void The_draw_walks_up_the_ids_through_the_cumulative_probabilities()
    {
        // probabilities .1 .2 .3 .4
        float[] logits = [MathF.Log(1), MathF.Log(2), MathF.Log(3), MathF.Log(4)];
        Draw(logits, uniform: 0).ShouldBe(0);
        Draw(logits, uniform: 0.0999).ShouldBe(0);
        Draw(logits, uniform: 0.1001).ShouldBe(1);
        Draw(logits, uniform: 0.5999).ShouldBe(2);
        Draw(logits, uniform: 0.6001).ShouldBe(3);
        Draw(logits, uniform: Math.BitDecrement(1.0)).ShouldBe(3);
    }

    [Fact]
    public void Top_k_keeps_the_k_likeliest_and_of_equals_the_lowest_ids()
    {
        float[] logits = [0, 5, 0, 5, 5];
        Drawn(logits, topK: 2).ShouldBe([1, 3]);
        Drawn(logits, topK: 4).ShouldBe([0, 1, 3, 4]);
        Drawn(logits, topK: 9).ShouldBe([0, 1, 2, 3, 4]);
        Drawn(logits, topK: 1).ShouldBe([1]);
    }

    [Fact]
    public void Top_p_keeps_the_smallest_set_that_reaches_it_and_at_least_one()
    {
        float[] logits = [MathF.Log(4), MathF.Log(1), MathF.Log(3), MathF.Log(2)]; // .4 .1 .3 .2
        Drawn(logits, topP: 0).ShouldBe([0]);
        Drawn(logits, topP: 0.39f).ShouldBe([0]);
        Drawn(logits, topP: 0.41f).ShouldBe([0, 2]);
        Drawn(logits, topP: 0.71f).ShouldBe([0, 2, 3]);
        Drawn(logits, topP: 0.99f).ShouldBe([0, 1, 2, 3]);
        Drawn([7, 7, 7, 7], topP: 0.5f).ShouldBe([0, 1]);
    }

    [Fact]
    public void Top_p_counts_the_mass_that_temperature_and_top_k_have_left()
    {
        float[] logits = [MathF.Log(4), MathF.Log(1), MathF.Log(3), MathF.Log(3)];
        Drawn(logits, topK: 2, topP: 0.56f).ShouldBe([0]); // 4/7 = .571 reaches .56 alone
        Drawn(logits, topK: 2, topP: 0.58f).ShouldBe([0, 2]);
        Drawn(logits, temperature: 0.1f, topP: 0.8f).ShouldBe([0]);
    }

    [Fact]
    public void Log_probs_are_those_of_the_logits_without_temperature_and_filter()
    {
        var logits = Random(1, 20, 261) * 6;
        var (tokens, logProbs) = Kernels.Sample(
            logits, torch.full([20], 0.5), torch.full([20], 0.8), torch.full([20], 5, torch.ScalarType.Int64), torch.full([20], 0.5, torch.ScalarType.Float64));
        Bits(logProbs).ShouldBe(Bits(Kernels.LogProbs(logits, tokens)));
    }

    [Fact]
    public void The_composed_operation_draws_the_same_tokens()
    {
        const int rows = 400;
        var logits = Random(1, rows, 100) * 6;
        var temperature = torch.tensor([.. Enumerable.Range(0, rows).Select(i => i % 5 * 0.4f)]);
        var topP = torch.tensor([.. Enumerable.Range(0, rows).Select(i => i % 3 == 0 ? 1 : 0.6f + 0.1f * (i % 4))]);
        var topK = torch.tensor([.. Enumerable.Range(0, rows).Select(i => (long)(i % 7 * 3))], torch.ScalarType.Int64);
        var uniform = torch.tensor([.. Enumerable.Range(0, rows).Select(i => Philox.Uniform(9, 9, (ulong)i))], torch.ScalarType.Float64);

        var (tokens, logProbs) = Kernels.Sample(logits, temperature, topP, topK, uniform);
        var (expected, expectedLogProbs) = ComposedKernels.Sample(logits, temperature, topP, topK, uniform);

        tokens.data<long>().ToArray().ShouldBe(expected.data<long>().ToArray());
        ShouldBeNear(logProbs, expectedLogProbs, "log-probabilities");
    }

    [Fact]
    public void The_composed_operation_draws_the_same_tokens_where_nothing_is_likely_and_many_are_equal()
    {
        const int rows = 50, size = 5000;
        var steps = Array.ConvertAll(Floats(Random(1, rows, size)), value => MathF.Round(value * 16) / 32); // some are -0
        var logits = torch.tensor(steps, [rows, size]);
        var (temperature, topP) = (torch.full([rows], 0.7), torch.tensor([.. Enumerable.Range(0, rows).Select(i => 0.3f + (0.013f * i))]));
        var topK = torch.tensor([.. Enumerable.Range(0, rows).Select(i => (long)(i % 3 * 1000))], torch.ScalarType.Int64);
        var uniform = torch.tensor([.. Enumerable.Range(0, rows).Select(i => Philox.Uniform(9, 9, (ulong)i))], torch.ScalarType.Float64);

        var (tokens, _) = Kernels.Sample(logits, temperature, topP, topK, uniform);
        var (expected, _) = ComposedKernels.Sample(logits, temperature, topP, topK, uniform);

        tokens.data<long>().ToArray().ShouldBe(expected.data<long>().ToArray());
    }

    [Fact]
    public void Frequencies_are_those_of_the_softmax()
    {
        const int draws = 100_000;
        float[] logits = [0, 1, 2, -1, 0.5f, 1.5f];
        const double temperature = 0.8;
        var all = torch.tensor(logits).unsqueeze(0).expand(draws, logits.Length);
        var uniform = torch.tensor([.. Enumerable.Range(0, draws).Select(i => Philox.Uniform(17, 0, (ulong)i))], torch.ScalarType.Float64);
        var (tokens, _) = Kernels.Sample(
            all, torch.full([draws], temperature), torch.ones([draws]), torch.zeros([draws], torch.ScalarType.Int64), uniform);

        var counts = tokens.data<long>().ToArray().CountBy(token => token).ToDictionary();
        var mass = logits.Sum(logit => Math.Exp(logit / temperature));
        var chiSquare = logits.Select((logit, id) => (Expected: draws * Math.Exp(logit / temperature) / mass, Actual: counts.GetValueOrDefault(id)))
            .Sum(bin => (bin.Actual - bin.Expected) * (bin.Actual - bin.Expected) / bin.Expected);
        chiSquare.ShouldBeLessThan(20.5); // the 99.9 % point at 5 degrees of freedom
    }

    private static long Draw(float[] logits, float temperature = 1, float topP = 1, long topK = 0, double uniform = 0.5)
    {
        var (tokens, _) = Kernels.Sample(
            torch.tensor(logits).unsqueeze(0),
            torch.tensor([temperature]),
            torch.tensor([topP]),
            torch.tensor([topK], torch.ScalarType.Int64),
            torch.tensor([uniform], torch.ScalarType.Float64));
        return tokens.item<long>();
    }

    // Every token that some draw gives.
    private static long[] Drawn(float[] logits, float temperature = 1, float topP = 1, long topK = 0) =>
        [.. Enumerable.Range(0, 1000).Select(i => Draw(logits, temperature, topP, topK, i / 1000.0)).Distinct().Order()];
}
