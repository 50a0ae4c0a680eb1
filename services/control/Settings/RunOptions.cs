using System.CommandLine;
using System.Text.RegularExpressions;
using SelfRewarding.Contracts;
using SelfRewarding.Hosting;

namespace SelfRewarding.Control.Settings;

/// <summary>The options of <c>selfreward run</c>. Later layers win: preset, settings file, environment, <c>--set</c>, then the short options.</summary>
public static partial class RunOptions
{
    public static Option<string> Data { get; } = new("--data")
    {
        HelpName = "FOLDER",
        Description = "Where log, models and pairs lie",
        DefaultValueFactory = _ => WorkerOptions.Given(WorkerOptions.DataVariable) ?? "./data",
        Recursive = true,
    };

    public static Option<string?> Run { get; } = new("--run") { HelpName = "NAME", Description = "The run's name; the same name goes on where it was [default: {preset}-{seed}]" };
    public static Option<bool> Plain { get; } = new("--plain") { Description = "Plain lines instead of the live view" };
    public static Option<string?> Preset { get; } = new("--preset") { HelpName = "NAME", Description = "kata, paper or meta [default: kata, or paper with --model]" };
    public static Option<string?> SettingsFile { get; } = new("--settings") { HelpName = "FILE", Description = "JSON settings over the preset" };
    public static Option<string[]> Set { get; } = new("--set") { HelpName = "KEY=VALUE", Description = "One setting, such as dpo.beta=0.2; may be repeated" };

    /// <summary>The short options: each is a setting by another name. Read as text, so that a wrong value is reported beside all others.</summary>
    private static readonly IReadOnlyList<(Option<string?> Option, string Path)> Short =
    [
        (Shorthand("--seed", "N", "Every random draw follows from it"), "seed"),
        (Shorthand("--iterations", "N", "How often the model trains on its own preferences"), "iterations"),
        (Shorthand("--prompts", "N", "New prompts in an iteration"), "prompts.per_iteration"),
        (Shorthand("--prompts-from", "FILE", "New prompts from a file (JSONL of \"prompt\") instead of drafting them"), PromptSource),
        (Shorthand("--candidates", "N", "Answers to a prompt"), "candidates.count"),
        (Shorthand("--judgements", "N", "Judgements of an answer"), "judge.count"),
        (Shorthand("--model", "FOLDER", "M0 in Hugging Face layout"), "model.path"),
        (Shorthand("--ift", "FILE", "Demonstrations (JSONL)"), "data.ift"),
        (Shorthand("--eft", "FILE", "Judged or ranked answers (JSONL)"), "data.eft"),
        (Shorthand("--heldout", "FILE", "Ranked answers that no training sees (JSONL)"), "data.heldout"),
        (Shorthand("--limit", "N", "Use at most so many examples of each file"), "data.limit"),
    ];

    private const string PromptSource = "prompts.source";

    /// <summary>Settings that name a file or folder of the person who starts the run.</summary>
    private static readonly IReadOnlyList<string> FilePaths = ["model.path", "data.ift", "data.eft", "data.heldout"];

    public static void AddTo(Command command)
    {
        Option[] options = [Preset, SettingsFile, Set, .. Short.Select(entry => entry.Option), Run, Data, Plain];
        foreach (var option in options)
            command.Options.Add(option);
    }

    /// <summary>The settings that the options ask for.</summary>
    /// <exception cref="SettingsException">Anything is wrong, all of it.</exception>
    public static RunSettings Bind(ParseResult options) => Read(options).Settings;

    /// <summary>The settings that the options ask for, and the draft that knows who set what.</summary>
    /// <exception cref="SettingsException">Anything is wrong, all of it.</exception>
    public static (RunSettings Settings, SettingsDraft Draft) Read(ParseResult options)
    {
        var file = options.GetValue(SettingsFile) is { } path ? Settings.SettingsFile.Read(path) : null;
        var preset = PresetName(options, file);
        var draft = new SettingsDraft(Presets.All.GetValueOrDefault(preset) ?? Presets.Kata);
        if (!Presets.All.ContainsKey(preset))
            draft.AddProblem($"Preset '{preset}' is unknown, expected one of {string.Join(", ", Presets.All.Keys)}.");

        if (file is not null) draft.Overlay(file);
        foreach (var (variable, setting, text) in SettingsEnvironment.Given())
            Assign(draft, variable, setting, text);
        AssignAll(options, draft, Short);
        if (PresetSource(options, file) is { } source) draft.Set(source, "preset", preset);
        if (preset != Presets.Kata.Preset && Presets.All.ContainsKey(preset) && !draft.HasData)
            draft.AddProblem($"Preset {preset} is for a model and data of your own: give --model, --ift, --eft and --heldout.");
        CheckRunName(options, draft);
        return (Absolute(ChatSettings.Resolve(draft.Build())), draft);
    }

    /// <summary>The options of <c>selfreward fork</c> that are settings: all that a fork may change.</summary>
    public static void AddForkTo(Command command)
    {
        Option[] options = [SettingsFile, Set, .. Short.Where(entry => ForkMayChange(entry.Path)).Select(entry => entry.Option), Run, Data, Plain];
        foreach (var option in options)
            command.Options.Add(option);
    }

    /// <summary>The settings of a fork: those of the run that it comes from, and what the options change.</summary>
    /// <exception cref="SettingsException">Anything is wrong, all of it.</exception>
    public static RunSettings BindFork(ParseResult options, RunSettings parent)
    {
        var draft = new SettingsDraft(parent);
        if (options.GetValue(SettingsFile) is { } path)
            draft.Overlay(Settings.SettingsFile.Read(path));
        AssignAll(options, draft, [.. Short.Where(entry => ForkMayChange(entry.Path))]);
        CheckRunName(options, draft);
        return Absolute(draft.Build());
    }

    /// <summary>The fork's name, where one is given.</summary>
    public static string? ForkName(ParseResult options) => options.GetValue(Run);

    private static bool ForkMayChange(string path) => !FilePaths.Contains(path) && path != "data.limit";

    private static void AssignAll(ParseResult options, SettingsDraft draft, IReadOnlyList<(Option<string?> Option, string Path)> shorthands)
    {
        foreach (var assignment in options.GetValue(Set) ?? [])
        {
            if (assignment.Split('=', 2) is [var name, var text]) Assign(draft, $"--set {assignment}", name.Trim(), text);
            else draft.AddProblem($"--set {assignment}: expected KEY=VALUE such as dpo.beta=0.2.");
        }

        foreach (var (option, setting) in shorthands)
            if (options.GetValue(option) is { } text) Assign(draft, option.Name, setting, text);
    }

    private static void CheckRunName(ParseResult options, SettingsDraft draft)
    {
        if (options.GetValue(Run) is { } run && !RunNamePattern().IsMatch(run))
            draft.AddProblem($"--run '{run}' cannot name a run, expected 1 to 64 letters, digits, '-', '_' or '.', the first a letter or digit.");
    }

    // Recorded whole: the run goes on from any working directory.
    private static RunSettings Absolute(RunSettings settings)
    {
        return settings with
        {
            Model = settings.Model with { Path = Absolute(settings.Model.Path) },
            Data = settings.Data with { Ift = Absolute(settings.Data.Ift), Eft = Absolute(settings.Data.Eft), Heldout = Absolute(settings.Data.Heldout) },
            Prompts = settings.Prompts with { Source = settings.Prompts.Source == "model" ? "model" : Path.GetFullPath(settings.Prompts.Source) },
        };
    }

    /// <summary>The run's name: as given, or made of preset and seed, so that the same command goes on with the same run.</summary>
    public static string RunName(ParseResult options, RunSettings settings) => options.GetValue(Run) ?? $"{settings.Preset}-{settings.Seed}";

    public static string DataFolder(ParseResult options) => Path.GetFullPath(options.GetValue(Data)!);

    // A model of one's own brings the paper's settings with it.
    private static string PresetName(ParseResult options, SettingsFile? file)
    {
        var ownModel = options.GetValue(Short.Single(entry => entry.Path == "model.path").Option) ?? file?.ModelPath
            ?? SettingsEnvironment.Given().FirstOrDefault(given => given.Path == "model.path").Text;
        return options.GetValue(Preset) ?? file?.Preset ?? (ownModel is null ? Presets.Kata.Preset : Presets.Paper.Preset);
    }

    private static string? PresetSource(ParseResult options, SettingsFile? file) => options.GetValue(Preset) is not null ? Preset.Name : file?.Preset is not null ? file.Name : null;

    private static void Assign(SettingsDraft draft, string source, string path, string text)
    {
        if (path == "preset")
            draft.AddProblem($"{source}: the preset comes before all other settings: say --preset {text}.");
        else
            draft.Set(source, path, text);
        if ((path == PromptSource ? text != "model" : FilePaths.Contains(path) && text != "null") && !Path.Exists(text))
            draft.AddProblem($"{source}: there is no '{text}'.");
    }

    private static string? Absolute(string? path) => path is null ? null : Path.GetFullPath(path);

    private static Option<string?> Shorthand(string name, string helpName, string description) => new(name) { HelpName = helpName, Description = description };

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    private static partial Regex RunNamePattern();
}
