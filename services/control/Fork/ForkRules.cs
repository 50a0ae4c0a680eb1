using SelfRewarding.Contracts;
using SelfRewarding.Control.Settings;

namespace SelfRewarding.Control.Fork;

/// <summary>What a fork may change: everything from where it branches off, nothing of what it shares.</summary>
public static class ForkRules
{
    // Models up to the branch were made and measured by these.
    private static readonly IReadOnlyList<string> OfSharedModels = ["preset", "model.", "data.", "format.", "sft.", "evaluation."];

    // The settings of the prompts' stages, in the order of the stages.
    private static readonly IReadOnlyList<(string Section, ForkStage Stage)> OfStages =
        [
            ("prompts.", ForkStage.Prompts), ("engines.prompts.", ForkStage.Prompts), ("candidates.", ForkStage.Candidates), ("engines.candidates.", ForkStage.Candidates),
            ("judge.meta_max_length", ForkStage.Pairs), ("format.meta_judge", ForkStage.Judgements), ("judge.", ForkStage.Judgements), ("engines.judgements.", ForkStage.Judgements),
        ];

    // Of these the first ones can be taken.
    private static readonly IReadOnlyList<string> Counts = ["prompts.per_iteration", "candidates.count", "judge.count"];

    // Where checkpoints are compared, their answers are judged by these after any branch.
    private static readonly IReadOnlyList<string> OfCheckpoints = ["engines.judgements.", "judge.sampling."];

    private const string MetaIterations = "judge.meta_iterations";

    /// <summary>One sentence for each thing that this fork cannot be.</summary>
    public static IReadOnlyList<string> Problems(RunOrigin origin, RunSettings parent, RunSettings fork)
    {
        var problems = new List<string>();
        if (origin.Iteration > fork.Iterations)
            problems.Add($"iterations is {fork.Iterations}, expected at least {origin.Iteration}, the iteration that the fork begins with.");
        foreach (var (path, before, after) in SettingsDifferences.All(parent, fork))
        {
            var stage = OfStages.FirstOrDefault(entry => path.StartsWith(entry.Section, StringComparison.Ordinal));
            if (stage.Section is null && OfSharedModels.Any(section => path.StartsWith(section, StringComparison.Ordinal)))
            {
                problems.Add($"{path} is {after}, but run '{origin.Parent}' has {before}, and the fork shares its models up to {ModelNames.OfIteration(origin.Iteration)}: start a new run to change it.");
                continue;
            }

            if (stage.Section is null || stage.Stage >= origin.From)
                continue;
            if (path == MetaIterations)
            {
                // Comparisons that are there can be left unused, but none can be taken that were never made.
                if (fork.Judge.IsMetaJudged(origin.Iteration) && !parent.Judge.IsMetaJudged(origin.Iteration))
                    problems.Add($"{path} is {after}, but run '{origin.Parent}' compared no judgements in iteration {origin.Iteration}: fork from an earlier stage (--from {InWords(stage.Stage)}).");
                continue;
            }

            var isCount = Counts.Contains(path);
            if (isCount && int.Parse(after, System.Globalization.CultureInfo.InvariantCulture) > int.Parse(before, System.Globalization.CultureInfo.InvariantCulture))
                problems.Add($"{path} is {after}, but run '{origin.Parent}' recorded {before}: fork from an earlier stage (--from {InWords(stage.Stage)}) to have more.");
            else if (!isCount && fork.Iterations == origin.Iteration && !(fork.Dpo.EarlyStopping.Every > 0 && OfCheckpoints.Any(section => path.StartsWith(section, StringComparison.Ordinal))))
                problems.Add($"{path} is {after}, but this stage is shared with run '{origin.Parent}' and no iteration follows: fork from an earlier stage (--from {InWords(stage.Stage)}).");
        }

        return problems;
    }

    /// <summary>The stage as the command line says it.</summary>
    public static string InWords(ForkStage stage) => stage.ToString().ToLowerInvariant();
}
