using System.CommandLine;
using SelfRewarding.Control.Settings;
using SelfRewarding.Model;

namespace SelfRewarding.Control.Commands;

/// <summary><c>selfreward init [FILE]</c>: a settings file with every setting as a comment.</summary>
public static class InitCommand
{
    public static Argument<string> File { get; } = new("FILE") { Description = "Where it goes", DefaultValueFactory = _ => "selfreward.json" };
    public static Option<string> Preset { get; } = new("--preset") { HelpName = "NAME", Description = "kata, paper or meta", DefaultValueFactory = _ => Presets.Kata.Preset };

    public static async Task<int> InvokeAsync(ParseResult options, CancellationToken cancellationToken)
    {
        var (file, name) = (options.GetRequiredValue(File), options.GetRequiredValue(Preset));
        if (!Presets.All.TryGetValue(name, out var preset))
            throw new UserException($"Preset '{name}' is unknown, expected one of {string.Join(", ", Presets.All.Keys)}.");
        if (Path.Exists(file))
            throw new UserException($"'{file}' is there already: name another file, or take it away first.");
        AtomicFile.WriteText(file, SettingsTemplate.Of(preset));
        await Console.Out.WriteLineAsync($"{file}: every setting with its meaning, as preset {name} has it. Change what you want, then: selfreward run --settings {file}");
        if (Presets.MissingData(name, hasData: false) is { } missing)
            await Console.Out.WriteLineAsync(missing);
        return 0;
    }
}
