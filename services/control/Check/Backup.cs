using Npgsql;

namespace SelfRewarding.Control.Check;

/// <summary>What of a log has to be kept in a second place; all else is made again from it.</summary>
public static class Backup
{
    /// <summary>The command that writes the database into one file, for the server as this program reaches it. A password is PostgreSQL's own to ask for.</summary>
    public static string Command(string connectionString)
    {
        var server = new NpgsqlConnectionStringBuilder(connectionString);
        return $"pg_dump --host {Quote(server.Host ?? "localhost")} --port {server.Port} --username {Quote(server.Username ?? Environment.UserName)} --format custom --file log.dump {Quote(server.Database ?? server.Username ?? "postgres")}";
    }

    /// <summary>Where the models lie that the log names by their hashes.</summary>
    public static string Models(string folder) => Path.Combine(folder, "runs", "*", "models");

    private static string Quote(string text) => text.All(letter => char.IsAsciiLetterOrDigit(letter) || "/._-".Contains(letter)) ? text : $"'{text.Replace("'", "'\\''")}'";
}
