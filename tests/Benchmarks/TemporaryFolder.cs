namespace SelfRewarding.Benchmarks;

/// <summary>A folder that is there while something is measured.</summary>
internal static class TemporaryFolder
{
    /// <summary>Makes a folder that PostgreSQL's account can reach (it refuses to run as root), and removes it afterwards.</summary>
    /// <param name="name">What its name begins with.</param>
    /// <param name="measure">Given the folder's path.</param>
    public static async Task<T> UseAsync<T>(string name, Func<string, Task<T>> measure)
    {
        var folder = Directory.CreateTempSubdirectory(name + "-").FullName;
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.OtherExecute);
        try
        {
            return await measure(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
