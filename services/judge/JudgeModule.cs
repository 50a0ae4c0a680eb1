using MassTransit;
using SelfRewarding.Hosting;
using SelfRewarding.Inference;

namespace SelfRewarding.Judge;

/// <summary>What the judge adds to a host.</summary>
public static class JudgeModule
{
    public static readonly WorkerModule Module = new(
        "judge",
        services => services.AddTextGeneration(),
        bus => bus.AddConsumer<JudgeConsumer, JudgeConsumerDefinition>(),
        InferenceSetup.DeviceProblem);
}
