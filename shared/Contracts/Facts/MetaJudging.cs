using System.Text.Json.Serialization;

namespace SelfRewarding.Contracts;

/// <summary>Two judgements of one answer compared, in one order, always with the raw text.</summary>
/// <param name="Candidate">The answer.</param>
/// <param name="First">The judgement that was shown first, by its index.</param>
/// <param name="Second">The one that was shown second.</param>
/// <param name="Winner">The index of the better one, or null: unparsable is no vote.</param>
/// <param name="Unparsable">Why nothing was parsed, or null.</param>
/// <param name="TokenCount">Tokens that were written; 0 where a server counted none.</param>
/// <param name="LogProb">Sum of the untempered log-probabilities of the drawn tokens, in nats; null where a server told none.</param>
public sealed record MetaJudgement(int Candidate, int First, int Second, string Raw, int? Winner, string? Unparsable, int TokenCount, Finish Finish, double? LogProb)
{
    /// <summary><c>first</c>, <c>second</c> or <c>unparsable</c>.</summary>
    public string Preferred() => Winner is null ? "unparsable" : Winner == First ? "first" : "second";
}

/// <summary>How strong a judgement is among those that it was compared with; their mean is 1.</summary>
/// <param name="Strength">Of two judgements the first is taken to win with probability p / (p + q): Elo's e^ε.</param>
public sealed record JudgementStrength(int Judgement, double Strength);

/// <summary>One side of a pair of judgements.</summary>
/// <param name="Score">What it gave the answer.</param>
/// <param name="Strength">As in <see cref="JudgementStrength"/>.</param>
public sealed record JudgementSide(int Judgement, string Text, double Score, double Strength);

/// <summary>A better and a worse judgement of one answer: what judging is trained on.</summary>
/// <param name="Prompt">The instruction.</param>
/// <param name="Answer">The answer that was judged.</param>
public sealed record JudgingPair(string Prompt, string Answer, JudgementSide Chosen, JudgementSide Rejected);

/// <summary>Why comparisons of judgements made no pair.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<NoJudgingPair>))]
public enum NoJudgingPair
{
    /// <summary>No answer has two different judgements with a score.</summary>
    NothingToCompare,

    /// <summary>No comparison could be read.</summary>
    Unparsable,

    /// <summary>All judgements came out equally strong.</summary>
    Undecided,

    /// <summary>No judgement that could be chosen was complete.</summary>
    Truncated,

    /// <summary>The strongest judgement is longer than a chosen one may be.</summary>
    TooLong,

    /// <summary>With the pair's texts the prompt's outcome is more than a message may have.</summary>
    TooLarge,
}

/// <summary>What the comparisons of a prompt's judgements came to.</summary>
/// <param name="Candidate">The answer whose judgements were compared; null where there was none.</param>
/// <param name="Comparisons">Each order of two judgements is one.</param>
/// <param name="WonFirst">Comparisons that the judgement shown first won.</param>
/// <param name="WonSecond">Those that the second one won; the rest could not be read.</param>
/// <param name="Strengths">By judgement index.</param>
/// <param name="Pair">Null where there is a <paramref name="Reason"/>.</param>
/// <param name="Detail">One sentence about the reason with its figures; empty where there is a pair.</param>
public sealed record JudgingOutcome(
    int? Candidate, int Comparisons, int WonFirst, int WonSecond, IReadOnlyList<JudgementStrength> Strengths, JudgingPair? Pair, NoJudgingPair? Reason, string Detail)
{
    /// <summary>What came of a prompt's comparisons, by how it settled; null where there were none, or it has not settled.</summary>
    public static JudgingOutcome? Of(object? outcome) => outcome switch { PreferencePairBuilt pair => pair.Judging, PromptDiscarded discarded => discarded.Judging, _ => null };
}
