using SelfRewarding.Contracts;
using SelfRewarding.Datasets;

namespace SelfRewarding.Control.Verify;

/// <summary>Seed and held-out data against what the run began with. What follows from them can be recomputed only from the same data.</summary>
public static class SeedChecks
{
    private const string Check = "seed data are those that the run began with";

    /// <summary>Checks every set.</summary>
    /// <returns>The data; null where a file is missing or another one, which is then in the report.</returns>
    public static SeedData? Load(VerifyReport report, Ancestry ancestry)
    {
        var (run, fork) = (ancestry.Root, ancestry.Start);
        if (fork.Origin is not null)
            report.Same("forks share the seed data of their origin", $"run {fork.Run}", fork.Seeds, run.Seeds);
        var files = SameFiles(report, run);
        try
        {
            // Without its file a set is in the report already; what else is wrong with the data is found by reading them.
            var seed = files ? SeedData.For(run.Settings) : null;
            if (seed is not null && SameSets(report, run, seed.Sets))
                return seed;
        }
        catch (DataFileException e)
        {
            report.Holds(Check, $"run {run.Run}", false, "seed data that can be read", e.Message);
        }

        report.NotChecked("filter verdicts, figures of the evaluation, the judging seed, and which examples of the seed each step showed", $"the seed data of run '{run.Run}' are not those that it began with");
        return null;
    }

    private static bool SameFiles(VerifyReport report, RunStarted run)
    {
        if (run.Settings.Data is { Ift: null, Eft: null, Heldout: null })
            return true;
        var before = report.Differences;
        foreach (var set in run.Seeds)
            report.Same(Check, $"{set.Kind} of run {run.Run} ({set.Path})", set.Sha256, HashOf(set.Path));
        return report.Differences == before;
    }

    private static bool SameSets(VerifyReport report, RunStarted run, IReadOnlyList<SeedSet> sets)
    {
        var before = report.Differences;
        report.Same(Check, $"sets of run {run.Run}", run.Seeds.Select(set => set.Kind), sets.Select(set => set.Kind));
        foreach (var (then, now) in run.Seeds.Zip(sets))
            report.Same(Check, $"{then.Kind} of run {run.Run} ({then.Path})", then, now);
        return report.Differences == before;
    }

    private static string HashOf(string path)
    {
        try
        {
            return SeedDataFiles.Sha256(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }
}
