using MassTransit;
using Microsoft.Extensions.Logging;
using Npgsql;
using SelfRewarding.Contracts;
using SelfRewarding.Hosting;

namespace SelfRewarding.DpoTrainer;

/// <summary>
/// Makes a run's models one after the other: M0, the SFT baseline and M1 at once, each later model as soon as its dataset is frozen.
/// What to make next is read from the log, so a trainer that takes over goes on where the last one was.
/// </summary>
public sealed class TrainerService(
    JobQueue<TrainRun> jobs, NpgsqlDataSource database, HostFailure failure, ILogger<TrainerService> logger,
    RunLog runLog, FactLog log, RunCatalog runs, BaseModel baseModel, SftRecipe sft, DpoRecipe dpo, IBus bus, Recovery recovery, WorkerOptions options)
    : JobService<TrainRun>(jobs, database, failure, recovery, logger)
{
    protected override string LockOf(TrainRun job) => $"training-{job.Run}";

    protected override string RunOf(TrainRun job) => job.Run;

    protected override async Task DoAsync(TrainRun job, CancellationToken cancellationToken)
    {
        var settings = await runs.SettingsOfAsync(job.Run, cancellationToken);
        while (true)
        {
            var facts = await runLog.ReadRunAsync(job.Run, cancellationToken);
            var models = facts.OfType<ModelPublished>().ToDictionary(published => published.Model.Name, published => published.Model, StringComparer.Ordinal);
            var next = ModelNames.All(settings.Iterations).FirstOrDefault(name => !models.ContainsKey(name));
            if (facts.Any(fact => fact is RunStopped or RunCompleted))
                return;
            if (next is null)
            {
                var last = models[ModelNames.OfIteration(settings.Iterations + 1)];
                await bus.PublishFactAsync(await runLog.AppendCompletedAsync(new RunCompleted(job.Run, last), cancellationToken), cancellationToken);
                return;
            }

            var begun = await log.ReadManyAsync([StreamNames.Training(job.Run, next)], 1, 2, cancellationToken);
            if (ModelNames.Iteration(next) > 1 && begun is not [{ Fact: DatasetFrozen }, ..])
                return; // its dataset is not frozen yet: DatasetFrozen brings us back
            using var span = TrainingTelemetry.Begin(job.Run, next, Cause, begun);
            try
            {
                var published = await MakeAsync(job.Run, next, begun, models, settings, cancellationToken);
                await bus.PublishFactAsync(await runLog.AppendModelAsync(published, cancellationToken), cancellationToken);
            }
            catch (Exception e)
            {
                span.Fail(e);
                throw;
            }

            TrainingRun.RemoveCheckpoints(options, job.Run, next);
        }
    }

    private async Task<ModelPublished> MakeAsync(
        string run, string name, IReadOnlyList<Recorded> begun, Dictionary<string, ModelRef> models, RunSettings settings, CancellationToken cancellationToken)
    {
        if (name == ModelNames.Base)
            return new ModelPublished(run, await baseModel.MakeAsync(run, settings, cancellationToken), null, null, 0);
        if (name == ModelNames.Baseline || ModelNames.Iteration(name) == 1)
            return await sft.TrainAsync(run, name, models[ModelNames.Base], models.GetValueOrDefault(ModelNames.Baseline), settings, cancellationToken);
        var frozen = (DatasetFrozen)begun[0].Fact;
        return await dpo.TrainAsync(frozen, models[ModelNames.OfIteration(frozen.Iteration)], models[ModelNames.Baseline], settings, cancellationToken);
    }
}
