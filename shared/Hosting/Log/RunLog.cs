using System.Diagnostics;
using System.Runtime.CompilerServices;
using Npgsql;
using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.EventStore;

namespace SelfRewarding.Hosting;

/// <summary>
/// The log as one run has it: its own streams, and for a fork those of the runs that it comes from, which it shares up to where it branches
/// off. Workers read and write through this, so a fork is a run like any other to them.
/// </summary>
public sealed class RunLog(FactLog log, RunCatalog runs)
{
    private const int PromptsAtOnce = 256;

    /// <summary>The four stages of one prompt, as far as they have come.</summary>
    public async Task<PromptHistory> ReadPromptAsync(string run, int iteration, int ordinal, CancellationToken cancellationToken) =>
        (await ReadPromptsAsync(run, iteration, [ordinal], cancellationToken))[0];

    /// <summary>The stages of some prompts, in the order asked for; empty where there is nothing yet.</summary>
    public async Task<IReadOnlyList<PromptHistory>> ReadPromptsAsync(
        string run, int iteration, IReadOnlyList<int> ordinals, CancellationToken cancellationToken)
    {
        var histories = ordinals.ToDictionary(ordinal => ordinal, _ => PromptHistory.Empty);
        foreach (var (ordinal, recorded) in await ReadStagesAsync(run, iteration, ordinals, PromptStage.Generated, PromptStage.Settled, cancellationToken))
            histories[ordinal] = histories[ordinal].Apply(recorded);
        return [.. ordinals.Select(ordinal => histories[ordinal])];
    }

    /// <summary>What is recorded last of some prompts, each with its place and trace; a prompt that nothing is recorded of is left out.</summary>
    internal async Task<IReadOnlyList<Recorded>> ReadLastStagesAsync(string run, int iteration, IReadOnlyList<int> ordinals, CancellationToken cancellationToken) =>
        [.. (await ReadStagesAsync(run, iteration, ordinals, PromptStage.Generated, PromptStage.Settled, cancellationToken)).GroupBy(stage => stage.Ordinal).Select(prompt => prompt.MaxBy(stage => stage.Recorded.Version).Recorded)];

    /// <summary>The prompts that an iteration was planned with, by ordinal; read some at a time.</summary>
    public async IAsyncEnumerable<PromptHistory> ReadIterationAsync(string run, int iteration, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var ordinals in await OrdinalsAsync(run, iteration, cancellationToken))
        {
            foreach (var history in await ReadPromptsAsync(run, iteration, ordinals, cancellationToken))
                yield return history;
        }
    }

    /// <summary>The pairs of an iteration in the order of its dataset, read some at a time, without what led to them.</summary>
    public async IAsyncEnumerable<CanonicalPair> ReadPairsAsync(string run, int iteration, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var ordinals in await OrdinalsAsync(run, iteration, cancellationToken))
        {
            var settled = await ReadStagesAsync(run, iteration, ordinals, PromptStage.Settled, PromptStage.Settled, cancellationToken);
            foreach (var pair in settled.OrderBy(stage => stage.Ordinal).SelectMany(stage => CanonicalPair.AllOf(stage.Recorded.Fact)))
                yield return pair;
        }
    }

    /// <summary>Records a stage of a prompt, or finds what is recorded there.</summary>
    public async Task<object> AppendStageAsync(string run, int iteration, int ordinal, int stage, object fact, CancellationToken cancellationToken)
    {
        var shared = (await runs.AncestryOfAsync(run, cancellationToken)).SharedStages(iteration);
        if (stage <= shared)
            throw new InvalidOperationException($"Stage {stage} of prompt {iteration}-{ordinal} is not run '{run}'s own: it shares stages 1 to {shared} with the run that it comes from.");
        var said = await log.AppendOnceAsync(StreamNames.Prompt(run, iteration, ordinal), stage - shared, fact, cancellationToken);
        PromptTelemetry.Count(stage, said);
        return said;
    }

    /// <summary>Records the first stage of some prompts that are the run's own, all or none: for what could not be computed again beside a part of it.</summary>
    /// <param name="database">The log's database.</param>
    /// <param name="at">When that is.</param>
    /// <param name="prompts">Each with the span whose trace it belongs to.</param>
    /// <exception cref="VersionConflictException">A prompt is recorded already; nothing was appended.</exception>
    public async Task AppendPromptsAsync(
        NpgsqlDataSource database, DateTimeOffset at, string run, int iteration, IReadOnlyList<(int Ordinal, object Fact, Activity? Span)> prompts, CancellationToken cancellationToken)
    {
        var around = Activity.Current;
        await using var bulk = await BulkAppend.BeginAsync(database, cancellationToken);
        var events = new List<EventCopy>();
        foreach (var (ordinal, fact, span) in prompts)
        {
            Activity.Current = span ?? around;
            events.Add(log.First(StreamNames.Prompt(run, iteration, ordinal), fact, at));
        }

        Activity.Current = around;
        await bulk.AppendAsync(events, cancellationToken);
        await bulk.CommitAsync(cancellationToken);
        foreach (var (_, fact, _) in prompts)
            PromptTelemetry.Count(PromptStage.Generated, fact);
    }

    /// <summary>The names of all runs, by their beginnings.</summary>
    public async Task<IReadOnlyList<string>> NamesAsync(CancellationToken cancellationToken)
    {
        var streams = await log.FindStreamsAsync(StreamNames.Run(""), cancellationToken);
        var started = await log.ReadManyAsync(streams, RunStage.Started, RunStage.Started, cancellationToken);
        return [.. started.Select(recorded => recorded.Fact).OfType<RunStarted>().Select(fact => fact.Run)];
    }

    /// <summary>The run's stream: how it began, the models from M0 on, its end.</summary>
    public async Task<IReadOnlyList<object>> ReadRunAsync(string run, CancellationToken cancellationToken) =>
        [.. (await ReadRecordedRunAsync(run, cancellationToken)).Select(recorded => recorded.Fact)];

    /// <summary>As <see cref="ReadRunAsync"/>, each fact with its place and trace.</summary>
    public async Task<IReadOnlyList<Recorded>> ReadRecordedRunAsync(string run, CancellationToken cancellationToken)
    {
        var ancestry = await runs.AncestryOfAsync(run, cancellationToken);
        var own = await log.ReadManyAsync([StreamNames.Run(run)], 1, long.MaxValue, cancellationToken);
        return [own[0], .. await ReadSharedModelsAsync(ancestry, cancellationToken), .. own.Skip(1)];
    }

    /// <summary>Records that a model of the run's own is published, or finds what is recorded there.</summary>
    public async Task<object> AppendModelAsync(ModelPublished published, CancellationToken cancellationToken) =>
        await log.AppendOnceAsync(
            StreamNames.Run(published.Run), (await runs.AncestryOfAsync(published.Run, cancellationToken)).PublishedVersion(published.Model.Name), published, cancellationToken);

    /// <summary>Records that the run is complete, or finds what is recorded there.</summary>
    public async Task<object> AppendCompletedAsync(RunCompleted completed, CancellationToken cancellationToken) =>
        await log.AppendOnceAsync(
            StreamNames.Run(completed.Run), (await runs.AncestryOfAsync(completed.Run, cancellationToken)).EndedVersion, completed, cancellationToken);

    /// <summary>Records that the run stops behind the model that sampled the iteration, or finds what is recorded there.</summary>
    public async Task<object> AppendStoppedAsync(RunStopped stopped, CancellationToken cancellationToken) =>
        await log.AppendOnceAsync(
            StreamNames.Run(stopped.Run), (await runs.AncestryOfAsync(stopped.Run, cancellationToken)).PublishedVersion(ModelNames.OfIteration(stopped.Iteration)) + 1, stopped, cancellationToken);

    /// <summary>The stream of a model's training, whichever run made it.</summary>
    public async Task<string> TrainingStreamAsync(string run, string model, CancellationToken cancellationToken) =>
        StreamNames.Training((await runs.AncestryOfAsync(run, cancellationToken)).OwnerOf(model), model);

    /// <summary>The stream of a model's evaluation, whichever run made it.</summary>
    public async Task<string> EvaluationStreamAsync(string run, string model, CancellationToken cancellationToken) =>
        StreamNames.Evaluation((await runs.AncestryOfAsync(run, cancellationToken)).OwnerOf(model), model);

    /// <summary>Whether a model has been measured.</summary>
    public async Task<bool> IsEvaluatedAsync(string run, string model, CancellationToken cancellationToken) =>
        await log.FindAsync(await EvaluationStreamAsync(run, model, cancellationToken), EvaluationStage.Evaluated, cancellationToken) is not null;

    /// <summary>The stream of the judging seed that the baseline made.</summary>
    public async Task<string> EftStreamAsync(string run, CancellationToken cancellationToken) =>
        StreamNames.Eft((await runs.AncestryOfAsync(run, cancellationToken)).Root.Run);

    /// <summary>
    /// Every fact after a position so far, in global order. A fork's first event stands for all that it shares: those facts follow it, under
    /// the fork's name and with the event's position, so that a fold needs to know nothing of forks.
    /// </summary>
    /// <param name="afterPosition">The last position that the reader has passed; 0 is the start.</param>
    /// <param name="run">Only this run's facts; null is every run's.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public IAsyncEnumerable<Recorded> ReadAllAsync(long afterPosition, string? run, CancellationToken cancellationToken) =>
        WithSharedAsync(log.ReadAllAsync(afterPosition, run, cancellationToken), run, cancellationToken);

    /// <summary>As <see cref="ReadAllAsync"/>, and then live.</summary>
    public IAsyncEnumerable<Recorded> FollowAsync(long afterPosition, string? run, CancellationToken cancellationToken) =>
        WithSharedAsync(log.FollowAsync(afterPosition, run, cancellationToken), run, cancellationToken);

    private async IAsyncEnumerable<Recorded> WithSharedAsync(
        IAsyncEnumerable<Recorded> facts, string? only, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var recorded in facts.WithCancellation(cancellationToken))
        {
            // One fact is held back, so that the last can be told.
            var held = recorded;
            if (recorded.Fact is RunStarted { Origin: not null } fork && (only is null || fork.Run == only))
            {
                await foreach (var shared in ReadSharedAsync(fork.Run, cancellationToken))
                {
                    yield return held with { MoreFollow = true };
                    held = shared with { Position = recorded.Position };
                }
            }

            yield return held;
        }
    }

    // A model, then the prompts that it sampled, then the next: the order in which the facts came about.
    private async IAsyncEnumerable<Recorded> ReadSharedAsync(string run, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var ancestry = await runs.AncestryOfAsync(run, cancellationToken);
        var eft = StreamNames.Eft(ancestry.Root.Run);
        foreach (var recorded in await log.ReadManyAsync([eft], 1, long.MaxValue, cancellationToken))
            yield return recorded with { Fact = SharedFacts.AsOf(ancestry, ancestry.Root.Run, recorded.Fact), Stream = StreamNames.Eft(run), Shared = true };
        foreach (var published in await ReadSharedModelsAsync(ancestry, cancellationToken))
        {
            var model = ((ModelPublished)published.Fact).Model.Name;
            var owner = ancestry.OwnerOf(model);
            var (training, evaluation) = (StreamNames.Training(owner, model), StreamNames.Evaluation(owner, model));
            var facts = (await log.ReadManyAsync([training, evaluation], 1, long.MaxValue, cancellationToken)).Select(recorded => recorded with
            {
                Fact = SharedFacts.AsOf(ancestry, owner, recorded.Fact),
                Stream = recorded.Stream == training ? StreamNames.Training(run, model) : StreamNames.Evaluation(run, model),
                Shared = true,
            });
            foreach (var recorded in facts.Append(published).OrderBy(recorded => recorded.Position))
                yield return recorded;
            if (ModelNames.Iteration(model) is not { } iteration || ancestry.SharedStages(iteration) == 0)
                continue;
            foreach (var ordinals in await OrdinalsAsync(run, iteration, cancellationToken))
            {
                foreach (var (_, recorded) in await ReadStagesAsync(run, iteration, ordinals, PromptStage.Generated, ancestry.SharedStages(iteration), cancellationToken))
                    yield return recorded;
            }
        }
    }

    private async Task<IReadOnlyList<Recorded>> ReadSharedModelsAsync(Ancestry ancestry, CancellationToken cancellationToken)
    {
        if (ancestry.SharedModels == 0)
            return [];
        var streams = ancestry.Chain.Skip(1).Select(run => StreamNames.Run(run.Run)).ToList();
        var published = (await log.ReadManyAsync(streams, 1, long.MaxValue, cancellationToken)).Where(recorded => recorded.Fact is ModelPublished)
            .ToLookup(recorded => (((ModelPublished)recorded.Fact).Run, ((ModelPublished)recorded.Fact).Model.Name));
        return [.. ModelNames.All(ancestry.Start.Settings.Iterations).Take(ancestry.SharedModels).SelectMany((model, index) =>
        {
            var owner = ancestry.OwnerOf(model);
            return published[(owner, model)].Select(recorded => recorded with
            {
                Fact = SharedFacts.AsOf(ancestry, owner, recorded.Fact), Stream = StreamNames.Run(ancestry.Start.Run), Version = RunStage.Started + 1 + index, Shared = true,
            });
        })];
    }

    // As they were recorded: within a prompt the stages are in order.
    private async Task<IReadOnlyList<(int Ordinal, Recorded Recorded)>> ReadStagesAsync(
        string run, int iteration, IReadOnlyList<int> ordinals, int fromStage, int toStage, CancellationToken cancellationToken)
    {
        var ancestry = await runs.AncestryOfAsync(run, cancellationToken);
        var stages = new List<(int, Recorded)>();
        foreach (var segment in ancestry.Prompts(iteration).Where(segment => segment.Shared < toStage && segment.ToStage >= fromStage))
        {
            var streams = ordinals.ToDictionary(ordinal => StreamNames.Prompt(segment.Owner, iteration, ordinal), StringComparer.Ordinal);
            foreach (var recorded in await log.ReadManyAsync(streams.Keys, Math.Max(1, fromStage - segment.Shared), Math.Min(segment.ToStage, toStage) - segment.Shared, cancellationToken))
            {
                var ordinal = streams[recorded.Stream];
                stages.Add((ordinal, segment.Owner == run ? recorded : recorded with
                {
                    Fact = SharedFacts.AsOf(ancestry, segment.Owner, recorded.Fact), Stream = StreamNames.Prompt(run, iteration, ordinal), Version = recorded.Version + segment.Shared, Shared = true,
                }));
            }
        }

        return stages;
    }

    private async Task<IEnumerable<int[]>> OrdinalsAsync(string run, int iteration, CancellationToken cancellationToken) =>
        Enumerable.Range(0, (await runs.AncestryOfAsync(run, cancellationToken)).Planned(iteration)).Chunk(PromptsAtOnce);
}
