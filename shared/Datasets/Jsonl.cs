using System.IO.Compression;

namespace SelfRewarding.Datasets;

/// <summary>
/// Reads JSON Lines, plain or (by the name's ending, <c>.gz</c>) gzipped, one line at a time, so that memory stays flat however long the
/// file is. Blank lines are skipped. Nothing is read before the sequence is enumerated.
/// </summary>
public static class Jsonl
{
    /// <summary>A longer line means that the file is not JSON Lines; without a limit it would be read into memory whole.</summary>
    private const int MaxLineBytes = 64 << 20;

    /// <summary><c>{"prompt"}</c>: instructions to answer.</summary>
    /// <exception cref="DataFileException">The file cannot be read, or a line is not what it should be; says which line and why.</exception>
    public static IEnumerable<string> ReadPrompts(string path) => Read(path).Select(line => line.NonBlankText("prompt"));

    /// <summary><c>{"prompt", "response"}</c>: demonstrations (IFT).</summary>
    /// <exception cref="DataFileException">As <see cref="ReadPrompts"/>.</exception>
    public static IEnumerable<InstructionExample> ReadInstructions(string path) =>
        Read(path).Select(line => new InstructionExample(line.NonBlankText("prompt"), line.NonBlankText("response")));

    /// <summary><c>{"prompt", "response", "judgement", "score"}</c>: judged answers (EFT). An answer may be empty; that is what a bad answer can look like.</summary>
    /// <exception cref="DataFileException">As <see cref="ReadPrompts"/>; also where "judgement" ends with another score than "score".</exception>
    public static IEnumerable<JudgedExample> ReadJudged(string path) => Read(path).Select(Judged);

    /// <summary>
    /// <c>{"prompt", "responses": [{"text", "rank", "quality"?}]}</c>: ranked answers, rank 0 the best. In place of "prompt" a line may
    /// have <c>"turns": [{"text"}]</c> with a single turn, as Open Assistant exports do. Where no answer of a line has a rank, their
    /// qualities rank them (equal ones tie), and answers that nobody rated are left out. Further properties are ignored.
    /// </summary>
    /// <exception cref="DataFileException">As <see cref="ReadPrompts"/>.</exception>
    public static IEnumerable<RankedPrompt> ReadRanked(string path) => Read(path).Select(Ranked);

    /// <summary>Whether a file's first line is one of ranked answers; false for an empty file.</summary>
    /// <exception cref="DataFileException">As <see cref="ReadPrompts"/>.</exception>
    public static bool HoldsRanked(string path) => Read(path).FirstOrDefault()?.Has("responses") ?? false;

    /// <summary>Whether a file of this name is gzipped.</summary>
    public static bool IsGzipped(string path) => path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase);

    /// <summary>The objects of a file in order.</summary>
    /// <exception cref="DataFileException">As <see cref="ReadPrompts"/>.</exception>
    public static IEnumerable<JsonlLine> Read(string path)
    {
        using var stream = Open(path);
        var buffer = new byte[1 << 16];
        var (start, scanned, end, number) = (0, 0, 0, 1);
        while (true)
        {
            var newline = Array.IndexOf(buffer, (byte)'\n', scanned, end - scanned);
            if (newline < 0)
            {
                scanned = end;
                (start, scanned, end) = MakeRoom(ref buffer, start, scanned, end, path, number);
                var read = Fill(stream, buffer, end, path, number);
                end += read;
                if (read > 0)
                    continue;
                newline = end; // the last line needs no line break
            }

            if (Content(buffer, start, newline, number) is { Length: > 0 } content)
                yield return JsonlLine.Parse($"{path}:{number}", content.Span);
            if (newline == end)
                yield break;
            start = scanned = newline + 1;
            number++;
        }
    }

    private static JudgedExample Judged(JsonlLine line)
    {
        var example = new JudgedExample(line.NonBlankText("prompt"), line.Text("response"), line.NonBlankText("judgement"), line.WholeNumber("score", 0));
        var (score, _) = JudgeScore.Parse(example.Judgement, Contracts.Finish.Stop, double.MinValue, double.MaxValue);
        // A judge may give half points: the example counts as the whole score next to it.
        return score is null || Math.Round(score.Value, MidpointRounding.AwayFromZero) == example.Score
            ? example
            : throw new DataFileException($"{line.Location}: \"score\" is {example.Score}, but \"judgement\" ends with the score {score}.");
    }

    private static RankedPrompt Ranked(JsonlLine line)
    {
        string prompt;
        if (line.Has("turns") && !line.Has("prompt"))
        {
            var turns = line.Objects("turns", min: 1);
            prompt = turns.Count == 1
                ? turns[0].NonBlankText("text")
                : throw new DataFileException($"{line.Location}: \"turns\" has {turns.Count} turns, expected 1: only answers to a first message can be used.");
        }
        else
        {
            prompt = line.NonBlankText("prompt");
        }

        var answers = line.Objects("responses", min: 2);
        double? Quality(JsonlLine answer) => answer.Has("quality") ? answer.Number("quality") : null;
        if (answers.Any(answer => answer.Has("rank")) || !answers.Any(answer => answer.Has("quality")))
            return new(prompt, [.. answers.Select(answer => new RankedAnswer(answer.Text("text"), answer.WholeNumber("rank", 0), Quality(answer)))]);

        var rated = answers.Where(answer => answer.Has("quality")).ToList();
        if (rated.Count < 2)
            throw new DataFileException($"{line.Location}: \"responses\" has no ranks and 1 quality, expected ranks, or 2 qualities to rank by.");
        var qualities = rated.Select(Quality).Distinct().OrderDescending().ToList();
        return new(prompt, [.. rated.Select(answer => new RankedAnswer(answer.Text("text"), qualities.IndexOf(Quality(answer)), Quality(answer)))]);
    }

    private static Stream Open(string path)
    {
        try
        {
            if (Directory.Exists(path))
                throw new DataFileException($"{path}: is a folder, expected a JSON Lines file.");
            var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
            return IsGzipped(path) ? new GZipStream(file, CompressionMode.Decompress) : file;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DataFileException($"{path}: no such file.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataFileException($"{path}: cannot be read: {e.Message}", e);
        }
    }

    // Moves the unfinished line to the front; doubles the buffer where it fills it.
    private static (int Start, int Scanned, int End) MakeRoom(ref byte[] buffer, int start, int scanned, int end, string path, int number)
    {
        if (start == 0 && end == buffer.Length)
        {
            if (buffer.Length >= MaxLineBytes)
                throw new DataFileException($"{path}:{number}: the line is longer than {MaxLineBytes >> 20} MiB, expected JSON Lines.");
            Array.Resize(ref buffer, buffer.Length * 2);
        }

        buffer.AsSpan(start, end - start).CopyTo(buffer);
        return (0, scanned - start, end - start);
    }

    private static int Fill(Stream stream, byte[] buffer, int end, string path, int number)
    {
        try
        {
            return stream.Read(buffer, end, buffer.Length - end);
        }
        catch (InvalidDataException e)
        {
            throw new DataFileException($"{path}:{number}: not gzip, or damaged: {e.Message}", e);
        }
        catch (IOException e)
        {
            throw new DataFileException($"{path}:{number}: cannot be read: {e.Message}", e);
        }
    }

    // Without white space around it, and without the byte-order mark that some editors put first.
    private static ReadOnlyMemory<byte> Content(byte[] buffer, int start, int end, int number)
    {
        ReadOnlySpan<byte> byteOrderMark = [0xEF, 0xBB, 0xBF];
        if (number == 1 && buffer.AsSpan(start, end - start).StartsWith(byteOrderMark))
            start += byteOrderMark.Length;
        ReadOnlySpan<byte> white = " \t\r"u8;
        while (start < end && white.Contains(buffer[start]))
            start++;
        while (end > start && white.Contains(buffer[end - 1]))
            end--;
        return buffer.AsMemory(start, end - start);
    }
}
