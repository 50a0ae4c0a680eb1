using MassTransit;
using SelfRewarding.Hosting;

namespace SelfRewarding.Sampler;

/// <summary>Takes about twice as many prompts as fill the engine's slots, so that none stands empty; what waits here cannot go to another worker.</summary>
public sealed class SamplerConsumerDefinition : ConsumerDefinition<SamplerConsumer>
{
    public SamplerConsumerDefinition(WorkerOptions options) => ConcurrentMessageLimit = Math.Max(1, options.Slots / 2);
}
