using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using SelfRewarding.Control.Settings;
using SelfRewarding.Hosting;
using SelfRewarding.Inference;
using SelfRewarding.Judge;
using SelfRewarding.Sampler;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// Workers of one kind in processes of their own. A process has several of them, each a host with its own bus, connections and engine, as <see cref="WorkerHost"/> makes it:
/// 64 runtimes would fill this machine with compiling the same code.
/// </summary>
internal sealed class ScaleWorkers : IAsyncDisposable
{
    /// <summary>The benchmark program's first argument where it is one of these processes; then the kind, the workers, and a step's milliseconds.</summary>
    public const string Argument = "scale-workers";

    private const int MostProcesses = 8;
    private const string Ready = "ready";

    private static readonly WorkerModule[] _kinds = [SamplerModule.Module, JudgeModule.Module];

    private readonly List<Process> _processes = [];

    /// <summary>What they have used so far.</summary>
    public ProcessTree Use => ProcessTree.Of(_processes.Select(process => process.Id));

    /// <summary>Starts the workers and waits until all are on the bus.</summary>
    public static async Task<ScaleWorkers> StartAsync(
        WorkerModule kind, int workers, TimeSpan step, WorkerOptions options, CancellationToken cancellationToken)
    {
        var started = new ScaleWorkers();
        try
        {
            var processes = Math.Min(workers, MostProcesses);
            for (var i = 0; i < processes; i++)
                started.StartProcess(kind, (workers / processes) + (i < workers % processes ? 1 : 0), step, options);
            foreach (var process in started._processes)
            {
                if (await process.StandardOutput.ReadLineAsync(cancellationToken) != Ready)
                    throw new InvalidOperationException($"A {kind.Name} process ended before it was ready; what it said stands above.");
            }

            return started;
        }
        catch
        {
            await started.DisposeAsync();
            throw;
        }
    }

    /// <summary>Is such a process, until its input ends.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        var kind = _kinds.Single(module => module.Name == args[1]);
        var (workers, step) = (int.Parse(args[2], CultureInfo.InvariantCulture), TimeSpan.FromMilliseconds(double.Parse(args[3], CultureInfo.InvariantCulture)));
        var options = WorkerOptions.From(new ConfigurationBuilder().AddEnvironmentVariables().Build());
        var texts = RecordedTexts.Paper();
        var hosts = Enumerable.Range(0, workers).Select(_ => BuildHost(kind, options, texts, step)).ToList();
        await Task.WhenAll(hosts.Select(host => host.StartAsync()));
        await Console.Out.WriteLineAsync(Ready);
        await Console.In.ReadToEndAsync();
        await Task.WhenAll(hosts.Select(host => host.StopAsync()));
        return 0;
    }

    /// <summary>Ends their inputs and waits.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
            process.StandardInput.Close();
        foreach (var process in _processes)
        {
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }

    private static IHost BuildHost(WorkerModule kind, WorkerOptions options, RecordedTexts texts, TimeSpan step)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton(_ => new RecordedPace(options.Slots, step, TimeProvider.System));
        builder.Services.AddSingleton<ITextGenerator>(services => new RecordedGenerator(texts, Presets.Kata.Format, services.GetRequiredService<RecordedPace>()));
        builder.Services.AddWorkers(options, [kind]);
        return builder.Build();
    }

    private void StartProcess(WorkerModule kind, int workers, TimeSpan step, WorkerOptions options)
    {
        var start = new ProcessStartInfo("dotnet",
        [
            typeof(ScaleWorkers).Assembly.Location, Argument, kind.Name, workers.ToString(CultureInfo.InvariantCulture), step.TotalMilliseconds.ToString(CultureInfo.InvariantCulture),
        ])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true,
        };
        start.Environment["SELFREWARD_POSTGRES"] = options.Postgres;
        start.Environment["SELFREWARD_RABBITMQ"] = options.RabbitMq;
        start.Environment["SELFREWARD_DATA"] = options.Data;
        start.Environment["SELFREWARD_SLOTS"] = options.Slots.ToString(CultureInfo.InvariantCulture);
        start.Environment.Remove("OTEL_EXPORTER_OTLP_ENDPOINT");
        _processes.Add(Process.Start(start)!);
    }
}
