using SelfRewarding.Contracts;
using SelfRewarding.Hosting;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>Runs written into a real log, as <see cref="SummaryExample"/> has them.</summary>
internal static class RecordedRuns
{
    /// <summary>Appends facts, each to the stream that it belongs to, behind what is there.</summary>
    public static async Task AppendAsync(FactLog log, IEnumerable<object> facts)
    {
        foreach (var fact in facts)
        {
            var stream = StreamOf(fact);
            var version = (await log.ReadAsync(stream, CancellationToken.None)).Count;
            await log.AppendAsync(stream, version, [fact], CancellationToken.None);
        }
    }

    /// <summary>The example's facts under another name.</summary>
    public static IEnumerable<object> Named(string run) => SummaryExample.Facts().Select(fact => Rename(fact, run));

    /// <summary>Facts of several runs in turn.</summary>
    public static IEnumerable<object> Interleaved(params string[] runs)
    {
        var facts = runs.Select(run => Named(run).ToList()).ToList();
        for (var i = 0; i < facts.Max(list => list.Count); i++)
            foreach (var list in facts.Where(list => i < list.Count))
                yield return list[i];
    }

    public static object Rename(object fact, string run) => fact switch
    {
        RunStarted f => f with { Run = run },
        ModelPublished f => f with { Run = run },
        RunCompleted f => f with { Run = run },
        PromptGenerated f => f with { Run = run },
        CandidatesSampled f => f with { Run = run },
        CandidatesJudged f => f with { Run = run },
        PreferencePairBuilt f => f with { Run = run },
        PromptDiscarded f => f with { Run = run },
        DatasetFrozen f => f with { Run = run },
        TrainingStarted f => f with { Run = run },
        TrainingStepped f => f with { Run = run },
        ModelEvaluated f => f with { Run = run },
        _ => throw new ArgumentException(fact.GetType().Name, nameof(fact)),
    };

    private static string StreamOf(object fact) => fact switch
    {
        RunStarted f => StreamNames.Run(f.Run),
        ModelPublished f => StreamNames.Run(f.Run),
        RunCompleted f => StreamNames.Run(f.Run),
        PromptGenerated f => StreamNames.Prompt(f.Run, f.Iteration, f.Ordinal),
        CandidatesSampled f => StreamNames.Prompt(f.Run, f.Iteration, f.Ordinal),
        CandidatesJudged f => StreamNames.Prompt(f.Run, f.Iteration, f.Ordinal),
        PreferencePairBuilt f => StreamNames.Prompt(f.Run, f.Iteration, f.Ordinal),
        PromptDiscarded f => StreamNames.Prompt(f.Run, f.Iteration, f.Ordinal),
        DatasetFrozen f => StreamNames.Training(f.Run, f.Model),
        TrainingStarted f => StreamNames.Training(f.Run, f.Model),
        TrainingStepped f => StreamNames.Training(f.Run, f.Model),
        ModelEvaluated f => StreamNames.Evaluation(f.Run, f.Model.Name),
        _ => throw new ArgumentException(fact.GetType().Name, nameof(fact)),
    };
}
