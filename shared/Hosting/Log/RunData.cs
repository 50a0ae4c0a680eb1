using System.Collections.Concurrent;
using SelfRewarding.Datasets;

namespace SelfRewarding.Hosting;

/// <summary>The seed and held-out data of each run, read once per process and held to the hashes in the run's first event.</summary>
public sealed class RunData(RunCatalog runs)
{
    private readonly ConcurrentDictionary<string, Lazy<Task<SeedData>>> _data = new(StringComparer.Ordinal);

    /// <summary>The data of a run.</summary>
    /// <exception cref="DataFileException">A file is missing, malformed, or no longer what the run was started with.</exception>
    public Task<SeedData> OfAsync(string run, CancellationToken cancellationToken) =>
        _data.GetOrAdd(run, name => new Lazy<Task<SeedData>>(() => LoadAsync(name))).Value.WaitAsync(cancellationToken);

    private async Task<SeedData> LoadAsync(string run)
    {
        var started = (await runs.AncestryOfAsync(run, CancellationToken.None)).Root;
        var data = await Task.Run(() => SeedData.For(started.Settings));
        foreach (var (now, then) in data.Sets.Zip(started.Seeds))
        {
            if (now.Sha256 != then.Sha256)
                throw new DataFileException($"{now.Path} ({now.Kind}) has SHA-256 {now.Sha256}, expected {then.Sha256}: it changed since run '{started.Run}' began. Put the old data back, or start another run.");
        }

        return data;
    }
}
