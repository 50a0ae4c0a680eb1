using System.Globalization;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Settings;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// The facts of one run of Kata's preset in the order in which they come about, with texts of Kata's lengths drawn from a seed: what a run of
/// that size leaves in the log, without computing it.
/// </summary>
/// <param name="run">The run's name.</param>
/// <param name="prompts">Prompts of each of its two iterations.</param>
/// <param name="steps">Steps of each of its four trainings.</param>
/// <param name="seed">Of its texts and figures.</param>
internal sealed class RecordedRun(string run, int prompts, int steps, int seed)
{
    // prompt-gen appends a block of drafts together; the stages of its prompts then follow each other at a distance.
    private const int Block = 64;
    private const int Distance = 4;
    private const int CheckpointEvery = 100;

    private readonly Random _random = new(seed);

    /// <summary>Every fact, and the stream that it belongs to.</summary>
    public IEnumerable<(string Stream, object Fact)> Facts()
    {
        var settings = Presets.Kata with { Prompts = Presets.Kata.Prompts with { PerIteration = prompts } };
        yield return (StreamNames.Run(run), new RunStarted(run, settings, [new SeedSet("ift", "kata", 2_000, Hash("ift")), new SeedSet("eft", "kata", 15_000, Hash("eft"))]));
        foreach (var fact in (IEnumerable<(string, object)>)[.. Published(ModelNames.Base, null), .. Trained(ModelNames.Baseline, ModelNames.Base), .. Trained("M1", ModelNames.Base)])
            yield return fact;
        for (var iteration = 1; iteration <= 2; iteration++)
        {
            for (var first = 0; first < prompts; first += Block)
            {
                foreach (var fact in Prompts(iteration, first, Math.Min(Block, prompts - first)))
                    yield return fact;
            }

            var model = ModelNames.OfIteration(iteration + 1);
            yield return (StreamNames.Training(run, model), Frozen(iteration, model));
            foreach (var fact in Trained(model, ModelNames.OfIteration(iteration)))
                yield return fact;
        }

        yield return (StreamNames.Run(run), new RunCompleted(run, Ref("M3")));
    }

    private IEnumerable<(string Stream, object Fact)> Prompts(int iteration, int first, int count)
    {
        for (var i = 0; i < count; i++)
            yield return (Stream(i), new PromptGenerated(run, iteration, first + i, Ref(ModelNames.OfIteration(iteration)), Instruction(), "model", [Instruction(), Instruction(), Instruction(), Instruction()], Refused()));
        for (var i = 0; i < count + 2 * Distance; i++)
        {
            if (i < count)
                yield return (Stream(i), new CandidatesSampled(run, iteration, first + i, Ref(ModelNames.OfIteration(iteration)), [.. Enumerable.Range(0, 4).Select(Answer)]));
            if (i - Distance is >= 0 and var judged && judged < count)
                yield return (Stream(judged), new CandidatesJudged(run, iteration, first + judged, Ref(ModelNames.OfIteration(iteration)), [.. Enumerable.Range(0, 12).Select(Judged)]));
            if (i - 2 * Distance is >= 0 and var settled && settled < count)
                yield return (Stream(settled), Settled(iteration, first + settled));
        }

        string Stream(int index) => StreamNames.Prompt(run, iteration, first + index);
    }

    private object Settled(int iteration, int ordinal)
    {
        CandidateScore[] scores = [.. Enumerable.Range(0, 4).Select(candidate => new CandidateScore(candidate, _random.Next(16) / 3.0, 3))];
        return _random.Next(3) == 0
            ? new PromptDiscarded(run, iteration, ordinal, _random.Next(4) == 0 ? DiscardReason.SmallMargin : DiscardReason.Tie, "best and worst mean are 5 and 5", scores, [])
            : new PreferencePairBuilt(run, iteration, ordinal, Instruction(), new PairSide(0, Letters(), 5), new PairSide(3, Letters(), _random.Next(12) / 3.0), scores);
    }

    private IEnumerable<(string Stream, object Fact)> Trained(string model, string parent)
    {
        var (stream, isDpo) = (StreamNames.Training(run, model), ModelNames.Iteration(model) > 1);
        yield return (stream, new TrainingStarted(run, model, isDpo ? "dpo" : "sft", Ref(parent), Hash(model), prompts, 0, steps));
        for (var step = 1; step <= steps; step++)
        {
            var preference = isDpo ? new PreferenceMetrics(Real(), -Real(), Real(), Real(), -10 * Real(), -10 * Real()) : null;
            int[] examples = [.. Enumerable.Range(0, 32).Select(_ => _random.Next(prompts))];
            yield return (stream, new TrainingStepped(run, model, step, Real(), Real(), Real() * 1e-3, 1_500, 0.1 + Real(), preference, examples, isDpo ? Real() : null, isDpo ? examples : []));
            if (step % CheckpointEvery == 0)
                yield return (stream, new CheckpointSaved(run, model, step, $"runs/{run}/checkpoints/{model}", Hash(model), Hash(parent)));
        }

        foreach (var fact in Published(model, parent))
            yield return fact;
    }

    private IEnumerable<(string Stream, object Fact)> Published(string model, string? parent)
    {
        yield return (StreamNames.Run(run), new ModelPublished(run, Ref(model), parent is null ? null : Ref(parent), parent is null ? null : Hash(model), parent is null ? 0 : steps));
        yield return (StreamNames.Evaluation(run, model), new HeldOutAnswered(run, Ref(model), [.. Enumerable.Range(0, 100).Select(index => new HeldOutAnswer(index, Instruction(), Letters(), Letters()))]));
        yield return (StreamNames.Evaluation(run, model), new ModelEvaluated(
            run, Ref(model), new InstructionFollowing(1_000, Real(), Real(), 5 * Real(), 5.5), parent is null ? [] : [new HeadToHead(parent, 350, 600, 50, Real())],
            new RewardModelling(250, 1_250, Real(), Real(), Real(), Real(), Real(), 0.01, 0.02), parent is null ? null : Real()));
    }

    private DatasetFrozen Frozen(int iteration, string model) => new(run, iteration, model, prompts * 2 / 3, Hash(model), new DatasetStatistics(
        prompts, prompts * 4, prompts * 12, prompts, 0, new Dictionary<string, int> { ["0"] = prompts, ["2"] = prompts, ["5"] = prompts * 9 },
        new Dictionary<string, int> { ["Tie"] = prompts / 4, ["SmallMargin"] = prompts / 12 }, 4.2, 5.5, 0.4, 2.5));

    private Candidate Answer(int index) => new(index, Letters(), [.. Enumerable.Range(0, 6).Select(_ => _random.Next(60))], _random.Next(50) == 0 ? Finish.Length : Finish.Stop, -5 * Real());

    private Judgement Judged(int index)
    {
        var (score, raw) = (_random.Next(6), $"{Letters()} {Letters()} {Letters()}.");
        return _random.Next(20) == 0
            ? new Judgement(index / 3, index % 3, raw, null, "cut off at the token limit before any \"Score:\"", 96, Finish.Length, -30 * Real())
            : new Judgement(index / 3, index % 3, string.Create(CultureInfo.InvariantCulture, $"{raw} Score: {score}"), score, null, 24, Finish.Stop, -5 * Real());
    }

    private RejectedDraft[] Refused() => _random.Next(3) == 0 ? [new RejectedDraft(0, Instruction(), "rouge_l", 0.5 + Real() / 2, Instruction())] : [];

    private ModelRef Ref(string model) => new(model, $"runs/{run}/models/{model}", Hash(model));

    private static string Hash(string text) => string.Concat(Enumerable.Repeat(text, 64))[..64];

    private string Instruction() => $"reverse: {Letters()}";

    private string Letters() => string.Create(_random.Next(3, 9), _random, (span, random) =>
    {
        for (var i = 0; i < span.Length; i++)
            span[i] = (char)('a' + random.Next(26));
    });

    private double Real() => _random.NextDouble();
}
