namespace SelfRewarding.Model;

/// <summary>Files that are there whole or not at all: written beside their place, flushed to the disk, then renamed over it.</summary>
public static class AtomicFile
{
    /// <summary>
    /// Writes <paramref name="path"/> through <paramref name="write"/>, making its folder when it is missing. When writing fails (no space left, no permission) a file that
    /// was there before is untouched and nothing half-written stays.
    /// </summary>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public static void Write(string path, Action<Stream> write) => WriteAsync(path, stream =>
    {
        write(stream);
        return Task.CompletedTask;
    }).GetAwaiter().GetResult(); // nothing in it waits

    /// <summary>As <see cref="Write"/>, where what is written comes little by little.</summary>
    /// <exception cref="CheckpointException">The file cannot be written.</exception>
    public static async Task WriteAsync(string path, Func<Stream, Task> write)
    {
        var full = Path.GetFullPath(path);
        var temporary = $"{full}.{Guid.NewGuid():N}.tmp";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16))
            {
                await write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, full, overwrite: true);
            FolderSync.Flush(Path.GetDirectoryName(full)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Discard(temporary);
            throw new CheckpointException($"'{full}' cannot be written: {Sentence(e.Message)} Nothing was changed; make room or choose another folder, and start again.", e);
        }
        catch
        {
            Discard(temporary);
            throw;
        }
    }

    /// <summary>Writes a text file in UTF-8 without a byte order mark; see <see cref="Write"/>.</summary>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));

    /// <summary>Copies a file; see <see cref="Write"/>.</summary>
    /// <exception cref="CheckpointException">It cannot be read, or the copy cannot be written.</exception>
    public static void Copy(string from, string path) => Write(path, stream =>
    {
        using var source = File.OpenRead(from);
        source.CopyTo(stream);
    });

    private static void Discard(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The first failure is the one to report; a leftover temporary file harms nothing.
        }
    }

    private static string Sentence(string message) => message.EndsWith('.') ? message : message + ".";
}
