using Npgsql;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>Commands and workers as processes that find the log of a test through <c>SELFREWARD_POSTGRES</c>.</summary>
internal static class SharedLog
{
    /// <summary>Runs a command to its end.</summary>
    public static Task<(int ExitCode, string Output, string Errors)> RunAsync(NpgsqlDataSource database, string data, params string[] arguments) =>
        RunProgramAsync("Control", database.ConnectionString, data, [.. arguments, "--data", data]);

    /// <summary>Runs one of the services to its end.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> RunProgramAsync(string project, string postgres, string data, params string[] arguments)
    {
        using var process = SelfrewardProcess.StartProgram(project, new Dictionary<string, string>
        {
            ["SELFREWARD_POSTGRES"] = postgres, ["SELFREWARD_RABBITMQ"] = "amqp://nobody:nothing@127.0.0.1:1/", ["SELFREWARD_DATA"] = data,
        }, arguments);
        var code = await process.WaitAsync();
        return (code, process.Output, process.Errors);
    }
}
