using Npgsql;
using Xunit;

namespace SelfRewarding.EventStore.Tests;

/// <summary>What tests do to a database behind the store's back.</summary>
internal static class Sql
{
    public static async Task ExecuteAsync(this NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
