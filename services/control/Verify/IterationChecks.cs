using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Hosting;
using SelfRewarding.PairBuilder;

namespace SelfRewarding.Control.Verify;

/// <summary>A run's prompts, an iteration after the other: what the filters said, what was parsed and decided, and what was frozen.</summary>
/// <param name="report">Takes the findings.</param>
/// <param name="runs">The log as the run has it.</param>
/// <param name="log">The log.</param>
/// <param name="ancestry">Says who did which stage, by which settings.</param>
/// <param name="seed">The run's seed data; null where they are not there any more: then filter verdicts are not checked.</param>
public sealed class IterationChecks(VerifyReport report, RunLog runs, FactLog log, Ancestry ancestry, SeedData? seed)
{
    private readonly string _run = ancestry.Start.Run;
    private readonly List<string> _accepted = [];

    /// <summary>Checks an iteration; the ones before it come first.</summary>
    /// <param name="iteration">The iteration.</param>
    /// <param name="model">The model that is trained on it.</param>
    /// <param name="isTrained">That model is published.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>The pairs that it made.</returns>
    public async Task<IReadOnlyList<FrozenPair>> CheckAsync(int iteration, string model, bool isTrained, CancellationToken cancellationToken)
    {
        var (drafting, judging, settling) = (ancestry.SettingsOf(iteration, PromptStage.Generated), ancestry.SettingsOf(iteration, PromptStage.Judged), ancestry.SettingsOf(iteration, PromptStage.Settled));
        var drafter = ancestry.Prompts(iteration)[0].Owner;
        var filters = seed is not null && drafting.Prompts.Source == "model" ? new FilterChecks(report, drafter, iteration, drafting, seed, _accepted) : null;
        var (tally, pairs, accepted, ordinal, withoutText) = (new IterationTally(), new List<FrozenPair>(), new List<string>(), 0, 0);
        await foreach (var history in runs.ReadIterationAsync(_run, iteration, cancellationToken))
        {
            PromptChecks.Check(report, $"prompt {_run}/{iteration}/{ordinal++}", history, judging, settling);
            foreach (var fact in (object?[])[history.Sampled, history.Judged, history.Outcome])
                tally.Apply(fact ?? new object());
            pairs.AddRange(FrozenPair.AllOf(history));
            if (history.Generated is { } generated)
                accepted.Add(generated.Prompt);
            if (drafter == _run)
                filters?.Add(history);
            withoutText += history.Outcome is PromptDiscarded { Reason: DiscardReason.TooLong or DiscardReason.AnswersTooLarge or DiscardReason.JudgementsTooLarge } ? 1 : 0;
        }

        if (withoutText > 0)
            report.NotChecked($"the lengths and sizes for which {withoutText} prompts of iteration {iteration} were discarded", "what was too long or too large is not recorded");

        if (filters is not null)
            await CloseAsync(filters, drafter, iteration, cancellationToken);
        _accepted.AddRange(accepted);
        var frozen = (await log.ReadAsync(await runs.TrainingStreamAsync(_run, model, cancellationToken), cancellationToken)).OfType<DatasetFrozen>().FirstOrDefault();
        if (frozen is not null)
        {
            // A changed ordinal may be another pair's: the hash then differs for the one that is left out.
            var dataset = pairs.Select(pair => pair.Pair).DistinctBy(pair => pair.Place);
            report.Same("datasets hash to what was frozen", $"dataset of {_run}/{model}", frozen.Sha256, CanonicalDataset.Sha256(dataset));
            report.Same("statistics follow from the prompts", $"dataset of {_run}/{model}", new { frozen.Pairs, frozen.Statistics }, new { Pairs = tally.Pairs.Count, Statistics = tally.Statistics() });
        }
        else
        {
            report.Holds(RunVerifier.EveryStage, $"dataset of {_run}/{model}", !isTrained, "it was never frozen", "its hash, since the model is trained on it");
        }

        return pairs;
    }

    // A fork may have fewer of the prompts that it shares: their drafts were decided beside all of those of the run that drafted them.
    private async Task CloseAsync(FilterChecks filters, string drafter, int iteration, CancellationToken cancellationToken)
    {
        if (drafter != _run)
        {
            await foreach (var history in runs.ReadIterationAsync(drafter, iteration, cancellationToken))
                filters.Add(history);
        }

        filters.End();
    }
}
