using System.CommandLine;
using System.Globalization;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Settings;
using SelfRewarding.Control.View;
using Spectre.Console;

namespace SelfRewarding.Control.Commands;

/// <summary><c>selfreward runs</c>: what the log holds.</summary>
public static class RunsCommand
{
    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        await using var log = await LogReader.OpenAsync(RunOptions.DataFolder(options), cancellationToken);
        var runs = new Dictionary<string, (RunStarted Started, DateTimeOffset At, string State)>(StringComparer.Ordinal);
        await foreach (var recorded in log.Runs.ReadAllAsync(0, null, cancellationToken))
        {
            if (recorded.Fact is RunStarted started)
                runs[started.Run] = (started, recorded.At, "begun");
            else if (recorded.Fact is ModelPublished published)
                runs[published.Run] = runs[published.Run] with { State = $"{published.Model.Name} published" };
            else if (recorded.Fact is RunCompleted completed)
                runs[completed.Run] = runs[completed.Run] with { State = $"completed with {completed.Model.Name}" };
            else if (recorded.Fact is RunStopped stopped)
                runs[stopped.Run] = runs[stopped.Run] with { State = $"stopped: {stopped.Reason}" };
        }

        var table = new Table().AddColumns("run", "begun", "preset", "seed", "state").Border(TableBorder.Simple);
        foreach (var (name, (started, at, state)) in runs)
        {
            table.AddRow(
                new Text(name), new Text(at.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)), new Text(started.Settings.Preset),
                new Text(started.Settings.Seed.ToString(CultureInfo.InvariantCulture)), new Text(state));
        }

        Terminal.Create().Write(table);
        return 0;
    }
}
