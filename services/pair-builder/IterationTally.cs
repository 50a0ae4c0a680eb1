using SelfRewarding.Contracts;

namespace SelfRewarding.PairBuilder;

/// <summary>
/// The fold of one iteration's prompts: how many have settled, which of them made a pair, and the counts of the drift panel. It keeps no texts, so a million prompts
/// need no more than their pairs' ordinals and margins.
/// </summary>
public sealed class IterationTally
{
    private readonly SortedDictionary<int, double> _margins = []; // by ordinal, so that their mean does not depend on the order of arrival
    private readonly SortedDictionary<string, int> _discarded = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _histogram = new(StringComparer.Ordinal);
    private readonly JudgingTally _judging = new();
    private int _candidates, _truncated, _judgements, _unparsable, _chosenLonger;
    private long _characters;
    private decimal _scores; // exact, so that the mean does not depend on the order of arrival

    /// <summary>Prompts that became a pair or were discarded.</summary>
    public int Settled => _margins.Count + _discarded.Values.Sum();

    /// <summary>The prompts that made a pair of answers, by ordinal.</summary>
    public IReadOnlyCollection<int> Pairs => _margins.Keys;

    /// <summary>Whether there is a pair to train on, of answers or of judgements.</summary>
    public bool HasPairs => _margins.Count + _judging.Pairs > 0;

    /// <summary>How many judgements gave no score.</summary>
    public (int Unparsable, int All) Judgements => (_unparsable, _judgements);

    /// <summary>How many prompts were discarded, by reason.</summary>
    public IReadOnlyDictionary<string, int> Discarded => _discarded;

    /// <summary>Folds one fact of this iteration.</summary>
    public void Apply(object fact)
    {
        switch (fact)
        {
            case CandidatesSampled sampled:
                _candidates += sampled.Candidates.Count;
                _truncated += sampled.Candidates.Count(candidate => candidate.Finish == Finish.Length);
                _characters += sampled.Candidates.Sum(candidate => (long)candidate.Text.Length);
                break;
            case CandidatesJudged judged:
                _judgements += judged.Judgements.Count;
                _unparsable += judged.Judgements.Count(judgement => judgement.Score is null);
                foreach (var score in judged.Judgements.Select(judgement => judgement.Score).OfType<double>())
                {
                    _scores += (decimal)score;
                    Count(_histogram, Math.Round(score, MidpointRounding.AwayFromZero).ToString(System.Globalization.CultureInfo.InvariantCulture));
                }

                break;
            case PreferencePairBuilt pair:
                _margins[pair.Ordinal] = pair.Chosen.Score - pair.Rejected.Score;
                _chosenLonger += pair.Chosen.Text.Length > pair.Rejected.Text.Length ? 1 : 0;
                _judging.Apply(pair.Judging);
                break;
            case PromptDiscarded discarded:
                Count(_discarded, discarded.Reason.ToString());
                _judging.Apply(discarded.Judging);
                break;
        }
    }

    /// <summary>The figures that go into <see cref="DatasetFrozen"/>.</summary>
    public DatasetStatistics Statistics()
    {
        var parsed = _judgements - _unparsable;
        return new DatasetStatistics(
            Settled, _candidates, _judgements, _unparsable, _truncated, _histogram, _discarded,
            MeanScore: parsed == 0 ? 0 : (double)_scores / parsed,
            MeanCandidateLength: _candidates == 0 ? 0 : (double)_characters / _candidates,
            ChosenLongerShare: _margins.Count == 0 ? 0 : (double)_chosenLonger / _margins.Count,
            MeanMargin: _margins.Count == 0 ? 0 : _margins.Values.Average(),
            Judging: _judging.Statistics());
    }

    private static void Count(SortedDictionary<string, int> counts, string key) => counts[key] = counts.GetValueOrDefault(key) + 1;
}
