using Npgsql;
using SelfRewarding.EventStore;

namespace SelfRewarding.Benchmarks;

/// <summary>
/// Sixteen writers that append with small pauses, some in transactions of their own that stay open, are rolled back or killed in the middle, while a killer ends their
/// connections at random moments. What of it was committed, only the table can say.
/// </summary>
/// <param name="database">Their own, so that the killer ends no one else's connections.</param>
internal sealed class LiveWriters(NpgsqlDataSource database)
{
    public const string ApplicationName = "writers";

    private const int Writers = 16;
    private const int MostPause = 40;
    private const int LongestHold = 2_000;
    private const int MostBetweenKills = 1_500;

    private static readonly byte[] _payload = [.. "{\"Text\": \""u8, .. Enumerable.Repeat((byte)'x', 400), .. "\"}"u8];

    private readonly List<(DateTime From, DateTime To)> _held = [];
    private int _rolledBack, _killedInTransaction, _killed, _failed;

    /// <summary>When a transaction that held a number was open for long, by the clock of this machine.</summary>
    public IReadOnlyList<(DateTime From, DateTime To)> Held => _held;

    /// <summary>What they did, in words.</summary>
    public string Done =>
        $"{_held.Count} transactions held open for up to 2 s, {_rolledBack} rolled back, {_killedInTransaction} killed in their middle, {_killed} connections killed at random moments, {_failed} writes that failed for it";

    /// <summary>Nothing of what is to be survived may be missing.</summary>
    public bool WasRough => _held.Count > 0 && _rolledBack > 0 && _killedInTransaction > 0 && _killed > 0;

    /// <summary>Writes and kills until cancelled; then ends what is open.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        await using var store = new NpgsqlEventStore(database, TimeProvider.System);
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(() => WriteAsync(store, writer, stop), CancellationToken.None)).Append(KillAsync(stop)));
    }

    private async Task WriteAsync(NpgsqlEventStore store, int writer, CancellationToken stop)
    {
        var random = new Random(writer);
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var stream = $"live-{writer}-{i}";
            try
            {
                switch (random.Next(1_000))
                {
                    case 0:
                        await HoldAsync(stream, random);
                        break;
                    case < 30:
                        await using (var transaction = await OpenTransaction.BeginAsync(database, stream, _payload))
                            await EndAsync(transaction, random);
                        break;
                    default:
                        await store.AppendAsync(stream, 0, [.. Enumerable.Repeat(new NewEvent("payload_noted", null, _payload, EventMetadata.Empty), random.Next(1, 4))], CancellationToken.None);
                        break;
                }
            }
            catch (NpgsqlException)
            {
                Interlocked.Increment(ref _failed);
            }

            await PauseAsync(random.Next(MostPause), stop);
        }
    }

    private async Task HoldAsync(string stream, Random random)
    {
        var from = DateTime.UtcNow;
        try
        {
            await using var transaction = await OpenTransaction.BeginAsync(database, stream, _payload);
            await PauseAsync(random.Next(LongestHold), CancellationToken.None);
            await EndAsync(transaction, random);
        }
        finally
        {
            lock (_held)
                _held.Add((from, DateTime.UtcNow));
        }
    }

    private async Task EndAsync(OpenTransaction transaction, Random random)
    {
        switch (random.Next(4))
        {
            case 0:
                await transaction.RollbackAsync();
                Interlocked.Increment(ref _rolledBack);
                break;
            case 1:
                await EndConnectionsAsync($"pid = {transaction.ProcessId}");
                Interlocked.Increment(ref _killedInTransaction);
                break;
            default:
                await transaction.CommitAsync();
                break;
        }
    }

    private async Task KillAsync(CancellationToken stop)
    {
        var random = new Random(Writers);
        while (!stop.IsCancellationRequested)
        {
            await PauseAsync(random.Next(MostBetweenKills), stop);
            await EndConnectionsAsync($"pid = (select pid from pg_stat_activity where application_name = '{ApplicationName}' order by state = 'active' desc, random() limit 1)");
            _killed++;
        }
    }

    // Over a connection that is none of theirs.
    private async Task EndConnectionsAsync(string which)
    {
        await using var admin = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(database.ConnectionString) { ApplicationName = "killer" }.ConnectionString);
        await admin.OpenAsync();
        await using var kill = new NpgsqlCommand($"select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{ApplicationName}' and {which}", admin);
        await kill.ExecuteNonQueryAsync();
    }

    private static async Task PauseAsync(int milliseconds, CancellationToken stop) => await Task.WhenAny(Task.Delay(milliseconds, stop));
}
