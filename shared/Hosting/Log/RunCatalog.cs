using System.Collections.Concurrent;
using SelfRewarding.Contracts;

namespace SelfRewarding.Hosting;

/// <summary>What each run was started with. A run's first event never changes, so it is read once per process.</summary>
public sealed class RunCatalog(FactLog log)
{
    private readonly ConcurrentDictionary<string, RunStarted> _runs = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Ancestry> _ancestries = new(StringComparer.Ordinal);

    /// <summary>The first event of a run.</summary>
    /// <exception cref="InvalidOperationException">The log has no such run.</exception>
    public async Task<RunStarted> StartOfAsync(string run, CancellationToken cancellationToken)
    {
        if (_runs.TryGetValue(run, out var known))
            return known;
        var started = await log.FindAsync(StreamNames.Run(run), RunStage.Started, cancellationToken) as RunStarted
            ?? throw new InvalidOperationException($"Run '{run}' is not in the log: a message names it, but stream '{StreamNames.Run(run)}' is empty.");
        return _runs.GetOrAdd(run, started);
    }

    /// <summary>Whose streams hold what of a run.</summary>
    public async Task<Ancestry> AncestryOfAsync(string run, CancellationToken cancellationToken)
    {
        if (_ancestries.TryGetValue(run, out var known))
            return known;
        List<RunStarted> chain = [await StartOfAsync(run, cancellationToken)];
        while (chain[^1].Origin is { } origin)
            chain.Add(await StartOfAsync(origin.Parent, cancellationToken));
        return _ancestries.GetOrAdd(run, new Ancestry(chain));
    }

    /// <summary>The settings of a run.</summary>
    public async Task<RunSettings> SettingsOfAsync(string run, CancellationToken cancellationToken) => (await StartOfAsync(run, cancellationToken)).Settings;
}
