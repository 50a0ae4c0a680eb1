using SelfRewarding.Contracts;

namespace SelfRewarding.Hosting;

/// <summary>
/// The fold that makes the broker disposable: what the log says has been begun and not finished, as the messages that carry it on.
/// Publishing one of them twice costs nothing, since every consumer looks into the log first.
/// </summary>
public sealed class Outstanding
{
    private readonly Dictionary<string, Recorded> _prompts = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Run, string Model), Recorded> _unevaluated = [];
    private readonly Dictionary<(string Run, string Model), Recorded> _untrained = [];
    private readonly Dictionary<string, Recorded> _heads = new(StringComparer.Ordinal);

    /// <summary>Folds one fact.</summary>
    public void Apply(Recorded recorded)
    {
        switch (recorded.Fact)
        {
            case RunStarted started:
                _heads[started.Run] = recorded;
                break;
            case ModelPublished published:
                _heads[published.Run] = recorded;
                _unevaluated[(published.Run, published.Model.Name)] = recorded;
                _untrained.Remove((published.Run, published.Model.Name));
                break;
            case ModelEvaluated evaluated:
                _unevaluated.Remove((evaluated.Run, evaluated.Model.Name));
                break;
            case DatasetFrozen frozen:
                _untrained[(frozen.Run, frozen.Model)] = recorded;
                break;
            case RunCompleted completed:
                _heads.Remove(completed.Run);
                break;
            case RunStopped stopped:
                _heads.Remove(stopped.Run);
                break;
            case PreferencePairBuilt or PromptDiscarded:
                _prompts.Remove(recorded.Stream);
                break;
            case PromptGenerated or CandidatesSampled or CandidatesJudged:
                _prompts[recorded.Stream] = recorded;
                break;
        }
    }

    /// <summary>The messages to publish, each once: heads of the runs, unfinished prompts, untrained datasets, unevaluated models.</summary>
    /// <param name="run">Only this run's; null is every run's.</param>
    public IReadOnlyList<object> Messages(string? run = null) => [.. Facts(run).Select(recorded => recorded.Fact)];

    /// <summary>As <see cref="Messages"/>, each with its place and trace.</summary>
    /// <param name="run">Only this run's; null is every run's.</param>
    public IReadOnlyList<Recorded> Facts(string? run = null)
    {
        IEnumerable<Recorded> all = [.. _heads.Values, .. _prompts.Values, .. _untrained.Values, .. _unevaluated.Values];
        return [.. all.DistinctBy(recorded => recorded.Fact, ReferenceEqualityComparer.Instance).Where(recorded => run is null || RunOf(recorded.Fact) == run)];
    }

    private static string RunOf(object fact) => fact switch
    {
        RunStarted f => f.Run,
        ModelPublished f => f.Run,
        DatasetFrozen f => f.Run,
        PromptGenerated f => f.Run,
        CandidatesSampled f => f.Run,
        CandidatesJudged f => f.Run,
        _ => throw new ArgumentException($"'{fact.GetType().Name}' carries no work.", nameof(fact)),
    };
}
