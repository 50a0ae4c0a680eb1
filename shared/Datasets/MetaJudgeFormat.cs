using SelfRewarding.Contracts;

namespace SelfRewarding.Datasets;

/// <summary>The layouts by which judgements are compared, each the one that goes with a layout of judging.</summary>
public static class MetaJudgeFormat
{
    /// <summary>
    /// Kata's, as short as its judging. Kata's seed has no example of it, so its model has never seen what it asks for: what comes back is hardly ever a verdict.
    /// </summary>
    public const string Kata = "which {prompt} -> {response}\nA {first}\nB {second}\n";

    private static readonly string _kataJudge = new FormatSettings().Judge;

    /// <summary>The layout that goes with this one of judging; null where that is somebody's own.</summary>
    public static string? For(string judge) =>
        judge == _kataJudge ? Kata
        : judge == PaperFormat.Judge ? PaperFormat.MetaJudge
        : judge == PaperFormat.ForChat.Judge ? PaperFormat.MetaJudgeForChat
        : null;
}
