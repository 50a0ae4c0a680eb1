using Microsoft.Extensions.Hosting;
using Npgsql;
using SelfRewarding.EventStore;

namespace SelfRewarding.Control.Http;

/// <summary>
/// The log for as long as somebody asks. Beside a run its PostgreSQL is joined, and left when the run has ended. Where no other process has the
/// data folder, its PostgreSQL is started for the first question and stopped a few seconds after the last: a page that stays open keeps no run
/// from beginning.
/// </summary>
/// <param name="folder">The data folder.</param>
/// <param name="shared">The log is in a database server that is not ours to start or stop.</param>
/// <param name="time">Says how long nobody has asked.</param>
public sealed class ServedLog(string folder, bool shared, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(3);

    private readonly string _postgres = Path.Combine(folder, "postgres");
    private readonly SemaphoreSlim _gate = new(1);
    private OpenLog? _open;

    /// <summary>Nobody asks, and the data folder's PostgreSQL is not kept for that.</summary>
    public bool IsResting => !shared && _open is null;

    /// <summary>Opens the log, or takes part in it where it is open.</summary>
    /// <exception cref="LogAwayException">There is no log, or its database does not answer.</exception>
    public async Task<LogLease> UseAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            _open ??= await OpenAsync();
            _open.Users++;
            _open.IsCleared = false;
            return new LogLease(_open, ReleaseAsync);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Waits until another process has the log and may write to it.</summary>
    public async Task WaitForWriterAsync(CancellationToken cancellationToken)
    {
        while (_open is { IsAlone: true } || !(shared || PrivateCluster.IsRunning(_postgres)))
            await Task.Delay(Look, time, cancellationToken);
    }

    /// <summary>Puts the log back.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            if (_open is { } open)
                await LeaveAsync(open);
        }
        finally
        {
            _gate.Release();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Look, time);
        while (!shared && await timer.WaitForNextTickAsync(stoppingToken))
        {
            await _gate.WaitAsync(stoppingToken);
            try
            {
                if (_open is { } open && (!PrivateCluster.IsRunning(_postgres) || await CanRestAsync(open, stoppingToken)))
                    await LeaveAsync(open);
            }
            catch (NpgsqlException)
            {
                // The server is just ending: the next look finds it gone.
            }
            finally
            {
                _gate.Release();
            }
        }
    }

    // A request that is broken off does not break off what others wait for, too.
    private async Task<OpenLog> OpenAsync()
    {
        try
        {
            // Whoever has the folder writes to the log. If it is taken or left just now, what is concluded here is put right at the next look.
            var free = shared || !Directory.Exists(_postgres) ? null : DataFolder.TryOpen(folder);
            free?.Dispose();
            // On a server, control owns the tables, and workers wait for them: there this process makes them before there is a run.
            var reader = shared ? await LogReader.OpenOrMakeAsync(folder, CancellationToken.None) : await LogReader.OpenAsync(folder, CancellationToken.None);
            return new OpenLog(reader, free is not null, time.GetTimestamp());
        }
        catch (Exception e) when (e is UserException or SchemaException)
        {
            // What the database's client says names hosts and users: that is for the log of the server.
            throw new LogAwayException(e.InnerException is null ? e.Message : Problems.DatabaseAway, e);
        }
    }

    private async Task<bool> CanRestAsync(OpenLog open, CancellationToken cancellationToken)
    {
        if (!open.IsAlone || open.Users > 0 || time.GetElapsedTime(open.LastUsed) < Rest)
            return false;
        if (!open.IsCleared)
        {
            // Our own idle connections end first; at the next look those that are left are another command's, which joined us.
            open.Reader.Database.Clear();
            open.IsCleared = true;
            return false;
        }

        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(open.Reader.Database.ConnectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var others = new NpgsqlCommand("select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()", connection);
        return (long)(await others.ExecuteScalarAsync(cancellationToken))! == 0;
    }

    private async Task LeaveAsync(OpenLog open)
    {
        _open = null;
        await open.Lost.CancelAsync();
        if (open.Users == 0)
            await open.DisposeAsync();
    }

    private async ValueTask ReleaseAsync(OpenLog open)
    {
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            open.LastUsed = time.GetTimestamp();
            if (--open.Users == 0 && open != _open)
                await open.DisposeAsync();
        }
        finally
        {
            _gate.Release();
        }
    }

    internal sealed class OpenLog(LogReader reader, bool isAlone, long opened) : IAsyncDisposable
    {
        public LogReader Reader => reader;

        /// <summary>No other process had the data folder when it was opened.</summary>
        public bool IsAlone => isAlone;

        public CancellationTokenSource Lost { get; } = new();

        public int Users { get; set; }

        public bool IsCleared { get; set; }

        public long LastUsed { get; set; } = opened;

        public async ValueTask DisposeAsync()
        {
            await reader.DisposeAsync();
            Lost.Dispose();
        }
    }
}

/// <summary>A part in the open log; disposing gives it back.</summary>
public sealed class LogLease : IAsyncDisposable
{
    private readonly ServedLog.OpenLog _open;
    private readonly Func<ServedLog.OpenLog, ValueTask> _release;

    internal LogLease(ServedLog.OpenLog open, Func<ServedLog.OpenLog, ValueTask> release) => (_open, _release, Lost) = (open, release, open.Lost.Token);

    /// <summary>The log.</summary>
    public LogReader Log => _open.Reader;

    /// <summary>No other process has the log: nothing comes to it.</summary>
    public bool IsAlone => _open.IsAlone;

    /// <summary>Falls when the database has gone.</summary>
    public CancellationToken Lost { get; }

    public ValueTask DisposeAsync() => _release(_open);
}

/// <summary>The log cannot be read now, and why.</summary>
public sealed class LogAwayException(string message, Exception? inner = null) : Exception(message, inner);
