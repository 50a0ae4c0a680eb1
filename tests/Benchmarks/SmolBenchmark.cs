using System.Diagnostics;
using System.Globalization;
using SelfRewarding.Model;
using TorchSharp;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// What a model of SmolLM2-135M's size costs on this machine, as shares of what the machine's best matrix product reaches in the same run: reading prompts, decoding 32 answers at
/// once, and a step of preference training; and the most memory that all of it took.
/// </summary>
public static class SmolBenchmark
{
    private const int Rounds = 3;
    private const int PromptLength = 512, Prompts = 2;
    private const int Answers = 32, AnswerPrompt = 64, AnswerTokens = 32;
    private const int Pairs = 4, PairPrompt = 128, PairResponse = 128;
    private const double MostGibibytes = 12;

    /// <summary>Measures, and prints a table.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="compute">What the model computes in; the peak stays that of float32.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="BenchmarkFailedException">It took more memory than it may.</exception>
    public static async Task RunAsync(TextWriter output, string compute, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(output);
        var type = ComputeType.Named(compute);
        var rounds = new List<Measured[]>();
        using (var model = SmolModel.Make(seed: 1, type))
        {
            for (var round = 0; round < Rounds; round++)
            {
                // Each beside a peak of its own: what else the machine does changes while this runs.
                Func<Task<(double, double, double)>>[] kinds = [() => PrefillAsync(model, cancellationToken), () => DecodeAsync(model, cancellationToken)];
                var measured = new List<Measured>();
                foreach (var kind in kinds) measured.Add(await BesidePeakAsync(kind));
                rounds.Add([.. measured]);
            }
        }

        var steps = new List<Measured>();
        using (var model = Llama.Create(SmolModel.Config, seed: 1, type))
        using (var training = new SmolTraining(model, Pairs, PairPrompt, PairResponse))
        {
            training.Step(); // makes the gradients and moments
            for (var round = 0; round < Rounds; round++) steps.Add(await BesidePeakAsync(() => Task.FromResult(training.Step())));
        }

        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"A model of SmolLM2-135M's shape, random weights ({SmolModel.Weights * ComputeType.Bytes(type) / 1e6:F0} MB), {compute}, {torch.get_num_threads()} threads, median of {Rounds}:\n"));
        await output.WriteLineAsync("| what | tokens/s | GFLOP/s | matrix product's peak, GFLOP/s | share | aim |\n|---|--:|--:|--:|--:|--:|");
        await Row($"prefill, {Prompts} prompts of {PromptLength}", [.. rounds.Select(round => round[0])], 0.6);
        await Row($"decode, batch of {Answers}, after {AnswerPrompt} tokens", [.. rounds.Select(round => round[1])], 0.4);
        await Row($"DPO step, {Pairs} pairs of {PairPrompt} + {PairResponse} tokens a side, AdamW included", steps, 0.6);
        var decode = Median([.. rounds.Select(round => round[1])]);
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
            $"\nA decoding step reads all weights once: {decode.Tokens / Answers / decode.Seconds * SmolModel.Weights * ComputeType.Bytes(type) / 1e9:F1} GB/s of them go by."));
        var gibibytes = Process.GetCurrentProcess().PeakWorkingSet64 / (double)(1L << 30);
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"At its peak all of it took {gibibytes:F1} GiB (at most {MostGibibytes:F0})."));
        if (gibibytes > MostGibibytes)
            throw new BenchmarkFailedException(string.Create(CultureInfo.InvariantCulture, $"The benchmark took {gibibytes:F1} GiB at its peak, expected at most {MostGibibytes:F0}."));

        async Task Row(string what, IReadOnlyList<Measured> all, double aim)
        {
            var m = Median(all);
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                $"| {what} | {m.Tokens / m.Seconds:F0} | {m.Operations / m.Seconds / 1e9:F0} | {m.Peak / 1e9:F0} | {m.Share:F2} | {aim:F1} |"));
        }
    }

    private static Measured Median(IReadOnlyList<Measured> all) => all.OrderBy(measured => measured.Share).ElementAt(all.Count / 2);

    private static async Task<Measured> BesidePeakAsync(Func<Task<(double Tokens, double Operations, double Seconds)>> measure)
    {
        var before = MatrixPeak();
        var (tokens, operations, seconds) = await measure();
        return new Measured(tokens, operations, seconds, Math.Max(before, MatrixPeak()));
    }

    /// <summary>The best that a product of square float32 matrices reaches, libtorch's own or this project's, in operations a second.</summary>
    private static double MatrixPeak()
    {
        using var scope = torch.NewDisposeScope();
        using var off = torch.no_grad();
        var best = 0.0;
        foreach (var size in (long[])[1024, 2048])
        {
            var (a, b) = (torch.rand([size, size]), torch.rand([size, size]));
            foreach (var product in (Func<torch.Tensor>[])[() => Kernels.Linear(a, b), () => a.matmul(b)])
            {
                for (var i = 0; i < 6; i++)
                {
                    var clock = Stopwatch.StartNew();
                    product().Dispose();
                    best = Math.Max(best, 2.0 * size * size * size / clock.Elapsed.TotalSeconds);
                }
            }
        }

        return best;
    }

    private static async Task<(double Tokens, double Operations, double Seconds)> PrefillAsync(LoadedModel model, CancellationToken cancellationToken)
    {
        await using var engine = Engine(model, PromptLength + 1);
        var requests = Enumerable.Range(0, Prompts).Select(i => Request(SmolModel.Tokens(PromptLength, i), answers: 1, tokens: 1)).ToList();
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(requests.Select(request => engine.GenerateAsync(request, cancellationToken)));
        return (Prompts * PromptLength, SmolModel.Operations(Prompts * PromptLength, Prompts * SmolModel.Seen(PromptLength), Prompts), clock.Elapsed.TotalSeconds);
    }

    private static async Task<(double Tokens, double Operations, double Seconds)> DecodeAsync(LoadedModel model, CancellationToken cancellationToken)
    {
        await using var engine = Engine(model, AnswerPrompt + AnswerTokens + 1);
        var prompt = SmolModel.Tokens(AnswerPrompt, 99);
        var one = await SecondsAsync(1); // the prompt, and the first token of each
        var all = await SecondsAsync(AnswerTokens);
        var steps = AnswerTokens - 1;
        var seen = SmolModel.Seen(AnswerPrompt + steps) - SmolModel.Seen(AnswerPrompt);
        return (Answers * steps, SmolModel.Operations(Answers * steps, Answers * seen, Answers * steps), all - one);

        async Task<double> SecondsAsync(int tokens)
        {
            var clock = Stopwatch.StartNew();
            await engine.GenerateAsync(Request(prompt, Answers, tokens), cancellationToken);
            return clock.Elapsed.TotalSeconds;
        }
    }

    private static GenerationEngine Engine(LoadedModel model, int positions) => new(model, new GenerationEngineOptions(Slots: Answers, MaxPositions: positions));

    private static GenerationRequest Request(int[] prompt, int answers, int tokens) =>
        new(prompt, [.. Enumerable.Range(0, answers).Select(i => (ulong)i)], new SamplingParameters(0.7, 0.9, 0, tokens, []));

    private sealed record Measured(double Tokens, double Operations, double Seconds, double Peak)
    {
        public double Share => Operations / Seconds / Peak;
    }
}
