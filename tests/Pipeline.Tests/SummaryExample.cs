using SelfRewarding.Contracts;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>A small run as its log has it: four prompts an iteration, two iterations, one fact a second.</summary>
internal static class SummaryExample
{
    public static readonly DateTimeOffset Start = new(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public static RunSettings Settings { get; } = new() { Seed = 7, Iterations = 2, Prompts = new() { PerIteration = 4 } };

    /// <summary>The whole run.</summary>
    public static IEnumerable<object> Facts() =>
    [
        new RunStarted("kata-7", Settings, [new SeedSet("ift", "kata", 100, "aa")]),
        .. Model("M0", 0, 0.001, 0.50),
        .. Training("SFT", "sft", 3), .. Model("SFT", 3, 0.551, 0.52),
        .. Training("M1", "sft", 3), .. Model("M1", 3, 0.881, 0.93),
        .. Iteration(1), .. Training("M2", "dpo", 12), .. Model("M2", 12, 0.911, 0.94),
        .. Iteration(2), .. Training("M3", "dpo", 12), .. Model("M3", 12, 0.941, 0.935),
        new RunCompleted("kata-7", Ref("M3")),
    ];

    /// <summary>The same run, whose judgements are compared in the first iteration: two prompts make pairs of these, one of them with answers that tie.</summary>
    public static IEnumerable<object> Judging()
    {
        static JudgingOutcome Outcome(int ordinal, bool isPair) => isPair
            ? new(1, 2, 1, 1, [new(0, 0.5), new(2, 1.5)], new JudgingPair($"reverse: ab{ordinal}", "0ba", new(2, "good", 5, 1.5), new(0, "bad", 1, 0.5)), null, "")
            : new(null, 0, 0, 0, [], null, NoJudgingPair.NothingToCompare, "none differ");
        return Facts().Select(fact => fact switch
        {
            PreferencePairBuilt { Iteration: 1 } pair => pair with { Judging = Outcome(pair.Ordinal, isPair: true) },
            PromptDiscarded { Iteration: 1, Ordinal: < 3 } discarded => discarded with { Judging = Outcome(discarded.Ordinal, discarded.Reason == DiscardReason.Tie) },
            DatasetFrozen { Iteration: 1 } frozen => frozen with { Statistics = frozen.Statistics with { Judging = new(2, 4, 2, 2, new Dictionary<string, int> { ["NothingToCompare"] = 1 }) } },
            _ => fact,
        });
    }

    public static ModelRef Ref(string model) => new(model, $"models/kata-7/{model}", new string('a', 63) + model[^1]);

    /// <summary>One prompt makes a pair, one is a tie, one is unparsable, and one has no acceptable draft.</summary>
    public static IEnumerable<object> Iteration(int number)
    {
        for (var ordinal = 0; ordinal < 3; ordinal++)
        {
            yield return new PromptGenerated("kata-7", number, ordinal, Ref($"M{number}"), $"reverse: ab{ordinal}", "model", [], ordinal == 0 ? [Refused] : []);
            yield return new CandidatesSampled("kata-7", number, ordinal, Ref($"M{number}"), [Answer(0), Answer(1)]);
            yield return new CandidatesJudged("kata-7", number, ordinal, Ref($"M{number}"), [Judged(0), Judged(1)]);
        }

        yield return new PreferencePairBuilt("kata-7", number, 0, "reverse: ab0", new PairSide(0, "0ba", 5), new PairSide(1, "ab0", 2), []);
        yield return new PromptDiscarded("kata-7", number, 1, DiscardReason.Tie, "both 5", [], []);
        yield return new PromptDiscarded("kata-7", number, 2, DiscardReason.Unparsable, "no score", [], []);
        yield return new PromptDiscarded("kata-7", number, 3, DiscardReason.NoAcceptableDraft, "ten drafts", [], [Refused, Refused]);
        var statistics = new DatasetStatistics(
            4, 6, 6, 1, 2, new Dictionary<string, int> { ["5"] = 3, ["2"] = 2 }, new Dictionary<string, int> { ["Tie"] = 1 }, 3.8, 5.25, 0.25, 3);
        yield return new DatasetFrozen("kata-7", number, $"M{number + 1}", 1, "d" + number, statistics);
    }

    private static RejectedDraft Refused => new(0, "x", "too_short", 1, null);

    private static Candidate Answer(int index) => new(index, "0ba", [1, 2, 3, 4], Finish.Stop, -1);

    private static Judgement Judged(int candidate) => new(candidate, 0, "5", 5, null, 6, Finish.Stop, -1);

    public static IEnumerable<object> Training(string model, string recipe, int steps)
    {
        yield return new TrainingStarted("kata-7", model, recipe, Ref("M0"), "ee", 96, 0, steps);
        for (var step = 1; step <= steps; step++)
        {
            var preference = recipe == "dpo" ? new PreferenceMetrics(0.1, -0.1, 0.2 * step, 0.75, -3, -4) : null;
            yield return new TrainingStepped("kata-7", model, step, 1.0 / step, 0.5, 1e-3, 1000, 0.5, preference, [0], null, []);
        }
    }

    public static IEnumerable<object> Model(string name, int steps, double exactMatch, double pairwise)
    {
        yield return new ModelPublished("kata-7", Ref(name), name == "M0" ? null : Ref("M0"), null, steps);
        yield return new ModelEvaluated(
            "kata-7", Ref(name), new InstructionFollowing(1000, exactMatch + 0.04, exactMatch, exactMatch * 5, 5.5),
            name switch
            {
                "M0" => [],
                "SFT" => [new HeadToHead("M0", 600, 400, 0, 0.8)],
                "M1" => [new HeadToHead("SFT", 350, 600, 50, 0.65)],
                "M2" => [new HeadToHead("M1", 60, 900, 40, 0.51), new HeadToHead("SFT", 380, 580, 40, null)],
                _ => [new HeadToHead("M2", 50, 900, 50, 0.5), new HeadToHead("SFT", 400, 560, 40, null)],
            },
            new RewardModelling(250, 1250, pairwise, 0.9, 0.5, 0.8, 0.7, 0.01, 0.02), name == "M0" ? null : 0.9);
    }
}
