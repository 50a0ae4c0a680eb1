using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using SelfRewarding.Hosting;
using SelfRewarding.Inference;

namespace SelfRewarding.DpoTrainer;

/// <summary>What the trainer adds to a host.</summary>
public static class DpoTrainerModule
{
    public static readonly WorkerModule Module = new(
        "dpo-trainer",
        services => services.AddTextGeneration()
            .AddSingleton<JobQueue<TrainRun>>()
            .AddSingleton<BaseModel>().AddSingleton<EftBuilder>().AddSingleton<CheckpointAnswers>().AddSingleton<SftRecipe>().AddSingleton<DpoRecipe>()
            .AddHostedService<TrainerService>(),
        bus => bus.AddConsumer<DpoTrainerConsumer, JobNotesDefinition<DpoTrainerConsumer>>(),
        InferenceSetup.DeviceProblem);
}

/// <summary>The job: whatever model of this run can be made next.</summary>
public sealed record TrainRun(string Run);
