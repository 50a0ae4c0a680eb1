namespace SelfRewarding.EventStore;

/// <summary>The folder with <c>initdb</c>, <c>pg_ctl</c> and <c>postgres</c> of one PostgreSQL version.</summary>
internal sealed record PostgresBinaries(string Folder)
{
    private const string DebianRoot = "/usr/lib/postgresql";

    public string InitDb => Path.Combine(Folder, "initdb");

    public string PgCtl => Path.Combine(Folder, "pg_ctl");

    /// <summary>The binaries of the version that made the cluster, or the newest where there is no cluster yet.</summary>
    /// <param name="clusterVersion">The content of <c>PG_VERSION</c>, or null.</param>
    public static PostgresBinaries Find(string? clusterVersion)
    {
        var debian = Directory.Exists(DebianRoot) ? Directory.GetDirectories(DebianRoot) : [];
        var versions = debian
            .Where(folder => int.TryParse(Path.GetFileName(folder), out _) && IsComplete(Path.Combine(folder, "bin")))
            .OrderByDescending(folder => int.Parse(Path.GetFileName(folder)))
            .ToList();
        if (clusterVersion is not null && versions.Find(folder => Path.GetFileName(folder) == clusterVersion) is { } same)
            return new PostgresBinaries(Path.Combine(same, "bin"));
        var onPath = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).FirstOrDefault(IsComplete);
        // What is on the PATH has no version in its name: where it is the wrong one, PostgreSQL's own refusal says so.
        if (onPath is not null && (clusterVersion is not null || versions.Count == 0))
            return new PostgresBinaries(onPath);
        if (versions.Count == 0)
            throw new PrivateClusterException("PostgreSQL is not installed: run 'apt-get install --no-install-recommends postgresql'.");
        if (clusterVersion is not null)
        {
            throw new PrivateClusterException(
                $"The cluster was made by PostgreSQL {clusterVersion}, but only {string.Join(", ", versions.Select(Path.GetFileName))} is installed: " +
                $"run 'apt-get install --no-install-recommends postgresql-{clusterVersion}'.");
        }

        return new PostgresBinaries(Path.Combine(versions[0], "bin"));
    }

    private static bool IsComplete(string folder) =>
        folder.Length > 0 && File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "pg_ctl")) && File.Exists(Path.Combine(folder, "postgres"));
}
