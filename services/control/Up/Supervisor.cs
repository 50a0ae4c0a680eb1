using System.Globalization;
using Npgsql;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.Up;

/// <summary>How many of each worker, by name, and how many sequences each generates at once.</summary>
public sealed record Scale(IReadOnlyDictionary<string, int> Workers, int? Slots);

/// <summary>
/// The whole topology on one machine: a PostgreSQL and a RabbitMQ of our own, and the workers as child processes. Whatever dies is started again; when we die, all of it ends.
/// </summary>
public sealed class Supervisor : IAsyncDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);

    private readonly string _data;
    private readonly Scale _scale;
    private readonly TimeProvider _clock;
    private readonly Action<string> _tell;
    private readonly Lock _writing = new();
    private readonly DateTimeOffset _since;
    private readonly IReadOnlyList<Part> _servers;
    private volatile IReadOnlyList<Part> _workers = [];
    private PrivateCluster? _cluster;
    private PrivateBroker? _broker;
    private bool _isReady;

    /// <param name="tell">Is told of what happens, a sentence each.</param>
    public Supervisor(DataFolder data, Scale scale, TimeProvider clock, Action<string> tell)
    {
        (_data, _scale, _clock, _tell, _since) = (data.Path, scale, clock, tell, clock.GetUtcNow());
        _servers =
        [
            new Part(UpState.Database, Path.Combine(data.Postgres, "server.log"), StartDatabaseAsync, StopDatabaseAsync, clock, Tell),
            new Part(UpState.Broker, Path.Combine(data.RabbitMq, "node.log"), StartBrokerAsync, StopBrokerAsync, clock, Tell),
        ];
    }

    /// <summary>How everything stands.</summary>
    public UpState State
    {
        get
        {
            var parts = _servers.Concat(_workers).Select(part => part.State).ToList();
            return new UpState(Environment.ProcessId, UpState.StartOf(Environment.ProcessId)!.Value, _since, _isReady, _cluster?.ConnectionString ?? "", _broker?.Address ?? "", parts);
        }
    }

    /// <summary>Starts everything; when this returns, a run can begin.</summary>
    /// <exception cref="PrivateServerException">A server cannot be started.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await Task.WhenAll(_servers.Select(server => server.StartAsync(cancellationToken)));
        await using (var database = NpgsqlDataSource.Create(_cluster!.ConnectionString))
            await EventStoreSchema.EnsureAsync(database, cancellationToken);
        _workers =
        [
            .. Programs.All.SelectMany(worker => Enumerable.Range(1, _scale.Workers.GetValueOrDefault(worker.Module.Name))
                .Select(number => Worker($"{worker.Module.Name}-{number}", Programs.CommandOf(worker.Program)))),
        ];
        foreach (var worker in _workers)
            await worker.StartAsync(cancellationToken);
        _isReady = true;
        Write();
    }

    /// <summary>Keeps everything alive until cancelled.</summary>
    public Task KeepAsync(CancellationToken cancellationToken) => Task.WhenAll(_servers.Concat(_workers).Select(part => part.KeepAsync(cancellationToken)));

    /// <summary>Stops everything in good order: who needs the servers first.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_workers.Select(worker => worker.StopAsync()));
        foreach (var server in _servers.AsEnumerable().Reverse())
            await server.StopAsync();
        UpState.Remove(_data);
    }

    private Part Worker(string name, IReadOnlyList<string> command)
    {
        var log = Path.Combine(UpState.FolderOf(_data), $"{name}.log");
        // What an earlier time wrote is not this one's trouble.
        if (File.Exists(log))
            File.Move(log, log + ".old", overwrite: true);
        TetheredProcess? process = null;
        return new Part(name, log, StartAsync, StopAsync, _clock, Tell);

        async Task<Running> StartAsync(CancellationToken cancellationToken)
        {
            if (process is not null)
                await process.DisposeAsync();
            process = await TetheredProcess.StartAsync(new ProcessPlan(command, log) { Environment = Environment() }, cancellationToken);
            return new Running(process.Id, process.Ended);
        }

        async Task StopAsync()
        {
            if (process is not null)
                await process.DisposeAsync();
        }

        Dictionary<string, string?> Environment()
        {
            var variables = new Dictionary<string, string?>(TroubleLog.OneLineEach)
            {
                [WorkerOptions.DataVariable] = _data,
                [WorkerOptions.PostgresVariable] = _cluster!.ConnectionString,
                [WorkerOptions.RabbitMqVariable] = _broker!.Address,
            };
            if (_scale.Slots is { } slots)
                variables[WorkerOptions.SlotsVariable] = slots.ToString(CultureInfo.InvariantCulture);
            return variables;
        }
    }

    private async Task<Running> StartDatabaseAsync(CancellationToken cancellationToken)
    {
        if (_cluster is not null)
        {
            await _cluster.EnsureRunningAsync(cancellationToken);
        }
        else
        {
            _cluster = await PrivateCluster.StartAsync(Path.Combine(_data, "postgres"), cancellationToken);
            _cluster.EndWithThisProcess();
        }

        var id = _cluster.ProcessId ?? throw new PrivateClusterException("PostgreSQL ended as soon as it was ready");
        return new Running(id, WatchAsync(_cluster, id));
    }

    // It is nobody's child, so its end is seen by looking.
    private static async Task<int> WatchAsync(PrivateCluster cluster, int id)
    {
        while (cluster.ProcessId == id)
            await Task.Delay(Look);
        return Running.Unknown;
    }

    private async Task StopDatabaseAsync()
    {
        if (_cluster is not null)
            await _cluster.DisposeAsync();
    }

    private async Task<Running> StartBrokerAsync(CancellationToken cancellationToken)
    {
        if (_broker is null)
            _broker = await PrivateBroker.StartAsync(Path.Combine(_data, "rabbitmq"), cancellationToken);
        else
            await _broker.StartAgainAsync(cancellationToken);
        return new Running(_broker.ProcessId, _broker.Ended);
    }

    private async Task StopBrokerAsync()
    {
        if (_broker is not null)
            await _broker.DisposeAsync();
    }

    private void Tell(string what)
    {
        Write();
        _tell(what);
    }

    private void Write()
    {
        lock (_writing)
            State.Write(_data);
    }
}
