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
    /// <param name="mayLackData">Whether they are only looked at: then a preset or model for data of one's own may have none yet.</param>
    /// <exception cref="SettingsException">Anything is wrong, all of it.</exception>
    public static (RunSettings Settings, SettingsDraft Draft) Read(ParseResult options, bool mayLackData = false)
    {
        var file = options.GetValue(SettingsFile) is { } path ? Settings.SettingsFile.Read(path) : null;
        var (preset, source) = PresetOf(options, file);
        var draft = new SettingsDraft(Presets.All.GetValueOrDefault(preset) ?? Presets.Kata);
        if (!Presets.All.ContainsKey(preset))
            draft.AddProblem($"Preset '{preset}' is unknown, expected one of {string.Join(", ", Presets.All.Keys)}.");

        if (file is not null) draft.Overlay(file);
        foreach (var (variable, setting, text) in SettingsEnvironment.Given().Where(given => given.Path != "preset"))
            Assign(draft, variable, setting, text);
        AssignAll(options, draft, Short);
        if (source is not null) draft.Set(source, "preset", preset);
        if (!mayLackData && Presets.MissingData(preset, draft.HasData) is { } missing) draft.AddProblem(missing);
        CheckRunName(options, draft);
        return (Absolute(MetaJudgeSettings.Resolve(ChatSettings.Resolve(draft.Build(mayLackData)))), draft);
    }

    /// <summary>The options of <c>selfreward fork</c> that are settings: all that a fork may change.</summary>
    public static void AddForkTo(Command command)
    {
        Option[] options = [SettingsFile, Set, .. Short.Where(entry => ForkMayChange(entry.Path)).Select(entry => entry.Option), Run, Data, Plain];
        foreach (var option in options)
            command.Options.Add(option);
    }

    /// <summary>The settings of a fork: those of the run that it comes from, and what a settings file, the environment and the options change.</summary>
    /// <exception cref="SettingsException">Anything is wrong, all of it.</exception>
    public static RunSettings BindFork(ParseResult options, RunSettings parent)
    {
        var draft = new SettingsDraft(parent);
        if (options.GetValue(SettingsFile) is { } path)
            draft.Overlay(Settings.SettingsFile.Read(path));
        foreach (var (variable, setting, text) in SettingsEnvironment.Given())
        {
            if (setting == "preset") draft.Set(variable, setting, text); // it is the parent's, or the fork cannot be
            else Assign(draft, variable, setting, text);
        }

        AssignAll(options, draft, [.. Short.Where(entry => ForkMayChange(entry.Path))]);
        CheckRunName(options, draft);
        return Absolute(MetaJudgeSettings.Resolve(draft.Build()));
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

    // The preset, and who named it; a model of one's own, whoever named that, brings the paper's settings with it.
    private static (string Name, string? Source) PresetOf(ParseResult options, SettingsFile? file)
    {
        var variable = Variable("preset");
        return options.GetValue(Preset) is { } asked ? (asked, Preset.Name)
            : variable.Text is { } given ? (given, variable.Name)
            : file?.Preset is { } written ? (written, file.Name)
            : (HasOwnModel(options, file) ? Presets.Paper.Preset : Presets.Kata.Preset, null);
    }

    // By the last layer that says anything of it.
    private static bool HasOwnModel(ParseResult options, SettingsFile? file)
    {
        const string Path = "model.path";
        var assigned = (options.GetValue(Set) ?? []).Select(assignment => assignment.Split('=', 2)).LastOrDefault(parts => parts.Length == 2 && parts[0].Trim() == Path)?[1];
        var last = options.GetValue(Short.Single(entry => entry.Path == Path).Option) ?? assigned ?? Variable(Path).Text ?? file?.ModelPath;
        return last is not (null or "null");
    }

    private static (string? Name, string? Text) Variable(string path) => SettingsEnvironment.Given().Where(given => given.Path == path).Select(given => (given.Variable, given.Text)).FirstOrDefault();

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
