using System.CommandLine;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Settings;

namespace SelfRewarding.Control.Commands;

/// <summary><c>selfreward config</c>: every setting that <c>run</c> would use with the same options, and where it comes from; or with a run's name, what that run uses.</summary>
public static class ConfigCommand
{
    private const int LongestValue = 40;

    public static Argument<string?> Recorded { get; } = new("RUN") { Description = "A run that was started: then what it recorded is shown", Arity = ArgumentArity.ZeroOrOne };

    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        var output = Console.Out;
        var settings = options.GetValue(Recorded) is { } run ? await RecordedAsync(options, run, cancellationToken) : Asked(options);
        var rows = settings.Select(setting => (setting.Path, Value: Shorten(setting.Value), setting.From, setting.Summary)).ToList();
        var (paths, values, sources) = (rows.Max(row => row.Path.Length), rows.Max(row => row.Value.Length), rows.Max(row => row.From.Length));
        foreach (var row in rows)
            await output.WriteLineAsync($"{row.Path.PadRight(paths)}  {row.Value.PadRight(values)}  {row.From.PadRight(sources)}  {row.Summary}");
        await output.WriteLineAsync();
        foreach (var line in WorkerVariables.InForce())
            await output.WriteLineAsync(line);
        return 0;
    }

    private static IReadOnlyList<SettingOrigin> Asked(ParseResult options)
    {
        var (settings, draft) = RunOptions.Read(options);
        return SettingsOrigins.Of(settings, draft);
    }

    private static async Task<IReadOnlyList<SettingOrigin>> RecordedAsync(ParseResult options, string run, CancellationToken cancellationToken)
    {
        await using var log = await LogReader.OpenAsync(RunOptions.DataFolder(options), cancellationToken);
        Known.RunOrLatest(run, await log.Runs.NamesAsync(cancellationToken), log.Folder);
        return SettingsOrigins.Of((RunStarted)(await log.Log.FindAsync(StreamNames.Run(run), RunStage.Started, cancellationToken))!);
    }

    private static string Shorten(string value) => value.Length <= LongestValue ? value : value[..(LongestValue - 3)] + "...";
}
