using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using SelfRewarding.Hosting;
using SelfRewarding.Inference;

namespace SelfRewarding.Evaluator;

/// <summary>What the evaluator adds to a host.</summary>
public static class EvaluatorModule
{
    public static readonly WorkerModule Module = new(
        "evaluator",
        services => services.AddTextGeneration().AddSingleton<JobQueue<EvaluateRun>>().AddHostedService<EvaluatorService>(),
        bus => bus.AddConsumer<EvaluatorConsumer, JobNotesDefinition<EvaluatorConsumer>>(),
        InferenceSetup.DeviceProblem);
}

/// <summary>The job: every model of the run that is published and not measured yet.</summary>
public sealed record EvaluateRun(string Run);
