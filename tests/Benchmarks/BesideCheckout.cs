namespace SelfRewarding.Benchmarks;

/// <summary>Fixtures and data that lie beside the checkout, in <c>../shared</c>, and are no part of it.</summary>
internal static class BesideCheckout
{
    /// <summary>The path of such a file or folder; null where it is not there.</summary>
    public static string? Find(string path)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var full = Path.Combine(folder.FullName, "shared", path);
            if (Path.Exists(full)) return full;
        }

        return null;
    }
}
