using System.CommandLine;
using System.Text.Json;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Settings;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>What <c>init</c> writes and <c>config</c> says.</summary>
public sealed class SettingsFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("selfreward-config-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static TheoryData<string> PresetNames => [.. Presets.All.Keys];

    [Fact]
    public void Every_setting_and_section_says_what_it_means()
    {
        SettingsPaths.Leaves.Where(setting => SettingSummaries.Of(setting.Value) is not { Length: > 5 }).Select(setting => setting.Key).ShouldBeEmpty();
        typeof(RunSettings).GetProperties().Where(property => SettingsPaths.IsSection(property) && SettingSummaries.Of(property) is not { Length: > 5 }).Select(property => property.Name).ShouldBeEmpty();
        SettingSummaries.Of(SettingsPaths.Leaves["model.chat_template"]).ShouldContain("one of llama-2, llama-3, chatml, zephyr, mistral, plain;");
        SettingSummaries.Of(SettingsPaths.Leaves["format.answer"]).ShouldBe("What the model answers to; {prompt} is filled in.");
    }

    [Theory]
    [MemberData(nameof(PresetNames))]
    public void A_new_settings_file_has_every_setting_and_is_its_preset_with_and_without_the_slashes(string preset)
    {
        var text = SettingsTemplate.Of(Presets.All[preset]);
        var uncommented = string.Join('\n', text.Split('\n').Select(line => line.TrimStart() is ['/', '/', ' ', '"', ..] and var setting ? setting[3..] : line));

        text.Split('\n').ShouldAllBe(line => line.TrimStart().StartsWith("// \"") || line.Length <= 160);
        foreach (var json in (string[])[text, uncommented])
        {
            var draft = new SettingsDraft(new RunSettings() with { Preset = preset });
            var onPreset = new SettingsDraft(Presets.All[preset]);
            var file = SettingsFile.Parse("new.json", json);
            file.Preset.ShouldBe(preset);
            onPreset.Overlay(file);
            SettingsDifferences.All(Presets.All[preset], onPreset.Build()).ShouldBeEmpty();

            // With all slashes taken away the file says everything by itself.
            draft.Overlay(file);
            if (json == uncommented)
                SettingsDifferences.All(Presets.All[preset], draft.Build()).ShouldBeEmpty();
        }
    }

    [Fact]
    public async Task A_settings_file_is_made_once_and_never_written_over()
    {
        var file = Path.Combine(_folder, "mine.json");

        var (code, output, _) = await SelfrewardProcess.RunAsync("init", file, "--preset", "paper");
        code.ShouldBe(0);
        output.ShouldContain($"selfreward run --settings {file}");
        (await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)).ShouldBe(SettingsTemplate.Of(Presets.Paper));

        (code, _, var errors) = await SelfrewardProcess.RunAsync("init", file);
        code.ShouldBe(2);
        errors.Trim().ShouldBe($"'{file}' is there already: name another file, or take it away first.");
        (await SelfrewardProcess.RunAsync("init", file + "2", "--preset", "papper")).Errors.Trim().ShouldBe("Preset 'papper' is unknown, expected one of kata, paper, meta.");
    }

    [Fact]
    public async Task What_is_in_force_is_shown_with_where_it_comes_from()
    {
        var file = Path.Combine(_folder, "s.json");
        await File.WriteAllTextAsync(file, """{ "iterations": 3, "seed": 4, "dpo": { "beta": 0.2 } }""", TestContext.Current.CancellationToken);
        var environment = new Dictionary<string, string>
        {
            ["SELFREWARD__DPO__BETA"] = "0.3", ["SELFREWARD__PROMPTS__FILTERS__BANNED_WORDS"] = "cat,dog", ["SELFREWARD__SEED"] = "5", ["SELFREWARD_SLOTS"] = "9",
            ["SELFREWARD_POSTGRES"] = "Host=db;Username=me;Password=hush;Database=log", ["SELFREWARD_RABBITMQ"] = "amqp://me:hush@broker:5673/", ["SELFREWARD_TOKEN"] = "hushhushhushhush",
        };
        using var process = SelfrewardProcess.StartProgram("Control", environment, "config", "--settings", file, "--set", "sft.steps=7", "--seed", "6");
        (await process.WaitAsync()).ShouldBe(0, process.Errors);

        var rows = process.Output.Split('\n').Select(line => line.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).Where(row => row.Length > 2).ToDictionary(row => row[0]);
        Of("iterations").ShouldBe(("3", $"file {file}"));
        Of("dpo.beta").ShouldBe(("0.3", "environment (SELFREWARD__DPO__BETA)"));
        Of("prompts.filters.banned_words").ShouldBe(("""["cat","dog"]""", "environment (SELFREWARD__PROMPTS__FILTERS__BANNED_WORDS)"));
        Of("seed").ShouldBe(("6", "command line (--seed)"));
        Of("sft.steps").ShouldBe(("7", "command line (--set)"));
        Of("prompts.per_iteration").ShouldBe(("2000", "preset kata"));
        Of("dpo.loss").ShouldBe(("\"sigmoid\"", "default"));
        Of("SELFREWARD_SLOTS").ShouldBe(("9", "environment"));
        Of("SELFREWARD_POSTGRES").ShouldBe(("Host=db;Port=5432;Username=me;Database=log", "environment"));
        Of("SELFREWARD_RABBITMQ").ShouldBe(("amqp://broker:5673/", "environment"));
        SettingsPaths.Leaves.Keys.ShouldBeSubsetOf(rows.Keys);
        process.Output.ShouldNotContain("hush");

        (string Value, string From) Of(string path) => (rows[path][1], rows[path][2]);
    }

    [Fact]
    public async Task The_README_s_lines_write_a_settings_file_and_show_it()
    {
        var file = Path.Combine(_folder, "mine.json");
        List<string[]> lines = [.. (await File.ReadAllLinesAsync(Path.GetFullPath(Path.Combine(SourceFolder(), "../../README.md")), TestContext.Current.CancellationToken))
            .Where(line => line.StartsWith("    ./selfreward init ") || line.StartsWith("    ./selfreward config "))
            .Select(line => line.Split('#')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..])];
        lines.Select(line => line[0]).ShouldBe(["init", "config"]);
        foreach (var line in lines)
        {
            var (code, output, errors) = await SelfrewardProcess.RunAsync([.. line.Select(word => word == "mine.json" ? file : word)]);
            code.ShouldBe(0, errors);
            output.TrimEnd().ShouldEndWith("Preset paper is for a model and data of your own: give --model, --ift, --eft and --heldout.");
        }
    }

    [Theory]
    [InlineData("Preset meta is for a model and data of your own: give --model, --ift, --eft and --heldout.", "--preset", "meta")]
    [InlineData("model.path is given without data: give data.ift, data.eft and data.heldout too (Kata's tokens are those of its own fresh model).", "--preset", "kata", "--set", "model.path=.")]
    public async Task What_has_no_data_yet_is_shown_with_a_note(string note, params string[] options)
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync(["config", .. options]);
        code.ShouldBe(0, errors);
        output.Split('\n')[^2..].ShouldBe([note, ""]);
        SettingsPaths.Leaves.Keys.ShouldAllBe(path => output.Contains(path + "  "));
        var longest = SettingsOrigins.Of(new RunStarted("r", Presets.All[options[1]], [])).MaxBy(setting => setting.Value.Length)!.Value;
        longest.Length.ShouldBeGreaterThan(40);
        output.ShouldContain(longest, customMessage: "to a pipe, whole values");
    }

    [Fact]
    public async Task Options_beside_a_run_s_name_are_refused()
    {
        var (code, _, errors) = await SelfrewardProcess.RunAsync("config", "mine", "--set", "dpo.beta=1", "--seed", "2", "--data", _folder);
        code.ShouldBe(2);
        errors.Trim().ShouldBe("--set, --seed would change nothing: run 'mine' is as it was started. Leave out the run's name to see what a new one would use, or the options.");
    }

    [Theory]
    [InlineData("meta", "environment (SELFREWARD__PRESET)")]
    [InlineData("kata", "command line (--preset)", "--preset", "kata")]
    public async Task The_environment_may_name_the_preset(string preset, string from, params string[] options)
    {
        using var process = SelfrewardProcess.StartProgram("Control", new Dictionary<string, string> { ["SELFREWARD__PRESET"] = "meta" }, ["config", .. options]);
        (await process.WaitAsync()).ShouldBe(0, process.Errors);
        process.Output.Split('\n')[0].Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[..3].ShouldBe(["preset", $"\"{preset}\"", from]);
        process.Output.Split('\n').Single(line => line.StartsWith("judge.count ")).ShouldContain(Presets.All[preset].Judge.Count.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task A_wrong_variable_is_named_like_a_wrong_option()
    {
        using var process = SelfrewardProcess.StartProgram("Control", new Dictionary<string, string> { ["SELFREWARD__DPO__BETTA"] = "1", ["SELFREWARD__JUDGE__COUNT"] = "many" }, "config");
        (await process.WaitAsync()).ShouldBe(2);
        process.Errors.ShouldContain("SELFREWARD__DPO__BETTA: there is no setting 'dpo.betta', the nearest is 'dpo.beta'.");
        process.Errors.ShouldContain("SELFREWARD__JUDGE__COUNT: judge.count is 'many', expected a whole number.");
    }

    [Fact]
    public void What_the_model_s_files_ask_for_is_said_to_be_theirs()
    {
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), JsonSerializer.Serialize(new { chat_template = "{% for m in messages %}<|im_start|>{{ m.role }}<|im_end|>{% endfor %}" }));
        foreach (var name in (string[])["ift", "eft", "heldout"])
            File.WriteAllText(Path.Combine(_folder, name), "");
        var command = new RootCommand();
        RunOptions.AddTo(command);
        var (settings, draft) = RunOptions.Read(command.Parse(["--model", _folder, .. ((string[])["ift", "eft", "heldout"]).SelectMany(name => (string[])[$"--{name}", Path.Combine(_folder, name)])]));

        var origins = SettingsOrigins.Of(settings, draft).ToDictionary(setting => setting.Path);
        origins["model.chat_template"].From.ShouldBe("the model's files");
        origins["format.answer"].From.ShouldBe("the model's files");
        origins["model.path"].From.ShouldBe("command line (--model)");
        origins["preset"].ShouldSatisfyAllConditions(preset => preset.Value.ShouldBe("\"paper\""), preset => preset.From.ShouldBe("preset paper"));
    }

    [Fact]
    public void A_recorded_run_shows_what_it_recorded()
    {
        var started = new RunStarted("mine", Presets.Paper with { Seed = 9 }, []);
        var origins = SettingsOrigins.Of(started).ToDictionary(setting => setting.Path);
        (origins["seed"].Value, origins["seed"].From).ShouldBe(("9", "recorded in mine"));
        origins["dpo.learning_rate"].From.ShouldBe("preset paper");
        SettingsOrigins.Of(started with { Settings = started.Settings with { Preset = "of another version" } }).ShouldAllBe(setting => setting.From == "recorded in mine");
    }

    private static string SourceFolder([System.Runtime.CompilerServices.CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
