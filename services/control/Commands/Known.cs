namespace SelfRewarding.Control.Commands;

/// <summary>Names of runs as people type them.</summary>
public static class Known
{
    /// <summary>The run of that name.</summary>
    /// <exception cref="UserException">There is none; says which names are near.</exception>
    public static string Run(string name, IReadOnlyList<string> names)
    {
        if (names.Contains(name))
            return name;
        throw names.Count == 0
            ? new UserException($"The log has no run '{name}', and no other: 'selfreward run' makes one.")
            : new UserException($"The log has no run '{name}', expected one of: {string.Join(", ", names)}.");
    }

    /// <summary>The run of that name, or the latest one where none is given.</summary>
    /// <param name="names">By their beginnings, the latest last.</param>
    public static string RunOrLatest(string? name, IReadOnlyList<string> names, string folder) => name is not null
        ? Run(name, names)
        : names is [.., var latest] ? latest : throw new UserException($"The log in '{folder}' has no run yet: 'selfreward run' makes one.");
}
