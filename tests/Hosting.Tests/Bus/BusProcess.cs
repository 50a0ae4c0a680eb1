using System.Threading.Channels;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace SelfRewarding.Hosting.Tests;

/// <summary>A worker on a real bus whose work is the test's: what it took is seen, and ends when and how the test says.</summary>
internal sealed class BusProcess : IAsyncDisposable
{
    private readonly IHost _host;

    private BusProcess(IHost host) => _host = host;

    public IBus Bus => _host.Services.GetRequiredService<IBus>();

    /// <summary>What the worker took, in order; each is done when its task is.</summary>
    public ChannelReader<Taken> Taken => _host.Services.GetRequiredService<Inbox>().Reader;

    public static async Task<BusProcess> StartAsync(string broker, Action<IBusRegistrationConfigurator> consumers)
    {
        var options = new WorkerOptions { Data = "/nowhere", Postgres = "", RabbitMq = broker, Slots = 8 };
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton(options).AddSingleton<HostFailure>().AddSingleton<Inbox>().AddWorkBus(options, [new WorkerModule("test", _ => { }, consumers)]);
        var host = builder.Build();
        await host.StartAsync();
        return new BusProcess(host);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        await ((IAsyncDisposable)_host).DisposeAsync();
    }
}

/// <summary>A message in work.</summary>
internal sealed record Taken(object Fact, TaskCompletionSource Done);

internal sealed class Inbox
{
    private readonly Channel<Taken> _taken = Channel.CreateUnbounded<Taken>();

    public ChannelReader<Taken> Reader => _taken.Reader;

    public Task WorkAsync(object fact)
    {
        var taken = new Taken(fact, new TaskCompletionSource());
        _taken.Writer.TryWrite(taken);
        return taken.Done.Task;
    }
}
