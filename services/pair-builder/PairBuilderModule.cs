using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using SelfRewarding.Hosting;

namespace SelfRewarding.PairBuilder;

/// <summary>What the pair-builder adds to a host.</summary>
public static class PairBuilderModule
{
    public static readonly WorkerModule Module = new(
        "pair-builder",
        services => services.AddHostedService<DatasetFreezer>(),
        bus => bus.AddConsumer<PairBuilderConsumer, PairBuilderConsumerDefinition>());
}
