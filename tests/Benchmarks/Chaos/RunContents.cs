using SelfRewarding.Contracts;
using SelfRewarding.Control;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;

namespace SelfRewarding.Benchmarks;

/// <summary>All that a finished run left in the log, in a form in which two runs can be compared.</summary>
/// <param name="Facts">What each event says, by stream and version, as a hash; without the seconds that a training step took.</param>
/// <param name="Hashes">Of the frozen datasets and of the models.</param>
/// <param name="Settled">The prompts that became a pair or were discarded, one entry for each such fact.</param>
/// <param name="Beside">How many facts there are beside those of the evaluations, which come when they come.</param>
internal sealed record RunContents(
    IReadOnlyDictionary<(string Stream, long Version), string> Facts, IReadOnlyDictionary<string, string> Hashes, IReadOnlyList<(int Iteration, int Ordinal)> Settled, int Beside)
{
    /// <summary>Reads a run from the log of a data folder.</summary>
    public static async Task<RunContents> ReadAsync(string data, string run, CancellationToken cancellationToken)
    {
        await using var log = await LogReader.OpenAsync(data, cancellationToken);
        var facts = new Dictionary<(string, long), string>();
        var hashes = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var (settled, beside) = (new List<(int, int)>(), 0);
        await foreach (var recorded in log.Runs.ReadAllAsync(0, run, cancellationToken))
        {
            var said = FactJson.ToEvent(recorded.Fact is TrainingStepped step ? step with { Seconds = 0 } : recorded.Fact, EventMetadata.Empty);
            facts.Add((recorded.Stream, recorded.Version), ContentHash.Of(said.Type, said.Data));
            beside += IsEvaluation(recorded) ? 0 : 1;
            switch (recorded.Fact)
            {
                case DatasetFrozen frozen:
                    hashes.Add($"dataset {frozen.Iteration} ({frozen.Pairs} pairs)", frozen.Sha256);
                    break;
                case ModelPublished published:
                    hashes.Add($"model {published.Model.Name}", published.Model.Sha256);
                    break;
                case PreferencePairBuilt pair:
                    settled.Add((pair.Iteration, pair.Ordinal));
                    break;
                case PromptDiscarded discarded:
                    settled.Add((discarded.Iteration, discarded.Ordinal));
                    break;
            }
        }

        return new RunContents(facts, hashes, settled, beside);
    }

    /// <summary>Whether a fact is one that comes when it comes: models are measured while the run goes on, or behind its end.</summary>
    public static bool IsEvaluation(Recorded recorded) => recorded.Fact is HeldOutAnswered or HeldOutJudged or ModelEvaluated;

    /// <summary>Every fact and hash that another run lacks, has more, or has otherwise; a sentence each.</summary>
    public IReadOnlyList<string> DifferencesFrom(RunContents quiet) =>
        [.. Differences(quiet.Facts, Facts, place => $"version {place.Version} of {place.Stream}"), .. Differences(quiet.Hashes, Hashes, name => name)];

    /// <summary>Prompts that have not settled exactly once, of those planned; and what settled though nobody planned it.</summary>
    public IReadOnlyList<string> Miscounted(int iterations, int prompts)
    {
        var planned = Enumerable.Range(1, iterations).SelectMany(iteration => Enumerable.Range(0, prompts).Select(ordinal => (iteration, ordinal)));
        var found = Settled.CountBy(prompt => prompt).ToDictionary();
        return [.. planned.Union(found.Keys).Where(prompt => found.GetValueOrDefault(prompt) != 1 || prompt.Item2 >= prompts || prompt.Item1 > iterations)
            .Select(prompt => $"prompt {prompt.Item1}-{prompt.Item2} settled {found.GetValueOrDefault(prompt)} times")];
    }

    private static IEnumerable<string> Differences<TKey>(IReadOnlyDictionary<TKey, string> quiet, IReadOnlyDictionary<TKey, string> chaos, Func<TKey, string> name)
        where TKey : notnull =>
        quiet.Keys.Union(chaos.Keys).Select(key => (quiet.GetValueOrDefault(key), chaos.GetValueOrDefault(key)) switch
        {
            (null, _) => $"{name(key)} is in the disturbed run only",
            (_, null) => $"{name(key)} is missing",
            var (one, other) => one == other ? null : $"{name(key)} is {other}, expected {one}",
        }).OfType<string>();
}
