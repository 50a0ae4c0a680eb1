using Npgsql;
using SelfRewarding.EventStore;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>A finished run's log, changed behind its back for a while.</summary>
internal static class ChangedLog
{
    /// <summary>Lets something be changed in the events of a data folder, and puts them back as they were.</summary>
    public static async Task WhileAsync(string folder, Func<NpgsqlDataSource, Task> changed)
    {
        await using var cluster = await PrivateCluster.StartAsync(Path.Combine(folder, "postgres"), CancellationToken.None);
        await using var database = NpgsqlDataSource.Create(cluster.ConnectionString);
        await ExecuteAsync(database, "create table untouched as table mt_events; create table untouched_streams as table mt_streams");
        try
        {
            await changed(database);
        }
        finally
        {
            await ExecuteAsync(database, """
                delete from mt_events; delete from mt_streams;
                insert into mt_streams select * from untouched_streams; insert into mt_events select * from untouched;
                drop table untouched, untouched_streams
                """);
        }
    }

    private static async Task ExecuteAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
