using System.Diagnostics;
using MassTransit;
using Microsoft.Extensions.Logging;
using Npgsql;
using SelfRewarding.Contracts;
using SelfRewarding.Datasets;
using SelfRewarding.Hosting;
using SelfRewarding.Inference;
using SelfRewarding.Model;

namespace SelfRewarding.PromptGen;

/// <summary>
/// Stage 1, an iteration at a time: the model, or a server in its place, drafts instructions from a few examples, filters refuse what is bad or too near to what there is.
/// A filter's verdict depends on the prompts accepted before, so prompts are decided in blocks, by ordinal, by one worker; a block's drafts
/// are generated together. Everything is keyed, so a block that was cut short is decided the same way again; what a server wrote is not, so its blocks are recorded whole or not at all.
/// </summary>
public sealed class PromptGenService(
    JobQueue<DraftPrompts> jobs, NpgsqlDataSource database, HostFailure failure, ILogger<PromptGenService> logger,
    RunLog log, RunCatalog runs, RunData data, TextEngines engines, IBus bus, Recovery recovery, TimeProvider time)
    : JobService<DraftPrompts>(jobs, database, failure, recovery, logger)
{
    /// <summary>Prompts that are drafted and decided together.</summary>
    public const int Block = 64;

    private const int AppendsAtOnce = 8;

    /// <param name="Refused">Set where no draft could be written at all.</param>
    private sealed record Draft(string Text, Finish Finish, IReadOnlyList<string> Shots, Verdict? Refused, ServedBy? Server = null);

    protected override string LockOf(DraftPrompts job) => $"prompts-{job.Run}-{job.Iteration}";

    protected override string RunOf(DraftPrompts job) => job.Run;

    protected override async Task DoAsync(DraftPrompts job, CancellationToken cancellationToken)
    {
        var settings = await runs.SettingsOfAsync(job.Run, cancellationToken);
        if (await IsDecidedAsync(job, settings.Prompts.PerIteration - 1, cancellationToken))
            return;
        using var span = PromptGenTelemetry.Begin(job, Cause);
        try
        {
            await DraftAllAsync(job, settings, cancellationToken);
        }
        catch (Exception e)
        {
            span.Fail(e);
            throw;
        }
    }

    private async Task DraftAllAsync(DraftPrompts job, RunSettings settings, CancellationToken cancellationToken)
    {
        var planned = settings.Prompts.PerIteration;
        if (settings.Prompts.Source != "model")
        {
            await TakeFromFileAsync(job, settings, cancellationToken);
            return;
        }

        var seed = await data.OfAsync(job.Run, cancellationToken);
        var seeds = seed.SeedPrompts;
        var pool = new PromptPool(settings.Prompts.Filters, seeds, heldOut: [.. seed.HeldOutPrompts.Select(prompt => prompt.Prompt), .. seed.HeldOutRanked.Select(prompt => prompt.Prompt)]);
        var own = await AcceptedBeforeAsync(job, cancellationToken);
        own.ForEach(pool.Accept);
        for (var start = 0; start < planned; start += Block)
        {
            // A block that is in the log whole is taken from there; one that was cut short is decided again, to the same prompts.
            var ordinals = Enumerable.Range(start, Math.Min(Block, planned - start)).ToList();
            if (await IsDecidedAsync(job, ordinals[^1], cancellationToken))
            {
                var accepted = (await log.ReadPromptsAsync(job.Run, job.Iteration, ordinals, cancellationToken)).Select(history => history.Generated?.Prompt).OfType<string>().ToList();
                own.AddRange(accepted);
                accepted.ForEach(pool.Accept);
                continue;
            }

            var spans = await BeginPromptsAsync(job, ordinals, cancellationToken);
            try
            {
                var decided = await DraftBlockAsync(job, settings, seeds, own, pool, ordinals, spans, cancellationToken);
                own.AddRange(decided.OfType<PromptGenerated>().Select(generated => generated.Prompt));
                if (settings.Engines.Prompts.Url is not null)
                    await RecordWholeAsync(job, start, decided, spans, cancellationToken);
                else
                    await RecordAsync(job, start, decided, spans, cancellationToken);
            }
            finally
            {
                foreach (var span in spans)
                    span?.Dispose();
            }
        }
    }

    private async Task<bool> IsDecidedAsync(DraftPrompts job, int ordinal, CancellationToken cancellationToken) =>
        (await log.ReadPromptAsync(job.Run, job.Iteration, ordinal, cancellationToken)).Version > 0;

    // A block that was cut short is decided again: its prompts that are in the log go on in the traces that they have.
    private async Task<Activity?[]> BeginPromptsAsync(DraftPrompts job, List<int> ordinals, CancellationToken cancellationToken)
    {
        if (!PromptGenTelemetry.IsTraced)
            return new Activity?[ordinals.Count];
        var histories = await log.ReadPromptsAsync(job.Run, job.Iteration, ordinals, cancellationToken);
        return [.. ordinals.Zip(histories, (ordinal, history) => PromptGenTelemetry.BeginPrompt(job, ordinal, history.TraceParent))];
    }

    // The block's last prompt comes last: where it is in the log, all are.
    private async Task RecordAsync(DraftPrompts job, int start, object[] decided, Activity?[]? spans, CancellationToken cancellationToken)
    {
        await Parallel.ForEachAsync(
            decided.SkipLast(1).Select((fact, i) => (Fact: fact, Ordinal: start + i)),
            new ParallelOptions { MaxDegreeOfParallelism = AppendsAtOnce, CancellationToken = cancellationToken },
            async (prompt, token) => await RecordAsync(prompt.Ordinal, prompt.Fact, token));
        await RecordAsync(start + decided.Length - 1, decided[^1], cancellationToken);

        async Task RecordAsync(int ordinal, object fact, CancellationToken token)
        {
            using var span = spans is null ? PromptGenTelemetry.BeginPrompt(job, ordinal) : spans[ordinal - start];
            Activity.Current = span ?? Activity.Current;
            await bus.PublishFactAsync(await log.AppendStageAsync(job.Run, job.Iteration, ordinal, PromptStage.Generated, fact, token), token);
            PromptGenTelemetry.Count(fact);
        }
    }

    // A block that was lost before this is drafted anew, to other prompts: beside a part of the lost ones the filters' verdicts would not hold.
    private async Task RecordWholeAsync(DraftPrompts job, int start, object[] decided, Activity?[] spans, CancellationToken cancellationToken)
    {
        await log.AppendPromptsAsync(Database, time.GetUtcNow(), job.Run, job.Iteration, [.. decided.Select((fact, i) => (start + i, fact, spans[i]))], cancellationToken);
        foreach (var (i, fact) in decided.Index())
        {
            Activity.Current = spans[i] ?? Activity.Current;
            await bus.PublishFactAsync(fact, cancellationToken);
            PromptGenTelemetry.Count(fact);
        }
    }

    private async Task<object[]> DraftBlockAsync(
        DraftPrompts job, RunSettings settings, IReadOnlyList<string> seeds, IReadOnlyList<string> own, PromptPool pool, List<int> ordinals, Activity?[] spans, CancellationToken cancellationToken)
    {
        var decided = new object[ordinals.Count];
        var rejected = ordinals.Select(_ => new List<RejectedDraft>()).ToArray();
        var served = ordinals.Select(_ => new List<ServedBy?>()).ToArray();
        var source = settings.Engines.Prompts.Url is null ? "model" : "server";
        var open = Enumerable.Range(0, ordinals.Count).ToList();
        for (var attempt = 0; attempt < settings.Prompts.MaxDrafts && open.Count > 0; attempt++)
        {
            var round = attempt;
            var drafts = await Task.WhenAll(open.Select(slot => DraftAsync(job, settings, seeds, own, ordinals[slot], round, spans[slot], cancellationToken)));
            foreach (var (slot, draft) in open.ToList().Zip(drafts))
            {
                served[slot].Add(draft.Server);
                if ((draft.Refused ?? pool.Check(draft.Text, draft.Finish)) is { } verdict)
                {
                    rejected[slot].Add(DraftLimit.Refused(attempt, draft.Text, verdict));
                    continue;
                }

                var generated = new PromptGenerated(job.Run, job.Iteration, ordinals[slot], job.Model, draft.Text, source, draft.Shots, rejected[slot], ServedBy.Sum(served[slot]));
                if (DraftLimit.Fit(generated) is not { } fitting)
                {
                    rejected[slot].Add(new RejectedDraft(attempt, "", DraftLimit.TooLargeTogether, DraftLimit.BytesOf(draft.Text), null));
                    continue;
                }

                pool.Accept(draft.Text);
                open.Remove(slot);
                decided[slot] = fitting;
            }
        }

        foreach (var slot in open)
        {
            decided[slot] = DraftLimit.Fit(new PromptDiscarded(
                job.Run, job.Iteration, ordinals[slot], DiscardReason.NoAcceptableDraft, $"all {settings.Prompts.MaxDrafts} drafts were refused", [], rejected[slot], ServedBy.Sum(served[slot])));
        }

        return decided;
    }

    private async Task<Draft> DraftAsync(
        DraftPrompts job, RunSettings settings, IReadOnlyList<string> seeds, IReadOnlyList<string> own, int ordinal, int attempt, Activity? span,
        CancellationToken cancellationToken)
    {
        Activity.Current = span ?? Activity.Current;
        var prompts = settings.Prompts;
        var format = new PromptFormat(settings.Format);
        var shots = ShotSelection.Choose(seeds, own, prompts.SeedShots, prompts.OwnShots, DrawKey.For(settings.Seed, DrawPurpose.Shots, job.Iteration, ordinal, attempt));
        var key = DrawKey.For(settings.Seed, DrawPurpose.Draft, job.Iteration, ordinal, attempt);
        try
        {
            var texts = await engines.Prompts(settings).GenerateAsync(RunModel.Of(job.Model, settings), format.Draft(shots), [key], prompts.Sampling, cancellationToken);
            var (text, finish) = format.ReadDraft(texts[0].Text, texts[0].Finish);
            return new Draft(text, finish, shots, null, texts[0].Server);
        }
        catch (ContextLengthException)
        {
            // These examples do not fit; the next attempt draws others.
            return new Draft("", Finish.Length, shots, new Verdict("examples_too_long", shots.Sum(shot => shot.Length), null));
        }
    }

    private async Task<List<string>> AcceptedBeforeAsync(DraftPrompts job, CancellationToken cancellationToken)
    {
        var accepted = new List<string>();
        for (var iteration = 1; iteration < job.Iteration; iteration++)
        {
            await foreach (var history in log.ReadIterationAsync(job.Run, iteration, cancellationToken))
            {
                if (history.Generated is { } generated)
                    accepted.Add(generated.Prompt);
            }
        }

        return accepted;
    }

    private async Task TakeFromFileAsync(DraftPrompts job, RunSettings settings, CancellationToken cancellationToken)
    {
        var planned = settings.Prompts.PerIteration;
        var prompts = PromptFile.Read(settings.Prompts.Source).Skip((job.Iteration - 1) * planned).Take(planned).ToList();
        if (prompts.Count < planned)
            throw new DataFileException($"{settings.Prompts.Source} has {((job.Iteration - 1) * planned) + prompts.Count} prompts, expected {job.Iteration * planned} for iteration {job.Iteration}: add prompts, or start a run with fewer (--prompts).");
        var facts = prompts.Select((prompt, ordinal) => new PromptGenerated(job.Run, job.Iteration, ordinal, job.Model, prompt, settings.Prompts.Source, [], []));
        await RecordAsync(job, 0, [.. facts], spans: null, cancellationToken);
    }
}
