using System.Globalization;
using SelfRewarding.Control.View;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace SelfRewarding.Control.Up;

/// <summary>The tables of <c>selfreward up</c> and <c>ps</c>.</summary>
public static class UpView
{
    /// <summary>What is kept alive, and what each complained of last.</summary>
    public static IRenderable Parts(UpState up)
    {
        var table = new Table().AddColumns("part", "process", "since", "restarts", "trouble").Border(TableBorder.Simple);
        foreach (var part in up.Parts)
        {
            table.AddRow(
                new Text(part.Name), new Text(part.ProcessId?.ToString(CultureInfo.InvariantCulture) ?? "down", new Style(part.IsRunning ? null : Color.Red)),
                new Text(At(part.Since)), new Text(Figures.Count(part.Restarts)), new Text(Trouble(part)));
        }

        return table;
    }

    /// <summary>All that can be seen from outside.</summary>
    public static void Write(IAnsiConsole console, Topology topology)
    {
        if (topology.Up is { } up)
        {
            Say($"selfreward up runs as process {up.ProcessId} since {At(up.Since)}.");
            console.Write(Parts(up));
        }

        Say($"database: {topology.Database ?? "answers"}");
        Say($"broker: {topology.Broker ?? "answers"}");
        if (topology.Broker is not null)
            return;
        var queues = new Table().AddColumns("queue", "waiting", "consumers").Border(TableBorder.Simple);
        foreach (var queue in topology.Queues)
            queues.AddRow(new Text(queue.Name), new Text(Figures.Count(queue.Ready)), new Text(Figures.Count(queue.Consumers)));
        console.Write(queues);
        foreach (var error in topology.Errors)
        {
            Say($"{error.Queue}: {Figures.Count(error.Messages)} could not be handled ('selfreward retry {error.Queue}' sends them again)");
            foreach (var (reason, count) in error.Reasons)
                Say($"  {Figures.Count(count)} x {reason}");
        }

        // Not markup, and never wrapped: a line is one line, whatever reads it.
        void Say(string line) => console.Profile.Out.Writer.WriteLine(line);
    }

    /// <summary>The last thing that went wrong with a part, in its own words where there are any.</summary>
    public static string Trouble(PartState part) =>
        string.Join("; ", new[] { part.LastEnd, part.Name is UpState.Database or UpState.Broker ? null : TroubleLog.LastLine(part.Log) }.OfType<string>());

    private static string At(DateTimeOffset time) => time.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
}
