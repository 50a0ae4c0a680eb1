using SelfRewarding.Contracts;

namespace SelfRewarding.Datasets;

/// <summary>
/// Reads a data file to its end whatever is wrong with it, a line at a time, and says what that is. A line is right when a run would take it, with scores in the usual range: both read it with the same code.
/// </summary>
/// <param name="path">JSON Lines, gzipped by name.</param>
/// <param name="kind">What its lines have to be. Null goes by their properties: all are of one kind, and lines that only lack something of it are the wrong ones, also where they come first.</param>
public sealed class DataFileCheck(string path, DataKind? kind = null)
{
    private static readonly JudgeSettings UsualJudge = new();

    private readonly SortedDictionary<int, long> _scores = [];
    private readonly bool _isGiven = kind is not null;
    private string? _poorer; // what is wrong with the lines before, once a line shows it

    /// <summary>What the lines are, as given or recognised so far; null where no line told.</summary>
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
                if (_poorer is null)
                    continue;
                yield return _poorer;
                _poorer = null;
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
        var own = _isGiven ? null : DataKinds.Of(line);
        Kind ??= own ?? throw Unknown(line);
        if (own is not { } found || found == Kind || found.LacksOf(Kind.Value))
        {
            Read(line, Kind.Value);
            return;
        }

        if (!Kind.Value.LacksOf(found))
            throw new DataFileException($"{line.Location}: is one of {DataKinds.NameOf(found)}, expected one of {DataKinds.NameOf(Kind.Value)} as the lines before (--kind says which).");
        Read(line, found);
        if (Right > 0)
            _poorer = $"{line.Location}: is one of {DataKinds.NameOf(found)}, but {Right} before it {(Right == 1 ? "is" : "are")} of {DataKinds.NameOf(Kind.Value)} only: a file has lines of one kind (--kind {DataKinds.NameOf(Kind.Value)} takes them).";
        (Kind, Wrong, Right) = (found, Wrong + Right, 0);
    }

    private void Read(JsonlLine line, DataKind kind)
    {
        switch (kind)
        {
            case DataKind.Prompts:
                _ = ExampleLine.Prompt(line);
                break;
            case DataKind.Ift:
                _ = ExampleLine.Instruction(line);
                break;
            case DataKind.Eft:
                var score = ExampleLine.Judged(line, UsualJudge).Score;
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
