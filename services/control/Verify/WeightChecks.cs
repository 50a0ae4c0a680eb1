using SelfRewarding.Contracts;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Hosting;
using SelfRewarding.Model;

namespace SelfRewarding.Control.Verify;

/// <summary>Weights on disk against the hashes that are recorded: models, and the checkpoints that have not been removed yet.</summary>
public static class WeightChecks
{
    /// <summary>A published model's file.</summary>
    public static void CheckModel(VerifyReport report, string subject, ModelRef model, string data)
    {
        if (Located(data, model.Path) is not { } folder)
        {
            report.Holds("paths stay in the data folder", $"model {subject}", holds: false, model.Path, "a path below the data folder");
            return;
        }

        if (!Directory.Exists(folder))
        {
            // No difference: a log may be looked at where its models are not.
            report.NotChecked($"the weights of {subject}", $"there is no '{folder}'; an export of events brings no models");
            return;
        }

        report.Same("model files hash to what is recorded", $"model {subject} ({folder})", model.Sha256, HashOf(folder, CheckpointFolder.Sha256).Text);
    }

    /// <summary>The adapter beside a published model: no hash of it is recorded, but with the model before it has to make the model's weights again.</summary>
    /// <param name="trained">The figures that the settings gave it.</param>
    public static void CheckAdapter(VerifyReport report, string subject, ModelRef model, ModelRef parent, LoraConfig trained, string data)
    {
        if (Located(data, model.Path) is not { } folder || !Directory.Exists(folder) || Located(data, parent.Path) is not { } before)
            return; // the models' own checks say so
        var adapter = Path.Combine(folder, TrainingRun.AdapterFolder);
        foreach (var needed in (string[])[adapter, before])
        {
            if (!Directory.Exists(needed))
            {
                report.NotChecked($"the adapter of {subject}", $"there is no '{needed}'");
                return;
            }
        }

        string? difference;
        try
        {
            difference = LoraMerge.Difference(before, adapter, folder, trained);
        }
        catch (CheckpointException e)
        {
            difference = e.Message;
        }

        report.Holds("the model before and the adapter make the model", $"adapter of {subject} ({adapter})", difference is null, difference ?? "", $"the weights of {model.Name}");
    }

    /// <summary>Checkpoints of a training that are still on disk.</summary>
    /// <param name="published">Whether the model is published: nothing goes on from its checkpoints, and their removal may have been cut short.</param>
    public static async Task CheckCheckpointsAsync(
        VerifyReport report, string subject, IReadOnlyList<CheckpointSaved> checkpoints, string data, bool published, CancellationToken cancellationToken)
    {
        var newest = checkpoints.LastOrDefault(saved => Located(data, saved.Path) is { } folder && Directory.Exists(folder));
        foreach (var saved in checkpoints)
        {
            if (Located(data, saved.Path) is not { } folder)
            {
                report.Holds("paths stay in the data folder", $"{subject}, checkpoint {saved.Step}", holds: false, saved.Path, "a path below the data folder");
                continue;
            }

            if (!Directory.Exists(folder))
                continue;
            var (weights, optimizer) = (HashOf(folder, TrainingRun.WeightsHash), await TrainingRun.OptimizerHashAsync(folder, cancellationToken));
            var isPart = !weights.Found || optimizer is null;
            // What is part of a checkpoint only may be one that is just being removed, or was when the worker was killed: nothing goes on from it, since a newer one is there.
            if (isPart && (published || saved != newest || !Directory.Exists(folder)))
                continue;
            report.Same(
                "checkpoints on disk hash to what is recorded", $"{subject}, checkpoint {saved.Step} ({folder})",
                new { saved.Sha256, saved.OptimizerSha256 }, new { Sha256 = weights.Text, OptimizerSha256 = optimizer ?? "no file" });
        }
    }

    /// <summary>Models of a training in the making that were compared, and of which one may be published.</summary>
    public static void CheckKept(VerifyReport report, string subject, IReadOnlyList<CheckpointCompared> comparisons, string data)
    {
        foreach (var compared in comparisons)
        {
            // Without its weights it is just being removed, or was when the worker was killed.
            if (Located(data, TrainingRun.KeptPath(compared.Run, compared.Model, compared.Step)) is { } folder && HashOf(folder, CheckpointFolder.Sha256) is { Found: true } weights)
                report.Same("checkpoints on disk hash to what is recorded", $"{subject}, compared at step {compared.Step} ({folder})", compared.Sha256, weights.Text);
        }
    }

    // A log that was imported may say anything.
    private static string? Located(string data, string path)
    {
        try
        {
            return WorkerOptions.Locate(data, path);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private static (bool Found, string Text) HashOf(string folder, Func<string, string> hash)
    {
        try
        {
            return (true, hash(folder));
        }
        catch (CheckpointException e)
        {
            return (false, e.Message);
        }
    }
}
