using Npgsql;

namespace SelfRewarding.Control.ReadModels;

/// <summary>How a reader tells the process that keeps the tables, whichever it is, that it waits: a notification, and nothing is lost with it but two seconds.</summary>
public static class WriteRequests
{
    private const string Channel = "rm_wanted";

    private static readonly TimeSpan ReconnectDelay = TimeSpan.FromSeconds(1);

    /// <summary>Asks for what is folded and not written yet.</summary>
    public static async Task SendAsync(NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var notify = database.CreateCommand($"notify {Channel}");
        await notify.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Calls back for each request, over a connection of its own that is made anew when it is lost, until cancelled.</summary>
    public static async Task ListenAsync(NpgsqlDataSource database, Action asked, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await using var connection = await database.OpenConnectionAsync(cancellationToken);
                connection.Notification += (_, _) => asked();
                await using (var listen = new NpgsqlCommand($"listen {Channel}", connection))
                    await listen.ExecuteNonQueryAsync(cancellationToken);
                while (true)
                    await connection.WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
            }
            catch (NpgsqlException)
            {
                await Task.WhenAny(Task.Delay(ReconnectDelay, cancellationToken));
            }
        }
    }
}
