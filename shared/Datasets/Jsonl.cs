using SelfRewarding.Contracts;

namespace SelfRewarding.Datasets;

/// <summary>
/// Reads JSON Lines, plain or (by the name's ending, <c>.gz</c>) gzipped, one line at a time, so that memory stays flat however long the
/// file is. Blank lines are skipped. Nothing is read before the sequence is enumerated.
/// </summary>
public static class Jsonl
{
    /// <summary><c>{"prompt"}</c>: instructions to answer.</summary>
    /// <exception cref="DataFileException">The file cannot be read, or a line is not what it should be; says which line and why.</exception>
    public static IEnumerable<string> ReadPrompts(string path) => Read(path).Select(ExampleLine.Prompt);

    /// <summary><c>{"prompt", "response"}</c>: demonstrations (IFT).</summary>
    /// <exception cref="DataFileException">As <see cref="ReadPrompts"/>.</exception>
    public static IEnumerable<InstructionExample> ReadInstructions(string path) => Read(path).Select(ExampleLine.Instruction);

    /// <summary><c>{"prompt", "response", "judgement", "score"}</c>: judged answers (EFT). An answer may be empty; that is what a bad answer can look like.</summary>
    /// <param name="path">The file.</param>
    /// <param name="judge">The judge's range: scores outside of it are refused, and <c>4/5</c> is a 4 where 5 is the highest.</param>
    /// <exception cref="DataFileException">As <see cref="ReadPrompts"/>; also where "judgement" ends with another score than "score", or with none.</exception>
    public static IEnumerable<JudgedExample> ReadJudged(string path, JudgeSettings judge) => Read(path).Select(line => ExampleLine.Judged(line, judge));

    /// <summary>
    /// <c>{"prompt", "responses": [{"text", "rank", "quality"?}]}</c>: ranked answers, rank 0 the best. In place of "prompt" a line may
    /// have <c>"turns": [{"text"}]</c> with a single turn, as Open Assistant exports do. Where no answer of a line has a rank, their
    /// qualities rank them (equal ones tie), and answers that nobody rated are left out. Further properties are ignored.
    /// </summary>
    /// <exception cref="DataFileException">As <see cref="ReadPrompts"/>.</exception>
    public static IEnumerable<RankedPrompt> ReadRanked(string path) => Read(path).Select(ExampleLine.Ranked);

    /// <summary>
    /// <c>{"prompt", "chosen", "rejected", "score_chosen"?, "score_rejected"?}</c>: preference pairs in TRL's standard format. The rejected answer may be empty.
    /// </summary>
    /// <exception cref="DataFileException">As <see cref="ReadPrompts"/>; also where the two answers are the same, or the scores say otherwise.</exception>
    public static IEnumerable<PreferencePair> ReadPairs(string path) => Read(path).Select(ExampleLine.Pair);

    /// <summary>Whether a file's first line is one of ranked answers; false for an empty file.</summary>
    /// <exception cref="DataFileException">As <see cref="ReadPrompts"/>.</exception>
    public static bool HoldsRanked(string path) => Read(path).FirstOrDefault()?.Has("responses") ?? false;

    /// <summary>Whether a file of this name is gzipped.</summary>
    public static bool IsGzipped(string path) => path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);

    /// <summary>The objects of a file in order.</summary>
    /// <exception cref="DataFileException">As <see cref="ReadPrompts"/>.</exception>
    public static IEnumerable<JsonlLine> Read(string path)
    {
        foreach (var line in TextLines.Read(path))
        {
            yield return line.Problem is { } problem
                ? throw new DataFileException(problem)
                : JsonlLine.Parse($"{path}:{line.Number}", line.Content.Span);
        }
    }
}
