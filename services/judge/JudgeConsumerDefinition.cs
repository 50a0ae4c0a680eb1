using MassTransit;
using SelfRewarding.Hosting;

namespace SelfRewarding.Judge;

/// <summary>A message is N × J judgements, so a few messages fill the engine's slots twice.</summary>
public sealed class JudgeConsumerDefinition : ConsumerDefinition<JudgeConsumer>
{
    public JudgeConsumerDefinition(WorkerOptions options) => ConcurrentMessageLimit = Math.Max(1, options.Slots / 6);
}
