using SelfRewarding.Contracts;
using SelfRewarding.Control.Summary;
using Spectre.Console;

namespace SelfRewarding.Control.View;

/// <summary>How the model's own judgements and answers change from one iteration to the next: the first place where a run goes wrong.</summary>
internal static class DriftPanel
{
    private const int BarWidth = 3;

    public static void Write(IAnsiConsole console, RunSummary summary)
    {
        var iterations = summary.Iterations.Where(iteration => iteration.Dataset is not null).ToList();
        if (iterations.Count == 0) return;

        var glyphs = Glyphs.For(console);
        var table = new SideBySide([.. iterations.Select(iteration => $"M{iteration.Number}{glyphs.Arrow}M{iteration.Number + 1}")]);
        void Row(string label, Func<DatasetFrozen, string?> figure) => table.Row(label, iterations.Select(iteration => figure(iteration.Dataset!)));

        table.Section("Scores of its own answers");
        foreach (var score in iterations.SelectMany(iteration => iteration.Dataset!.Statistics.ScoreHistogram.Keys).Distinct().OrderDescending(StringComparer.Ordinal))
            Row($"scored {score} %", dataset => ScoreShare(dataset.Statistics, score, glyphs));
        Row("mean score", dataset => Figures.Number(dataset.Statistics.MeanScore));
        Row("unparsable %", dataset => Share(dataset.Statistics.UnparsableJudgements, dataset.Statistics.Judgements));

        table.Section("Prompts");
        Row("prompts", dataset => Figures.Count(dataset.Statistics.Prompts));
        table.Row("drafts refused", iterations.Select(iteration => Figures.Count(iteration.RefusedDrafts)));
        Row("usable pairs %", dataset => Share(dataset.Pairs, dataset.Statistics.Prompts));
        foreach (var reason in iterations.SelectMany(iteration => iteration.Discarded.Keys).Distinct().Order())
            table.Row($"{InWords(reason)} %", iterations.Select(iteration => Share(iteration.Discarded.GetValueOrDefault(reason), iteration.Dataset!.Statistics.Prompts)));

        table.Section("Answers");
        Row("truncated %", dataset => Share(dataset.Statistics.TruncatedCandidates, dataset.Statistics.Candidates));
        Row("mean length, characters", dataset => Figures.Number(dataset.Statistics.MeanCandidateLength, "0.0"));
        Row("chosen is longer %", dataset => Figures.Percent(dataset.Statistics.ChosenLongerShare));
        Row("chosen less rejected score", dataset => Figures.Number(dataset.Statistics.MeanMargin));
        if (iterations.Any(iteration => iteration.Dataset!.Statistics.Judging is not null))
            AddJudging(table, iterations);
        table.Write(console);
    }

    private static void AddJudging(SideBySide table, IReadOnlyList<IterationSummary> iterations)
    {
        void Row(string label, Func<JudgingStatistics, int, string?> figure) =>
            table.Row(label, iterations.Select(iteration => iteration.Dataset!.Statistics is { Judging: { } judging } statistics ? figure(judging, statistics.Prompts) : null));

        table.Section("Its judgements compared");
        Row("comparisons", (judging, _) => Figures.Count(judging.Comparisons));
        Row("comparisons unparsable %", (judging, _) => Share(judging.Comparisons - judging.WonFirst - judging.WonSecond, judging.Comparisons));
        Row("the first is better %", (judging, _) => Share(judging.WonFirst, judging.WonFirst + judging.WonSecond));
        Row("pairs of judgements %", (judging, prompts) => Share(judging.Pairs, prompts));
        foreach (var reason in Enum.GetValues<NoJudgingPair>().Where(reason => iterations.Any(iteration => iteration.Dataset!.Statistics.Judging?.NoPair.ContainsKey(reason.ToString()) == true)))
            Row($"{InWords(reason)} %", (judging, prompts) => Share(judging.NoPair.GetValueOrDefault(reason.ToString()), prompts));
    }

    private static string InWords(NoJudgingPair reason) => reason switch
    {
        NoJudgingPair.NothingToCompare => "nothing to compare",
        NoJudgingPair.Unparsable => "no verdict",
        NoJudgingPair.Undecided => "equally strong",
        NoJudgingPair.Truncated => "better one truncated",
        NoJudgingPair.TooLong => "better one too long",
        NoJudgingPair.TooLarge => "judgements too large",
        _ => reason.ToString(),
    };

    /// <summary>A reason for a discard as a person would say it.</summary>
    public static string InWords(DiscardReason reason) => reason switch
    {
        DiscardReason.NoAcceptableDraft => "no acceptable draft",
        DiscardReason.Unparsable => "unparsable",
        DiscardReason.Tie => "tie",
        DiscardReason.IdenticalTexts => "identical texts",
        DiscardReason.Truncated => "truncated",
        DiscardReason.SmallMargin => "margin too small",
        DiscardReason.TooLong => "too long",
        DiscardReason.AnswersTooLarge => "answers too large",
        DiscardReason.JudgementsTooLarge => "judgements too large",
        DiscardReason.PairTooLarge => "pair too large",
        _ => reason.ToString(),
    };

    private static string? ScoreShare(DatasetStatistics statistics, string score, Glyphs glyphs)
    {
        var all = statistics.ScoreHistogram.Values.Sum();
        if (all == 0) return null;
        var share = (double)statistics.ScoreHistogram.GetValueOrDefault(score) / all;
        return $"{glyphs.Bar(share, BarWidth)} {share * 100,4:0}";
    }

    private static string? Share(int part, int whole) => whole == 0 ? null : Figures.Percent((double)part / whole);
}
