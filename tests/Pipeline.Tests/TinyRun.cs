using SelfRewarding.Contracts;
using SelfRewarding.Control;
using SelfRewarding.Hosting;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>A Kata run that is small enough for a test and still has every stage: a model that learns to judge just well enough to make pairs.</summary>
internal static class TinyRun
{
    public const string Name = "tiny";

    /// <summary>Arguments of <c>selfreward run</c>.</summary>
    public static string[] Arguments(string data, params string[] more) =>
    [
        "run", "--data", data, "--run", Name, "--plain", "--seed", "7", "--prompts", "24",
        .. Set("model.hidden_size=64", "model.intermediate_size=128", "model.layers=2", "model.heads=2", "model.key_value_heads=1", "model.max_positions=160",
            "data.kata_ift=400", "data.kata_eft=1500", "data.kata_drafts=300", "sft.steps=120", "sft.baseline_steps=10", "sft.batch=32", "sft.warmup_steps=10", "sft.checkpoint_every=25",
            "prompts.max_drafts=3", "pairs.min_margin=0", "dpo.epochs=2", "dpo.batch=4", "dpo.checkpoint_every=2", "evaluation.prompts=20", "evaluation.ranked=8"),
        .. more,
    ];

    /// <summary>What a finished run is compared by: the hash of every frozen dataset and of every model.</summary>
    public static async Task<IReadOnlyList<string>> FingerprintAsync(string data, string run = Name)
    {
        await using var log = await LogReader.OpenAsync(data, CancellationToken.None);
        var hashes = new List<string>();
        await foreach (var recorded in log.Runs.ReadAllAsync(0, run, CancellationToken.None))
        {
            if (recorded.Fact is DatasetFrozen frozen)
                hashes.Add($"dataset {frozen.Iteration}: {frozen.Pairs} pairs {frozen.Sha256}");
            else if (recorded.Fact is ModelPublished published)
                hashes.Add($"model {published.Model.Name}: {published.Model.Sha256}");
        }

        return [.. hashes.Order(StringComparer.Ordinal)];
    }

    /// <summary>Follows the log of a running process until a fact comes that is waited for, or the process ends.</summary>
    public static async Task<bool> ReachesAsync(SelfrewardProcess process, string data, Func<Recorded, bool> reached)
    {
        using var ended = new CancellationTokenSource();
        _ = process.WaitAsync().ContinueWith(_ => ended.Cancel(), TaskScheduler.Default);
        try
        {
            // Once it tells something, PostgreSQL is its own; who opens the log before that would own it, and stop it at the end.
            while (process.Output.Length == 0)
                await Task.Delay(20, ended.Token);
            await using var log = await LogReader.OpenAsync(data, ended.Token);
            await foreach (var recorded in log.Runs.FollowAsync(0, null, ended.Token))
            {
                if (reached(recorded))
                    return true;
            }
        }
        catch (OperationCanceledException)
        {
        }

        return false;
    }

    private static IEnumerable<string> Set(params string[] settings) => settings.SelectMany(setting => (string[])["--set", setting]);
}
