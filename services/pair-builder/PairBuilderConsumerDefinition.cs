using SelfRewarding.Hosting;

namespace SelfRewarding.PairBuilder;

/// <summary>Pairing is a few comparisons and one append: many at once, bounded by the database's connections.</summary>
public sealed class PairBuilderConsumerDefinition() : WorkDefinition<PairBuilderConsumer>(8);
