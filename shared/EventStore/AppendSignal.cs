using System.Threading.Channels;
using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>
/// Tells followers in all processes that there is something to read. The notification is not part of the append's transaction: there PostgreSQL takes a lock over the
/// whole commit, which lets only one writer commit at a time. It follows the commit instead, at most 40 times a second; if it is lost, followers find the event
/// when they look by themselves.
/// </summary>
internal sealed class AppendSignal : IAsyncDisposable
{
    /// <summary>What followers listen on.</summary>
    public const string Channel = "mt_events_appended";

    // Each notification makes every follower ask: the more often, the more of the machine goes into asking.
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(25);

    private readonly NpgsqlDataSource _dataSource;
    private readonly Channel<bool> _pending = System.Threading.Channels.Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly Task _sending;

    public AppendSignal(NpgsqlDataSource dataSource)
    {
        _dataSource = dataSource;
        _sending = Task.Run(SendAsync);
    }

    public void Raise() => _pending.Writer.TryWrite(true);

    public async ValueTask DisposeAsync()
    {
        _pending.Writer.TryComplete();
        await _sending;
    }

    private async Task SendAsync()
    {
        await foreach (var _ in _pending.Reader.ReadAllAsync())
        {
            try
            {
                await using var notify = _dataSource.CreateCommand($"notify {Channel}");
                await notify.ExecuteNonQueryAsync();
            }
            catch (Exception e) when (e is NpgsqlException or ObjectDisposedException)
            {
                // The database is away: followers find out for themselves, and look again.
            }

            await Task.Delay(_pause);
        }
    }
}
