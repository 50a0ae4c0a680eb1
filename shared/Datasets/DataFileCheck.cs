namespace SelfRewarding.Datasets;

/// <summary>
/// Reads a data file to its end whatever is wrong with it, a line at a time, and says what that is. A line is right when a run would take it: both read it with the same code.
/// </summary>
/// <param name="path">JSON Lines, gzipped by name.</param>
/// <param name="kind">What its lines have to be; null goes by the first line whose properties tell.</param>
public sealed class DataFileCheck(string path, DataKind? kind = null)
{
    private readonly SortedDictionary<int, long> _scores = [];

    /// <summary>What the lines are, as given or recognised; null where no line told.</summary>
    public DataKind? Kind { get; private set; } = kind;

    /// <summary>Lines that a run would take.</summary>
    public long Right { get; private set; }

    /// <summary>Lines that a run would refuse, or a file that cannot be read on.</summary>
    public long Wrong { get; private set; }

    /// <summary>Answers of ranked prompts.</summary>
    public long Answers { get; private set; }

    /// <summary>Pairs of such answers with different ranks: what a judge's accuracy is counted over.</summary>
    public long RankedPairs { get; private set; }

    /// <summary>How many judged answers have which score.</summary>
    public IReadOnlyDictionary<int, long> Scores => _scores;

    /// <summary>One sentence for each thing that is wrong, <c>file:line: what</c>, in order; the counts are those of the part that was enumerated.</summary>
    public IEnumerable<string> Problems()
    {
        using var lines = TextLines.Read(path).GetEnumerator();
        while (true)
        {
            var problem = Next(lines, out var ended);
            if (ended)
                break;
            if (problem is null)
            {
                Right++;
                continue;
            }

            Wrong++;
            yield return problem;
        }

        if (Right + Wrong > 0)
            yield break;
        Wrong++;
        yield return $"{path}: holds no examples, expected JSON Lines.";
    }

    // A file that cannot be read on has ended with the line that says so.
    private string? Next(IEnumerator<TextLine> lines, out bool ended)
    {
        ended = false;
        try
        {
            ended = !lines.MoveNext();
            if (ended)
                return null;
            if (lines.Current.Problem is { } problem)
                return problem;
            Take(JsonlLine.Parse($"{path}:{lines.Current.Number}", lines.Current.Content.Span));
            return null;
        }
        catch (DataFileException e)
        {
            return e.Message;
        }
    }

    private void Take(JsonlLine line)
    {
        Kind ??= DataKinds.Of(line) ?? throw Unknown(line);
        switch (Kind)
        {
            case DataKind.Prompts:
                _ = ExampleLine.Prompt(line);
                break;
            case DataKind.Ift:
                _ = ExampleLine.Instruction(line);
                break;
            case DataKind.Eft:
                var score = ExampleLine.Judged(line).Score;
                _scores[score] = _scores.GetValueOrDefault(score) + 1;
                break;
            case DataKind.Ranked:
                var ranked = ExampleLine.Ranked(line);
                Answers += ranked.Answers.Count;
                RankedPairs += ranked.DifferentPairs();
                break;
            default:
                _ = ExampleLine.Pair(line);
                break;
        }
    }

    private static DataFileException Unknown(JsonlLine line) => new(line.Has("message_tree_id")
        ? $"{line.Location}: is a message tree of Open Assistant: make data of the file with 'selfreward data oasst' first."
        : $"{line.Location}: no kind of data has these properties, expected \"prompt\" and what goes with it ({string.Join(", ", DataKinds.ByName.Keys)}; --kind says which).");
}
