using System.CommandLine;
using System.Globalization;
using SelfRewarding.Control.ReadModels;
using SelfRewarding.Control.Settings;
using SelfRewarding.Control.View;
using Spectre.Console;

namespace SelfRewarding.Control.Commands;

/// <summary><c>selfreward runs</c>: what the log holds, each fork under the run that it comes from.</summary>
public static class RunsCommand
{
    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        await using var log = await LogReader.OpenAsync(RunOptions.DataFolder(options), cancellationToken);
        if (await log.ReadModels.CatchUpAsync(cancellationToken) is { } behind)
            await Console.Error.WriteLineAsync(behind);
        var children = (await log.ReadModels.RunsAsync(cancellationToken)).ToLookup(run => run.Parent);

        var table = new Table().AddColumns("run", "begun", "preset", "seed", "state").Border(TableBorder.Simple);
        void Add(RunListing run, int depth)
        {
            table.AddRow(
                new Text(new string(' ', 2 * depth) + run.Run), new Text(run.StartedAt.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)),
                new Text(run.Preset), new Text(run.Seed), new Text(run.State));
            foreach (var fork in children[run.Run])
                Add(fork, depth + 1);
        }

        foreach (var run in children[null])
            Add(run, 0);
        Terminal.Create().Write(table);
        return 0;
    }
}
