using SelfRewarding.Contracts;
using SelfRewarding.Control.Verify;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>Which judgements of ranked answers become judging examples, and that a recorded decision which does not follow from them is found.</summary>
public sealed class EftSelectionTests
{
    private static readonly JudgeSettings s_settings = new();
    private static readonly ModelRef s_judge = new("SFT", "models/r/SFT", "aa");

    // Six prompts, each with a best, a middle and a worst answer.
    private static readonly IReadOnlyList<RankedPrompt> s_ranked =
        [.. Enumerable.Range(0, 6).Select(p => new RankedPrompt($"prompt {p}", [new($"best {p}", 0, null), new($"middle {p}", 1, null), new($"worst {p}", 2, null)]))];

    [Theory]
    [InlineData(true, "the scores agree with the ranking", "5", "3", "1")]
    [InlineData(true, "the scores agree with the ranking", "5", "5", "1")]
    [InlineData(false, "1 pairs of answers scored against their ranking", "5", "1", "3")]
    [InlineData(false, "the best and the worst answer were scored alike", "4", "4", "4")]
    [InlineData(false, "1 of 3 judgements unparsable", "5", "many", "1")]
    public void Scores_must_agree_with_the_ranking(bool accepted, string reason, params string[] scores)
    {
        var verdict = EftSelection.Verdict(s_ranked[0], Judged(scores));
        (verdict.Accepted, verdict.Reason, verdict.Answers).ShouldBe((accepted, reason, 3));
    }

    [Fact]
    public void The_most_common_score_is_thinned_to_twice_the_next_and_the_first_ones_stay()
    {
        // Ten fours beside six ones are no more than twice as many: all stay.
        IReadOnlyList<EftVerdict> verdicts = [.. s_ranked.Select((prompt, p) => EftSelection.Verdict(prompt, Judged(p < 5 ? ["4", "4", "1"] : ["5", "3", "1"])))];
        EftSelection.Kept(verdicts, s_ranked).Count.ShouldBe(18);

        // Twelve fours beside two zeros and two ones are more: four stay.
        verdicts = [.. s_ranked.Select((prompt, p) => EftSelection.Verdict(prompt, Judged(["4", "4", $"{p % 4}"])))];
        var built = EftSelection.Built("r", s_judge, verdicts, s_ranked);
        built.HistogramBefore["4"].ShouldBe(12);
        (built.Accepted, built.Thinned, built.HistogramAfter["4"]).ShouldBe((10, 8, 4));
        EftSelection.Kept(verdicts, s_ranked).Where(made => made.Example.Score == 4).Select(made => made.Ranked).ShouldBe([0, 0, 1, 1]);
    }

    [Fact]
    public void What_was_decided_as_it_must_be_verifies()
    {
        var report = new VerifyReport();
        EftChecks.Check(report, "r", Recorded(), s_ranked, s_settings).ShouldNotBeNull().Count.ShouldBe(Recorded().Accepted);
        report.First.ShouldBeNull();
        report.Counts.Sum(count => count.Checked).ShouldBeGreaterThan(30);
    }

    public static TheoryData<string, string> Changes => new()
    {
        { "score", "scores follow from the raw judgements" },
        { "raw", "scores follow from the raw judgements" },
        { "accepted", "verdicts on ranked prompts follow from the scores" },
        { "reason", "verdicts on ranked prompts follow from the scores" },
        { "thinned", "the judging seed is thinned as it must be" },
        { "histogram", "the judging seed is thinned as it must be" },
        { "prompt", "ranked prompts have a verdict each" },
        { "answer", "ranked answers have a judgement each" },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void A_single_changed_value_is_found(string change, string rule)
    {
        var recorded = Recorded();
        var (verdict, judgement) = (recorded.Verdicts[1], recorded.Verdicts[1].Judgements[2]);
        var changed = change switch
        {
            "score" => With(verdict with { Judgements = [.. verdict.Judgements.Take(2), judgement with { Score = 2 }] }),
            "raw" => With(verdict with { Judgements = [.. verdict.Judgements.Take(2), judgement with { Raw = "Score: 5" }] }),
            "accepted" => With(verdict with { Accepted = !verdict.Accepted }),
            "reason" => With(verdict with { Reason = "because" }),
            "thinned" => recorded with { Thinned = recorded.Thinned + 1 },
            "histogram" => recorded with { HistogramAfter = new Dictionary<string, int> { ["4"] = 1 } },
            "prompt" => With(verdict with { Prompt = "another" }),
            _ => With(verdict with { Judgements = [.. verdict.Judgements.Take(2), judgement with { Candidate = 9 }] }),
        };
        var report = new VerifyReport();
        EftChecks.Check(report, "r", changed, s_ranked, s_settings);
        report.First.ShouldNotBeNull().Check.ShouldBe(rule);

        EftBuilt With(EftVerdict other) => recorded with { Verdicts = [recorded.Verdicts[0], other, .. recorded.Verdicts.Skip(2)] };
    }

    private static EftBuilt Recorded() =>
        EftSelection.Built("r", s_judge, [.. s_ranked.Select((prompt, p) => EftSelection.Verdict(prompt, Judged(p == 3 ? ["4", "none", "0"] : ["4", "4", $"{p % 3}"])))], s_ranked);

    private static List<Judgement> Judged(IReadOnlyList<string> scores) => [.. scores.Select((score, answer) =>
    {
        var raw = $"It is so. Score: {score}";
        var parsed = JudgeScore.Parse(raw, Finish.Stop, s_settings);
        return new Judgement(answer, 0, raw, parsed.Score, parsed.Unparsable, 9, Finish.Stop, -1);
    })];
}
