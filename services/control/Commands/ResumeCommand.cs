using System.CommandLine;
using SelfRewarding.Control.Settings;
using SelfRewarding.Control.View;

namespace SelfRewarding.Control.Commands;

/// <summary><c>selfreward resume [RUN]</c>: goes on with a run or fork as it was started, whatever its settings were.</summary>
public static class ResumeCommand
{
    public static Argument<string?> Run { get; } = new("RUN") { Description = "The run's name [default: the latest run]", Arity = ArgumentArity.ZeroOrOne };

    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        var folder = RunOptions.DataFolder(options);
        string run;
        await using (var reader = await LogReader.OpenAsync(folder, cancellationToken))
            run = Known.RunOrLatest(options.GetValue(Run), await reader.Runs.NamesAsync(cancellationToken), folder);
        return await CarryOn.ToTheEndAsync(folder, run, Terminal.Create(), options.GetValue(RunOptions.Plain), cancellationToken);
    }
}
