using MassTransit;
using SelfRewarding.Hosting;
using SelfRewarding.Inference;

namespace SelfRewarding.Sampler;

/// <summary>What the sampler adds to a host.</summary>
public static class SamplerModule
{
    public static readonly WorkerModule Module = new(
        "sampler",
        services => services.AddTextGeneration(),
        bus => bus.AddConsumer<SamplerConsumer, SamplerConsumerDefinition>(),
        InferenceSetup.DeviceProblem);
}
