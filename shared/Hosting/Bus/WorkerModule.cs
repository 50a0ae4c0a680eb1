using MassTransit;
using Microsoft.Extensions.DependencyInjection;

namespace SelfRewarding.Hosting;

/// <summary>One worker: its name on the bus, in compose and in telemetry, and what it adds to a host. A host may hold one module or all.</summary>
/// <param name="Name">The folder's name, which is also the OpenTelemetry <c>service.name</c>.</param>
/// <param name="Problem">What keeps it from working on this machine with these options, in one sentence; null, or a null sentence, where nothing does.</param>
public sealed record WorkerModule(
    string Name, Action<IServiceCollection> AddServices, Action<IBusRegistrationConfigurator> AddConsumers, Func<WorkerOptions, string?>? Problem = null);
