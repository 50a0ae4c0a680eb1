using System.Globalization;
using SelfRewarding.Contracts;

namespace SelfRewarding.Control.Summary;

/// <summary>What <see cref="RunningStatistics"/> goes on from: counts and sums, however many prompts there were.</summary>
public sealed record StatisticsState(
    int Candidates, int Truncated, long Characters, int Judgements, int Unparsable, double Scores, SortedDictionary<string, int> Histogram,
    int Pairs, int ChosenLonger, double Margins);

/// <summary>The drift panel's figures while an iteration's prompts are worked on; <see cref="DatasetFrozen"/> says the final ones.</summary>
public sealed class RunningStatistics
{
    private readonly SortedDictionary<string, int> _histogram = new(StringComparer.Ordinal);
    private int _candidates, _truncated, _judgements, _unparsable, _pairs, _chosenLonger;
    private long _characters;
    private double _scores, _margins;

    public RunningStatistics()
    {
    }

    internal RunningStatistics(StatisticsState state)
    {
        (_candidates, _truncated, _characters, _judgements, _unparsable, _scores) =
            (state.Candidates, state.Truncated, state.Characters, state.Judgements, state.Unparsable, state.Scores);
        (_pairs, _chosenLonger, _margins) = (state.Pairs, state.ChosenLonger, state.Margins);
        foreach (var (score, count) in state.Histogram)
            _histogram[score] = count;
    }

    internal StatisticsState State => new(
        _candidates, _truncated, _characters, _judgements, _unparsable, _scores, new SortedDictionary<string, int>(_histogram, StringComparer.Ordinal), _pairs, _chosenLonger, _margins);

    internal void Apply(CandidatesSampled fact)
    {
        foreach (var candidate in fact.Candidates)
        {
            _candidates++;
            _characters += candidate.Text.Length;
            if (candidate.Finish == Finish.Length) _truncated++;
        }
    }

    internal void Apply(CandidatesJudged fact)
    {
        foreach (var judgement in fact.Judgements)
        {
            _judgements++;
            if (judgement.Score is not { } score)
            {
                _unparsable++;
                continue;
            }

            _scores += score;
            var rounded = Math.Round(score, MidpointRounding.AwayFromZero).ToString(CultureInfo.InvariantCulture);
            _histogram[rounded] = _histogram.GetValueOrDefault(rounded) + 1;
        }
    }

    internal void Apply(PreferencePairBuilt fact)
    {
        _pairs++;
        _margins += fact.Chosen.Score - fact.Rejected.Score;
        if (fact.Chosen.Text.Length > fact.Rejected.Text.Length) _chosenLonger++;
    }

    internal DatasetStatistics Of(int settled, IReadOnlyDictionary<DiscardReason, int> discarded)
    {
        var parsed = _judgements - _unparsable;
        return new DatasetStatistics(
            settled, _candidates, _judgements, _unparsable, _truncated, _histogram,
            new SortedDictionary<string, int>(discarded.ToDictionary(entry => entry.Key.ToString(), entry => entry.Value), StringComparer.Ordinal),
            MeanScore: parsed == 0 ? 0 : _scores / parsed,
            MeanCandidateLength: _candidates == 0 ? 0 : (double)_characters / _candidates,
            ChosenLongerShare: _pairs == 0 ? 0 : (double)_chosenLonger / _pairs,
            MeanMargin: _pairs == 0 ? 0 : _margins / _pairs);
    }
}
