using System.Collections.Concurrent;
using System.CommandLine;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Settings;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Evaluator;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;
using SelfRewarding.Judge;
using SelfRewarding.PairBuilder;
using SelfRewarding.PromptGen;
using SelfRewarding.Sampler;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>One measurement.</summary>
public sealed record Measured(string Name, double Value, IReadOnlyDictionary<string, object?> Tags);

/// <summary>
/// The tiny run over a real RabbitMQ and a real PostgreSQL, each worker in a host of its own as it would be in a process of its own, while this listens to every span and measurement.
/// Afterwards the sampler, the judge and the pair-builder stay up.
/// </summary>
public sealed class TracedRun : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    private readonly List<(string Name, IHost Host)> _hosts = [];
    private readonly ConcurrentQueue<Activity> _spans = new();
    private readonly ConcurrentQueue<Measured> _measured = new();
    private readonly SemaphoreSlim _ended = new(0);
    private readonly ActivityListener _spanListener;
    private readonly MeterListener _meterListener;
    private PrivateBroker? _rabbit;
    private PrivateCluster? _cluster;

    public TracedRun()
    {
        _spanListener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "MassTransit" or "Npgsql" || source.Name.StartsWith("SelfRewarding.", StringComparison.Ordinal),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                _spans.Enqueue(span);
                _ended.Release();
            },
        };
        _meterListener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name.StartsWith("SelfRewarding.", StringComparison.Ordinal))
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        _meterListener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _meterListener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("selfreward-traced-").FullName;

    public RunSettings Settings { get; private set; } = null!;

    /// <summary>The run's events, each with what the log knows of its trace.</summary>
    public IReadOnlyList<StoredEvent> Events { get; private set; } = [];

    /// <summary>The spans that have ended so far.</summary>
    public IReadOnlyList<Activity> Spans => [.. _spans];

    /// <summary>The spans that had ended when the run had.</summary>
    public IReadOnlyList<Activity> RunSpans { get; private set; } = [];

    /// <summary>What was measured while the run lasted.</summary>
    public IReadOnlyList<Measured> Measured { get; private set; } = [];

    public IEventStore Store => Services("sampler").GetRequiredService<IEventStore>();

    /// <summary>What a worker's host holds.</summary>
    public IServiceProvider Services(string worker) => _hosts.Single(host => host.Name == worker).Host.Services;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(PrivateBroker.IsInstalled, "rabbitmq-server is not installed (apt-get install rabbitmq-server)");
        _rabbit = await PrivateBroker.StartAsync(Path.Combine(Folder, "rabbitmq"));
        _cluster = await PrivateCluster.StartAsync(Path.Combine(Folder, "postgres"));
        ActivitySource.AddActivityListener(_spanListener);
        _meterListener.Start();
        var options = new WorkerOptions { Data = Folder, Postgres = _cluster.ConnectionString, RabbitMq = _rabbit.Address, Slots = 16 };
        WorkerModule[] modules = [PromptGenModule.Module, SamplerModule.Module, JudgeModule.Module, PairBuilderModule.Module, DpoTrainerModule.Module, EvaluatorModule.Module];
        foreach (var module in modules)
        {
            var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(null);
            builder.Services.AddWorkers(options, [module]);
            _hosts.Add((module.Name, builder.Build()));
        }

        await WorkerHost.WaitForStoreAsync(Services("sampler"));
        foreach (var (_, host) in _hosts)
            await host.StartAsync();

        var command = new RootCommand();
        RunOptions.AddTo(command);
        Settings = RunOptions.Bind(command.Parse(TinyRun.Arguments(Folder)[1..]));
        await StartAsync(TinyRun.Name);
        await FinishAsync();
        _meterListener.RecordObservableInstruments();
        _meterListener.Dispose();
        (Measured, RunSpans) = ([.. _measured], Spans);
        Events = await ReadAllAsync();
        foreach (var worker in (string[])["prompt-gen", "dpo-trainer", "evaluator"])
            await StopAsync(worker);
    }

    /// <summary>Records that a run of the same settings begins, and puts onto the bus what is outstanding of it.</summary>
    public async Task StartAsync(string run)
    {
        var services = Services("sampler");
        await services.GetRequiredService<FactLog>().AppendOnceAsync(
            StreamNames.Run(run), RunStage.Started, new RunStarted(run, Settings, SeedData.For(Settings).Sets), CancellationToken.None);
        await services.GetRequiredService<Recovery>().RepublishAsync(run, CancellationToken.None);
    }

    /// <summary>Waits for a span that has ended.</summary>
    public async Task<Activity> SpanAsync(Func<Activity, bool> wanted)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            if (_spans.FirstOrDefault(wanted) is { } span)
                return span;
            await _ended.WaitAsync(patience.Token);
        }
    }

    /// <summary>A stream's events, once it has come to a version.</summary>
    public async Task<IReadOnlyList<StoredEvent>> StreamAsync(string stream, long version)
    {
        using var patience = new CancellationTokenSource(Patience);
        await foreach (var stored in Store.FollowAsync(0, patience.Token))
        {
            if (stored.Stream == stream && stored.Version == version)
                break;
        }

        return await Store.ReadStreamAsync(stream, 1, patience.Token);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in _hosts.Select(host => host.Name).ToList())
            await StopAsync(worker);
        _spanListener.Dispose();
        _meterListener.Dispose();
        _ended.Dispose();
        if (_cluster is not null)
            await _cluster.DisposeAsync();
        if (_rabbit is not null)
            await _rabbit.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    private async Task FinishAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        foreach (var (name, host) in _hosts)
            host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.Register(patience.Cancel);
        try
        {
            var (unmeasured, completed) = (0, false);
            await foreach (var recorded in Services("sampler").GetRequiredService<RunLog>().FollowAsync(0, TinyRun.Name, patience.Token))
            {
                unmeasured += recorded.Fact switch { ModelPublished => 1, ModelEvaluated => -1, _ => 0 };
                recorded.Fact.ShouldNotBeOfType<RunStopped>();
                completed |= recorded.Fact is RunCompleted;
                if (completed && unmeasured == 0)
                    return;
            }
        }
        catch (OperationCanceledException e)
        {
            throw new InvalidOperationException(
                "The run did not come to its end: " + string.Join("; ", _hosts.Select(host => $"{host.Name}: {host.Host.Services.GetRequiredService<HostFailure>().First?.Message ?? "well"}")), e);
        }
    }

    private async Task<IReadOnlyList<StoredEvent>> ReadAllAsync()
    {
        var events = new List<StoredEvent>();
        await foreach (var stored in Store.ReadAllAsync())
            events.Add(stored);
        return events;
    }

    private async Task StopAsync(string worker)
    {
        var (_, host) = _hosts.Single(host => host.Name == worker);
        await host.StopAsync();
        await ((IAsyncDisposable)host).DisposeAsync();
        _hosts.RemoveAll(other => other.Name == worker);
    }

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        _measured.Enqueue(new Measured(instrument.Name, value, tags.ToArray().ToDictionary(tag => tag.Key, tag => tag.Value, StringComparer.Ordinal)));
}
