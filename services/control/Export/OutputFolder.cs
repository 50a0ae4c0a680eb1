namespace SelfRewarding.Control.Export;

/// <summary>A folder that a person asked for: there with all its files or not at all, whatever ends the program on the way.</summary>
public static class OutputFolder
{
    /// <summary>Makes the folder: <paramref name="write"/> fills one beside it, which then gets its name.</summary>
    /// <exception cref="UserException">Something is there already under this name.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static async Task WriteAsync(string path, Func<string, Task> write)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (Path.Exists(full))
            throw new UserException($"'{path}' is there already: name another folder, or take it away first.");
        var unfinished = $"{full}.{Guid.NewGuid():N}.tmp";
        try
        {
            Directory.CreateDirectory(unfinished);
            await write(unfinished);
            Directory.Move(unfinished, full);
        }
        catch
        {
            Discard(unfinished);
            throw;
        }
    }

    private static void Discard(string unfinished)
    {
        try
        {
            Directory.Delete(unfinished, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The first failure is the one to report; what is left has a name that nobody takes for the folder.
        }
    }
}
