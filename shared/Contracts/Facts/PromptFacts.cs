using System.Text.Json.Serialization;

namespace SelfRewarding.Contracts;

/// <summary>Why generation of a text ended.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Finish>))]
public enum Finish
{
    /// <summary>A stop token was drawn.</summary>
    Stop,

    /// <summary>The token limit was reached: the text is truncated.</summary>
    Length,

    /// <summary>A server's filter ended the text, or left it out: it is truncated, too.</summary>
    ContentFilter,
}

/// <summary>A drafted prompt that a filter refused, with the figure that decided.</summary>
/// <param name="Text">Empty where it is too large to be recorded, which the reason then says.</param>
/// <param name="Reason">The filter's name, such as <c>rouge_l</c> or <c>too_short</c>.</param>
/// <param name="Figure">What the filter measured (ROUGE-L F1, number of words, bytes …).</param>
/// <param name="Nearest">The prompt it was too close to, where that is the reason.</param>
public sealed record RejectedDraft(int Attempt, string Text, string Reason, double Figure, string? Nearest);

/// <summary>Stage 1: a new instruction to answer.</summary>
/// <param name="Model">The model of this iteration: it answers the prompt and judges the answers.</param>
/// <param name="Source"><c>model</c> when that model drafted the prompt, <c>server</c> when a server did, else the file that it came from.</param>
/// <param name="Examples">The few-shot examples that the draft was drawn from, in order.</param>
/// <param name="Rejected">Drafts that the filters refused before this one.</param>
/// <param name="Server">The server that wrote the drafts, the refused ones included; null where none did.</param>
public sealed record PromptGenerated(
    string Run, int Iteration, int Ordinal, ModelRef Model, string Prompt, string Source,
    IReadOnlyList<string> Examples, IReadOnlyList<RejectedDraft> Rejected, ServedBy? Server = null);

/// <summary>One sampled answer.</summary>
/// <param name="Tokens">The token ids as drawn, without the stop token: the text's exact origin. Empty where a server drew them: its ids are not the model's.</param>
/// <param name="LogProb">Sum of the untempered log-probabilities of the drawn tokens, in nats; null where a server told none.</param>
public sealed record Candidate(int Index, string Text, IReadOnlyList<int> Tokens, Finish Finish, double? LogProb);

/// <summary>Stage 2: N answers to the prompt.</summary>
/// <param name="Model">The iteration's model: it judges the answers, and wrote them where no server did.</param>
/// <param name="Server">The server that wrote them; null where none did.</param>
public sealed record CandidatesSampled(
    string Run, int Iteration, int Ordinal, ModelRef Model, IReadOnlyList<Candidate> Candidates, ServedBy? Server = null);

/// <summary>One judgement of one answer, always with its raw text.</summary>
/// <param name="Score">What was parsed, or null: unparsable is not a low score.</param>
/// <param name="Unparsable">Why nothing was parsed, or null.</param>
/// <param name="TokenCount">Tokens that were written; 0 where a server counted none.</param>
/// <param name="LogProb">Sum of the untempered log-probabilities of the drawn tokens, in nats; null where a server told none.</param>
public sealed record Judgement(int Candidate, int Index, string Raw, double? Score, string? Unparsable, int TokenCount, Finish Finish, double? LogProb);

/// <summary>Stage 3: J judgements of each of the N answers.</summary>
/// <param name="Judge">The iteration's model: it judged, where no server did.</param>
/// <param name="Server">The server that judged; null where none did.</param>
/// <param name="Meta">Comparisons of judgements of one of the answers; null where the iteration has no meta-judge, empty where there was nothing to compare.</param>
public sealed record CandidatesJudged(
    string Run, int Iteration, int Ordinal, ModelRef Judge, IReadOnlyList<Judgement> Judgements, ServedBy? Server = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<MetaJudgement>? Meta = null);

/// <summary>A candidate's mean over its parsed judgements; null when none parsed. Never rounded.</summary>
public sealed record CandidateScore(int Candidate, double? Mean, int Parsed);

/// <summary>One side of a preference pair.</summary>
public sealed record PairSide(int Candidate, string Text, double Score);

/// <summary>Stage 4: the pair that the model will be trained on.</summary>
/// <param name="Judging">What came of comparing judgements; null where none were compared.</param>
public sealed record PreferencePairBuilt(
    string Run, int Iteration, int Ordinal, string Prompt, PairSide Chosen, PairSide Rejected, IReadOnlyList<CandidateScore> Scores,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] JudgingOutcome? Judging = null);

/// <summary>Why a prompt made no pair.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DiscardReason>))]
public enum DiscardReason
{
    /// <summary>Every draft was refused by the filters (the prompt's only event).</summary>
    NoAcceptableDraft,

    /// <summary>Fewer than two answers have a score.</summary>
    Unparsable,

    /// <summary>The best and the worst answer have the same mean.</summary>
    Tie,

    /// <summary>The best and the worst answer are the same text.</summary>
    IdenticalTexts,

    /// <summary>No answer that could be chosen was complete.</summary>
    Truncated,

    /// <summary>The means differ by less than the margin asked for.</summary>
    SmallMargin,

    /// <summary>The prompt leaves no room for an answer or a judgement in the model's context.</summary>
    TooLong,

    /// <summary>The answers together are more than a message may have.</summary>
    AnswersTooLarge,

    /// <summary>The judgements together are more than a message may have.</summary>
    JudgementsTooLarge,

    /// <summary>The prompt and the two answers of its pair are more than a message may have.</summary>
    PairTooLarge,
}

/// <summary>The other end of a prompt's life: no pair of answers, and why.</summary>
/// <param name="Server">The server that wrote the refused drafts; null where none did.</param>
/// <param name="Judging">What came of comparing judgements, which may be a pair all the same; null where none were compared.</param>
public sealed record PromptDiscarded(
    string Run, int Iteration, int Ordinal, DiscardReason Reason, string Detail,
    IReadOnlyList<CandidateScore> Scores, IReadOnlyList<RejectedDraft> Rejected, ServedBy? Server = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] JudgingOutcome? Judging = null);
