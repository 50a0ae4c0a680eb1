using System.CommandLine;
using System.Text.Json;
using SelfRewarding.Control.Settings;
using SelfRewarding.Control.Up;
using SelfRewarding.Control.View;

namespace SelfRewarding.Control.Commands;

/// <summary><c>selfreward ps</c>: every worker, broker and database, the queues, and what could not be handled and why.</summary>
public static class PsCommand
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static Option<bool> AsJson { get; } = new("--json") { Description = "As JSON, for programs" };

    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        var topology = await Topology.LookAsync(RunOptions.DataFolder(options), cancellationToken);
        if (options.GetValue(AsJson))
            Console.WriteLine(JsonSerializer.Serialize(Public(topology), Json));
        else
            UpView.Write(Terminal.Create(), topology);
        return topology is { Database: null, Broker: null } ? 0 : 1;
    }

    // Without addresses: the broker's has the password in it.
    private static object Public(Topology topology) => new
    {
        topology.Up?.ProcessId,
        topology.Up?.Since,
        Parts = topology.Up?.Parts.Select(part => new { part.Name, part.IsRunning, part.ProcessId, part.Since, part.Restarts, Trouble = UpView.Trouble(part), part.Log }),
        topology.Database,
        topology.Broker,
        topology.Queues,
        Errors = topology.Errors.Select(error => new { error.Queue, error.Messages, Reasons = error.Reasons.Select(reason => new { reason.Reason, reason.Count }) }),
    };
}
