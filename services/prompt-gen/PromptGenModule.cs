using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using SelfRewarding.Hosting;
using SelfRewarding.Inference;

namespace SelfRewarding.PromptGen;

/// <summary>What prompt-gen adds to a host.</summary>
public static class PromptGenModule
{
    public static readonly WorkerModule Module = new(
        "prompt-gen",
        services => services.AddTextGeneration().AddSingleton<JobQueue<DraftPrompts>>().AddHostedService<PromptGenService>(),
        bus => bus.AddConsumer<PromptGenConsumer, JobNotesDefinition<PromptGenConsumer>>(),
        InferenceSetup.DeviceProblem);
}

/// <summary>The job: all prompts of one iteration, drafted by its model.</summary>
public sealed record DraftPrompts(string Run, int Iteration, Contracts.ModelRef Model);
