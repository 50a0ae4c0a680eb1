using MassTransit;
using SelfRewarding.Hosting;

namespace SelfRewarding.Sampler;

/// <summary>Takes as many prompts as fill the engine's slots when each has a few samples, and no more: what waits here cannot go to another worker.</summary>
public sealed class SamplerConsumerDefinition : ConsumerDefinition<SamplerConsumer>
{
    public SamplerConsumerDefinition(WorkerOptions options) => ConcurrentMessageLimit = Math.Max(1, options.Slots / 2);
}
