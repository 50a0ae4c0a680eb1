using System.IO.Compression;

namespace SelfRewarding.Datasets;

/// <summary>A line of a file without the white space around it. Valid until the next one is read.</summary>
/// <param name="Number">From 1 on; blank lines count.</param>
/// <param name="Problem">Set where the line is too long to be one of JSON Lines; then it has no content.</param>
internal readonly record struct TextLine(int Number, ReadOnlyMemory<byte> Content, string? Problem);

/// <summary>Cuts a file, plain or gzipped by its name, into lines that are not blank. Memory is bounded by the longest line allowed.</summary>
internal static class TextLines
{
    /// <summary>A longer line means that the file is not JSON Lines; without a limit it would be read into memory whole.</summary>
    public const int MaxLineBytes = 64 << 20;

    /// <summary>The lines of a file. One that is too long is reported as soon as that is seen, and passed over.</summary>
    /// <exception cref="DataFileException">The file cannot be opened or read on.</exception>
    public static IEnumerable<TextLine> Read(string path, int maxLineBytes = MaxLineBytes)
    {
        using var stream = Open(path);
        var most = maxLineBytes + 1; // the longest line and its line break
        var buffer = new byte[Math.Min(1 << 16, most)];
        var (start, scanned, end, number, passOver) = (0, 0, 0, 1, false);
        while (true)
        {
            var newline = Array.IndexOf(buffer, (byte)'\n', scanned, end - scanned);
            if (newline < 0)
            {
                if (start == 0 && end == buffer.Length && buffer.Length == most)
                {
                    if (!passOver)
                        yield return new(number, default, $"{path}:{number}: the line is longer than {maxLineBytes >> 20} MiB, expected JSON Lines.");
                    passOver = true;
                }

                if (passOver)
                    start = end;
                (start, end) = MakeRoom(ref buffer, start, end, most);
                scanned = end;
                var read = Fill(stream, buffer, end, path, number);
                end += read;
                if (read > 0)
                    continue;
                newline = end; // the last line needs no line break
            }

            if (!passOver && Content(buffer, start, newline, number) is { Length: > 0 } content)
                yield return new(number, content, null);
            if (newline == end)
                yield break;
            start = scanned = newline + 1;
            passOver = false;
            number++;
        }
    }

    private static Stream Open(string path)
    {
        try
        {
            if (Directory.Exists(path))
                throw new DataFileException($"{path}: is a folder, expected a JSON Lines file.");
            var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
            return Jsonl.IsGzipped(path) ? new GZipStream(file, CompressionMode.Decompress) : file;
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

    // Moves the unfinished line to the front; doubles the buffer where it fills it, the last time with the room for the line break.
    private static (int Start, int End) MakeRoom(ref byte[] buffer, int start, int end, int most)
    {
        if (start == 0 && end == buffer.Length)
            Array.Resize(ref buffer, buffer.Length * 2L < most - 1 ? buffer.Length * 2 : most);
        buffer.AsSpan(start, end - start).CopyTo(buffer);
        return (0, end - start);
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
