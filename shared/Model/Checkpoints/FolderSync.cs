using System.Runtime.InteropServices;

namespace SelfRewarding.Model;

/// <summary>Makes renames durable: a file's new name is on the disk only once its folder is.</summary>
internal static partial class FolderSync
{
    private const int ReadOnly = 0;

    /// <summary>Flushes a folder and those above it, as far as this user may open them. Where the file system cannot do that it keeps its own promises.</summary>
    public static void Flush(string folder)
    {
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
        {
            var descriptor = Open(at.FullName, ReadOnly);
            if (descriptor < 0)
                return;
            _ = Sync(descriptor);
            _ = Close(descriptor);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
