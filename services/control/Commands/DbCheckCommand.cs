using System.CommandLine;
using System.Globalization;
using SelfRewarding.Control.Check;
using SelfRewarding.Control.Settings;
using SelfRewarding.Control.Verify;
using SelfRewarding.Control.View;
using Spectre.Console;

namespace SelfRewarding.Control.Commands;

/// <summary><c>selfreward db check</c>: whether the log's database is whole, how large it is, and what to back up. Exit code 1 on any difference.</summary>
public static class DbCheckCommand
{
    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        await using var log = await LogReader.OpenAsync(RunOptions.DataFolder(options), cancellationToken);
        var (console, report) = (Terminal.Create(), new VerifyReport());
        var notes = await new DatabaseCheck(log, report).CheckAsync(cancellationToken);
        VerifyCommand.Write(console, "database", report, [], "expected");
        var output = console.Profile.Out.Writer;
        foreach (var note in notes)
            await output.WriteLineAsync(note);
        var size = await StoreSize.OfAsync(log.Database, cancellationToken);
        Write(console, size);
        await output.WriteLineAsync($"The whole database takes {Figures.Bytes(size.DatabaseBytes)}. To keep in a second place, with every other file made again from them:");
        await output.WriteLineAsync($"  the log     {Backup.Command(log.ConnectionString)}{(LogServer.Shared is null ? "   (while a command runs)" : "")}");
        await output.WriteLineAsync($"  the models  {Backup.Models(log.Folder)}");
        return report.Differences == 0 ? 0 : 1;
    }

    private static void Write(IAnsiConsole console, StoreSize size)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumn(new TableColumn("table").NoWrap()).AddColumn(new TableColumn("size").RightAligned())
            .AddColumn(new TableColumn("rows, about").RightAligned()).AddColumn(new TableColumn("dead").RightAligned()).AddColumn("vacuumed (UTC)");
        foreach (var row in size.Tables)
            table.AddRow(row.Table, Figures.Bytes(row.Bytes), Figures.Count(row.Rows), Figures.Count(row.DeadRows), When(row.VacuumedAt));
        console.Write(table);
    }

    private static string When(DateTimeOffset? at) => at?.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) ?? "never";
}
