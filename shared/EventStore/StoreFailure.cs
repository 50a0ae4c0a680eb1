using Npgsql;

namespace SelfRewarding.EventStore;

/// <summary>Which failures of the database pass by themselves, so that trying again is worth while.</summary>
internal static class StoreFailure
{
    /// <summary>
    /// What Npgsql says, but for two things. A session that the server ended (somebody stopped or restarted the server, or ended this session) is no error of what was asked,
    /// though it arrives as one. And a full disk does not pass.
    /// </summary>
    public static bool Passes(NpgsqlException failure) => failure.SqlState switch
    {
        PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.IdleSessionTimeout => true,
        PostgresErrorCodes.DiskFull => false,
        _ => failure.IsTransient,
    };
}
