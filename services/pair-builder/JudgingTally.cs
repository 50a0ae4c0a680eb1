using SelfRewarding.Contracts;

namespace SelfRewarding.PairBuilder;

/// <summary>The fold of one iteration's comparisons of judgements.</summary>
public sealed class JudgingTally
{
    private readonly SortedDictionary<string, int> _noPair = new(StringComparer.Ordinal);
    private int _prompts, _comparisons, _first, _second;

    /// <summary>Pairs of judgements so far.</summary>
    public int Pairs => _prompts - _noPair.Values.Sum();

    /// <summary>Folds what came of one prompt's comparisons; null where it has none.</summary>
    public void Apply(JudgingOutcome? outcome)
    {
        if (outcome is null)
            return;
        _prompts++;
        _comparisons += outcome.Comparisons;
        _first += outcome.WonFirst;
        _second += outcome.WonSecond;
        if (outcome.Reason is { } reason)
            _noPair[reason.ToString()] = _noPair.GetValueOrDefault(reason.ToString()) + 1;
    }

    /// <summary>The counts; null where nothing was compared in the whole iteration.</summary>
    public JudgingStatistics? Statistics() => _prompts == 0 ? null : new JudgingStatistics(Pairs, _comparisons, _first, _second, _noPair);
}
