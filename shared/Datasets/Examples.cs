namespace SelfRewarding.Datasets;

/// <summary>An instruction and an answer to learn from (IFT: instruction fine-tuning).</summary>
/// <param name="Prompt">What the model is asked, without any template.</param>
/// <param name="Response">What it should answer; the loss is on these tokens only.</param>
public sealed record InstructionExample(string Prompt, string Response);

/// <summary>An answer and the judgement of it to learn from (EFT: evaluation fine-tuning).</summary>
/// <param name="Prompt">The instruction that was answered, not the filled-in judge prompt.</param>
/// <param name="Response">The answer that is judged; it may be a bad one.</param>
/// <param name="Judgement">The whole judgement: justification, then <c>Score: </c> and the score.</param>
/// <param name="Score">The score that <paramref name="Judgement"/> ends with, 0 to 5.</param>
public sealed record JudgedExample(string Prompt, string Response, string Judgement, int Score);

/// <summary>Several answers to one instruction in a known order, to measure a judge against.</summary>
/// <param name="Prompt">The instruction.</param>
/// <param name="Answers">The answers in no particular order; <see cref="RankedAnswer.Rank"/> orders them.</param>
public sealed record RankedPrompt(string Prompt, IReadOnlyList<RankedAnswer> Answers)
{
    /// <summary>How many pairs of answers have different ranks: those that a judge can get right or wrong.</summary>
    public long DifferentPairs() => Two(Answers.Count) - Answers.CountBy(answer => answer.Rank).Sum(rank => Two(rank.Value));

    private static long Two(long of) => of * (of - 1) / 2;
}

/// <summary>One of the answers of a <see cref="RankedPrompt"/>.</summary>
/// <param name="Text">The answer.</param>
/// <param name="Rank">0 is best; equal ranks are ties, and tell a judge nothing.</param>
/// <param name="Quality">Where the source has one, a number that rises with quality; its unit is the source's own.</param>
public sealed record RankedAnswer(string Text, int Rank, double? Quality);

/// <summary>A better and a worse answer to one instruction, as TRL's preference datasets have them.</summary>
/// <param name="Prompt">The instruction.</param>
/// <param name="Chosen">The better answer.</param>
/// <param name="Rejected">The worse answer; it may be empty.</param>
/// <param name="ScoreChosen">The better answer's score, where the source has one; its unit is the source's own.</param>
/// <param name="ScoreRejected">The worse answer's score.</param>
public sealed record PreferencePair(string Prompt, string Chosen, string Rejected, double? ScoreChosen, double? ScoreRejected);

/// <summary>An instruction written after the pattern of others, to learn to write new ones from.</summary>
/// <param name="Shots">The instructions that are shown.</param>
/// <param name="Prompt">The instruction to write next.</param>
public sealed record DraftExample(IReadOnlyList<string> Shots, string Prompt);
