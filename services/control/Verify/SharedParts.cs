using SelfRewarding.Contracts;
using SelfRewarding.Control.Fork;

namespace SelfRewarding.Control.Verify;

/// <summary>What a fork shares with the runs that it comes from, so that a report can say what it looked at of them.</summary>
public static class SharedParts
{
    /// <summary>A sentence for each run that the fork shares something with; none for a run that began at M0.</summary>
    public static IReadOnlyList<string> Sentences(Ancestry ancestry) =>
        [.. ancestry.Chain.Skip(1).Select(run => (run.Run, Parts: Of(ancestry, run.Run))).Where(shared => shared.Parts.Count > 0).Select(shared =>
            $"Of run '{shared.Run}' it shares {string.Join(", ", shared.Parts)}: what was decided, trained and measured there is checked here, too; " +
            $"the events of its streams (versions, ids, hashes of their content) are not, 'selfreward verify {shared.Run}' does that.")];

    private static List<string> Of(Ancestry ancestry, string owner)
    {
        var start = ancestry.Start;
        List<string> parts = [.. ModelNames.All(start.Settings.Iterations).Take(ancestry.SharedModels).Where(model => ancestry.OwnerOf(model) == owner)];
        for (var iteration = 1; iteration <= start.Settings.Iterations; iteration++)
        {
            foreach (var segment in ancestry.Prompts(iteration).Where(segment => segment.Owner == owner))
                parts.Add($"iteration {iteration} {Stages(segment)}");
        }

        return parts;
    }

    private static string Stages(PromptSegment segment)
    {
        var (from, to) = (Name(segment.Shared + 1), Name(segment.ToStage));
        return segment is { Shared: 0, ToStage: PromptStage.Settled } ? "whole" : from == to ? $"({to})" : $"({from} to {to})";
    }

    private static string Name(int stage) => ForkRules.InWords((ForkStage)(stage - 1));
}
