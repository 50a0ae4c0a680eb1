using System.Diagnostics;
using Npgsql;
using SelfRewarding.Control;
using SelfRewarding.Control.Up;

namespace SelfRewarding.Benchmarks;

/// <summary>Kills one thing of a <c>selfreward up</c> at a time, and waits until it is dead. Which one, the seed says.</summary>
/// <param name="data">The data folder.</param>
internal sealed class Killer(string data, Random random)
{
    private const string Name = "killer";

    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(50);

    /// <summary>Kills; what has just been killed, and is not back yet, is waited for.</summary>
    /// <returns>What was killed, in words.</returns>
    public Task<string> KillAsync(KillKind kind, CancellationToken cancellationToken) => kind switch
    {
        KillKind.Worker => KillPartAsync(part => part is not (UpState.Database or UpState.Broker), () => { }, cancellationToken),
        KillKind.Broker => KillPartAsync(part => part == UpState.Broker, () => { }, cancellationToken),
        KillKind.BrokerWithDisk => KillPartAsync(part => part == UpState.Broker, LoseQueues, cancellationToken),
        KillKind.Backend => EndBackendAsync("select pid, application_name, false", cancellationToken),
        KillKind.Connection => EndBackendAsync("select pid, application_name, pg_terminate_backend(pid)", cancellationToken),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    /// <summary>Whether the run has not come to its end yet.</summary>
    public Task<bool> IsUnfinishedAsync(CancellationToken cancellationToken) => AskAsync(async database =>
    {
        await using var ask = new NpgsqlCommand("select not exists (select from mt_events where type in ('run_completed', 'run_stopped'))", database);
        return (bool)(await ask.ExecuteScalarAsync(cancellationToken))!;
    }, cancellationToken);

    private async Task<string> KillPartAsync(Func<string, bool> wanted, Action before, CancellationToken cancellationToken)
    {
        using var look = new PeriodicTimer(_look);
        while (true)
        {
            var running = DataFolder.FindUp(data)?.Parts.Where(part => part.IsRunning && wanted(part.Name)).ToList() ?? [];
            if (running.Count > 0)
            {
                var part = running[random.Next(running.Count)];
                if (await TryKillAsync(part.ProcessId!.Value, before, cancellationToken))
                    return part.Name;
            }

            await look.WaitForNextTickAsync(cancellationToken);
        }
    }

    // The queues are elsewhere before the node is killed, so that the one after it finds none.
    private void LoseQueues()
    {
        var queues = Path.Combine(data, "rabbitmq", "mnesia");
        if (Directory.Exists(queues))
            Directory.Move(queues, Path.Combine(data, "lost"));
    }

    // Of a worker's or of control's connections: those have a name.
    private async Task<string> EndBackendAsync(string select, CancellationToken cancellationToken)
    {
        using var look = new PeriodicTimer(_look);
        while (true)
        {
            var found = await AskAsync(async database =>
            {
                await using var ask = new NpgsqlCommand(
                    $"{select} from (select pid, application_name from pg_stat_activity where application_name not in ('', '{Name}') order by hashtextextended(pid::text, {random.Next()}) limit 1) victim", database);
                await using var reader = await ask.ExecuteReaderAsync(cancellationToken);
                return await reader.ReadAsync(cancellationToken) ? (Id: reader.GetInt32(0), Of: reader.GetString(1), Ended: reader.GetBoolean(2)) : default;
            }, cancellationToken);
            if (found.Of is not null && (found.Ended || await TryKillAsync(found.Id, () => { }, cancellationToken)))
                return $"a connection of {found.Of}";
            await look.WaitForNextTickAsync(cancellationToken);
        }
    }

    private static async Task<bool> TryKillAsync(int id, Action before, CancellationToken cancellationToken)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            before();
            process.Kill();
            await process.WaitForExitAsync(cancellationToken);
            return true;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return false; // it had ended already
        }
    }

    // Over a connection of its own, again until the server answers: it may be recovering from the last kill.
    private async Task<T> AskAsync<T>(Func<NpgsqlConnection, Task<T>> ask, CancellationToken cancellationToken)
    {
        using var look = new PeriodicTimer(_look);
        while (true)
        {
            try
            {
                var place = new NpgsqlConnectionStringBuilder(DataFolder.FindUp(data)!.Postgres) { ApplicationName = Name, Pooling = false };
                await using var database = new NpgsqlConnection(place.ConnectionString);
                await database.OpenAsync(cancellationToken);
                return await ask(database);
            }
            catch (NpgsqlException)
            {
                await look.WaitForNextTickAsync(cancellationToken);
            }
        }
    }
}
