using SelfRewarding.Contracts;

namespace SelfRewarding.Hosting;

/// <summary>A prompt that has not settled.</summary>
/// <param name="Fact">The last stage that is recorded: the message that carries it on.</param>
public sealed record UnsettledPrompt(string Run, int Iteration, int Ordinal, Type Fact);

/// <summary>
/// The fold that makes the broker disposable: what the log says has been begun and not finished, as the messages that carry it on.
/// Publishing one of them twice costs nothing, since every consumer looks into the log first. It is kept and folded on, so prompts are in it by name alone: their texts are
/// in the log.
/// </summary>
public sealed class Outstanding
{
    private readonly Dictionary<string, UnsettledPrompt> _prompts = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Run, string Model), Recorded> _unevaluated = [];
    private readonly Dictionary<(string Run, string Model), Recorded> _untrained = [];
    private readonly Dictionary<string, Recorded> _heads = new(StringComparer.Ordinal);

    /// <summary>Up to where the log is folded, for <see cref="RunLog.ReadAllAsync"/> to go on from.</summary>
    public long Position { get; private set; }

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
            case PromptGenerated f:
                _prompts[recorded.Stream] = new UnsettledPrompt(f.Run, f.Iteration, f.Ordinal, typeof(PromptGenerated));
                break;
            case CandidatesSampled f:
                _prompts[recorded.Stream] = new UnsettledPrompt(f.Run, f.Iteration, f.Ordinal, typeof(CandidatesSampled));
                break;
            case CandidatesJudged f:
                _prompts[recorded.Stream] = new UnsettledPrompt(f.Run, f.Iteration, f.Ordinal, typeof(CandidatesJudged));
                break;
        }

        // Who breaks off in the middle of what a fork shares folds all of that again.
        if (!recorded.MoreFollow)
            Position = recorded.Position;
    }

    /// <summary>What every worker is told of, each once: heads of the runs, untrained datasets, unevaluated models.</summary>
    /// <param name="isAsked">Only those runs'; null is every run's.</param>
    public IReadOnlyList<Recorded> Notes(Func<string, bool>? isAsked = null)
    {
        IEnumerable<Recorded> all = [.. _heads.Values, .. _untrained.Values, .. _unevaluated.Values];
        return [.. all.DistinctBy(recorded => recorded.Fact, ReferenceEqualityComparer.Instance).Where(recorded => isAsked?.Invoke(RunOf(recorded.Fact)) != false)];
    }

    /// <summary>What one worker does: the prompts that have not settled.</summary>
    /// <param name="isAsked">Only those runs'; null is every run's.</param>
    public IReadOnlyList<UnsettledPrompt> Prompts(Func<string, bool>? isAsked = null) => [.. _prompts.Values.Where(prompt => isAsked?.Invoke(prompt.Run) != false)];

    private static string RunOf(object fact) => fact switch
    {
        RunStarted f => f.Run,
        ModelPublished f => f.Run,
        DatasetFrozen f => f.Run,
        _ => throw new ArgumentException($"'{fact.GetType().Name}' carries no work.", nameof(fact)),
    };
}
