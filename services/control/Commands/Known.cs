using SelfRewarding.Contracts;

namespace SelfRewarding.Control.Commands;

/// <summary>Names of runs as people type them.</summary>
public static class Known
{
    // A log may hold thousands of runs: more than these make no sentence.
    private const int MostNamed = 8;

    /// <summary>The run of that name.</summary>
    /// <exception cref="UserException">There is none; says which names are near.</exception>
    public static string Run(string name, IReadOnlyList<string> names)
    {
        if (names.Contains(name))
            return name;
        if (names.Count == 0)
            throw new UserException($"The log has no run '{name}', and no other: 'selfreward run' makes one.");
        var near = string.Join(", ", EditDistance.Nearest(name, names, MostNamed));
        throw new UserException(names.Count <= MostNamed
            ? $"The log has no run '{name}', expected one of: {near}."
            : $"The log has no run '{name}', expected one of its {names.Count}; near are: {near} ('selfreward runs' lists all).");
    }

    /// <summary>The run of that name, or the latest one where none is given.</summary>
    /// <param name="names">By their beginnings, the latest last.</param>
    public static string RunOrLatest(string? name, IReadOnlyList<string> names, string folder) => name is not null
        ? Run(name, names)
        : names is [.., var latest] ? latest : throw new UserException($"The log in '{folder}' has no run yet: 'selfreward run' makes one.");

    /// <summary>The iteration of that number.</summary>
    /// <exception cref="UserException">The run has none; says which it has.</exception>
    public static int Iteration(Ancestry ancestry, int iteration) => iteration >= 1 && iteration <= ancestry.Start.Settings.Iterations
        ? iteration
        : throw new UserException($"Run '{ancestry.Start.Run}' has no iteration {iteration}, expected 1 to {ancestry.Start.Settings.Iterations}.");
}
