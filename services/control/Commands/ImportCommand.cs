using System.CommandLine;
using SelfRewarding.Control.Import;
using SelfRewarding.Control.Settings;
using SelfRewarding.Control.View;

namespace SelfRewarding.Control.Commands;

/// <summary><c>selfreward import FILE</c>: the events of another log's run, checked, then written all at once or not at all.</summary>
public static class ImportCommand
{
    public static Argument<string> File { get; } = new("FILE") { Description = "What 'export --events' wrote" };

    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        // Before a log is opened, or made: a file that cannot be used leaves nothing behind.
        var file = EventFileReader.Open(options.GetValue(File)!);
        var found = await Task.Run(() => EventImport.Check(file, cancellationToken), cancellationToken);
        await using var log = await LogReader.OpenOrMakeAsync(RunOptions.DataFolder(options), cancellationToken);
        await EventImport.WriteAsync(file.Path, file.Read(), log.Database, cancellationToken);

        var run = file.Runs[0];
        await Console.Out.WriteLineAsync($"Imported {found.File}, checked against their hashes.");
        if (found.Unhashed > 0)
            await Console.Out.WriteLineAsync($"{Figures.Count(found.Unhashed)} of the events have no hash of their own (an early version wrote them): the file's hash held them.");
        if (found.UnknownNames.Count > 0)
            await Console.Out.WriteLineAsync($"This version does not know the events named {string.Join(", ", found.UnknownNames)}: they are carried along and left out of account.");
        await Console.Out.WriteLineAsync(
            $"'selfreward show {run}', lineage, replay, export and verify work from here, verify without looking at weights. " +
            $"To go on with a run, to fork one, or to generate texts again, copy the models, too: from runs/NAME/models of the folder they were made in to '{Path.Combine(log.Folder, "runs")}'.");
        return 0;
    }
}
