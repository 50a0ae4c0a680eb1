using System.CommandLine;
using System.CommandLine.Parsing;
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
        var (settings, note) = options.GetValue(Recorded) is { } run ? (await RecordedAsync(options, run, cancellationToken), null) : Asked(options);
        var rows = settings.Select(setting => (setting.Path, Value: Shown(setting.Value), setting.From, setting.Summary)).ToList();
        var (paths, values, sources) = (rows.Max(row => row.Path.Length), rows.Max(row => Math.Min(row.Value.Length, LongestValue)), rows.Max(row => row.From.Length));
        foreach (var row in rows)
            await output.WriteLineAsync($"{row.Path.PadRight(paths)}  {row.Value.PadRight(values)}  {row.From.PadRight(sources)}  {row.Summary}");
        await output.WriteLineAsync();
        foreach (var line in WorkerVariables.InForce())
            await output.WriteLineAsync(line);
        if (note is not null)
            await output.WriteLineAsync($"\n{note}");
        return 0;
    }

    // What a run with these would still have to be given is no reason not to show them.
    private static (IReadOnlyList<SettingOrigin> Settings, string? Note) Asked(ParseResult options)
    {
        var (settings, draft) = RunOptions.Read(options, mayLackData: true);
        var note = Presets.MissingData(settings.Preset, draft.HasData) ?? (settings is { Model.Path: not null, Data.Ift: null } ? SettingsCheck.ModelWithoutData : null);
        return (SettingsOrigins.Of(settings, draft), note);
    }

    private static async Task<IReadOnlyList<SettingOrigin>> RecordedAsync(ParseResult options, string run, CancellationToken cancellationToken)
    {
        var idle = options.CommandResult.Children.OfType<OptionResult>().Where(option => !option.Implicit && option.Option != RunOptions.Data).Select(option => option.Option.Name).ToList();
        if (idle.Count > 0)
            throw new UserException($"{string.Join(", ", idle)} would change nothing: run '{run}' is as it was started. Leave out the run's name to see what a new one would use, or the options.");
        await using var log = await LogReader.OpenAsync(RunOptions.DataFolder(options), cancellationToken);
        Known.RunOrLatest(run, await log.Runs.NamesAsync(cancellationToken), log.Folder);
        return SettingsOrigins.Of((RunStarted)(await log.Log.FindAsync(StreamNames.Run(run), RunStage.Started, cancellationToken))!);
    }

    // A person sees a table; a file or another program gets everything.
    private static string Shown(string value) => Console.IsOutputRedirected || value.Length <= LongestValue ? value : value[..(LongestValue - 3)] + "...";
}
