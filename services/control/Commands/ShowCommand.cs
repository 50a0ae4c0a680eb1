using System.CommandLine;
using SelfRewarding.Control.Settings;
using SelfRewarding.Control.View;

namespace SelfRewarding.Control.Commands;

/// <summary><c>selfreward show [RUN]</c>: the tables of a run, from the log alone, also while it runs.</summary>
public static class ShowCommand
{
    public static Argument<string?> Run { get; } = new("RUN") { Description = "The run's name [default: the latest run]", Arity = ArgumentArity.ZeroOrOne };

    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        await using var log = await LogReader.OpenAsync(RunOptions.DataFolder(options), cancellationToken);
        if (await log.ReadModels.CatchUpAsync(cancellationToken) is { } behind)
            await Console.Error.WriteLineAsync(behind);
        var names = (await log.ReadModels.RunsAsync(cancellationToken)).Select(listing => listing.Run).ToList();
        var run = Known.RunOrLatest(options.GetValue(Run), names, log.Folder);
        var (summary, _) = await log.ReadModels.SummaryOfAsync(run, cancellationToken);
        RunView.Write(Terminal.Create(), summary, log.Folder);
        return 0;
    }
}
