using System.CommandLine;
using System.Text.Json;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Settings;
using SelfRewarding.Datasets;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

public sealed class SettingsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("selfreward-settings-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Without_options_the_settings_are_the_Kata_preset() => SettingsDifferences.Between(Presets.Kata, Bind()).ShouldBeEmpty();

    [Fact]
    public void Every_preset_is_possible_but_for_the_files_that_a_person_has_to_give()
    {
        SettingsCheck.Problems(Presets.Kata).ShouldBeEmpty();
        SettingsCheck.Problems(Presets.Paper).ShouldBeEmpty();
        SettingsCheck.Problems(Presets.Meta).ShouldBeEmpty();
    }

    [Fact]
    public void The_paper_preset_has_the_paper_s_figures()
    {
        var paper = Bind(["--preset", "paper", .. OwnFiles()]);

        paper.Preset.ShouldBe("paper");
        (paper.Dpo.Beta, paper.Dpo.LearningRate, paper.Dpo.FinalLearningRate, paper.Dpo.Batch, paper.Dpo.Dropout, paper.Dpo.RpoAlpha).ShouldBe((0.1, 1e-6, 1e-7, 16, 0.1, 0));
        (paper.Sft.LearningRate, paper.Sft.FinalLearningRate, paper.Sft.Batch, paper.Sft.Dropout).ShouldBe((5.5e-6, 1.1e-6, 16, 0.1));
        (paper.Candidates.Count, paper.Judge.Count, paper.Candidates.Sampling.Temperature, paper.Judge.Sampling.TopP).ShouldBe((4, 3, 0.7, 0.9));
        (paper.Prompts.SeedShots, paper.Prompts.OwnShots, paper.Prompts.Sampling.Temperature, paper.Prompts.Sampling.TopP).ShouldBe((6, 2, 0.6, 0.9));
        (paper.Dpo.CheckpointEvery, paper.Sft.CheckpointEvery).ShouldBe((200, 200));
        paper.Dpo.EarlyStopping.ShouldBe(new EarlyStoppingSettings { Every = 200, Prompts = 253, Judgements = 3 });
        Presets.Kata.Dpo.EarlyStopping.Every.ShouldBe(0);
    }

    [Fact]
    public void The_meta_preset_has_Meta_Rewarding_s_figures_and_is_recorded_whole()
    {
        var meta = Bind(["--preset", "meta", .. OwnFiles()]);

        (meta.Iterations, meta.Candidates.Count, meta.Judge.Count).ShouldBe((4, 7, 11));
        (meta.Candidates.Sampling.Temperature, meta.Candidates.Sampling.TopP, meta.Judge.Sampling.Temperature, meta.Judge.Sampling.TopP).ShouldBe((0.8, 0.95, 0.8, 0.95));
        Enumerable.Range(1, 5).Select(iteration => meta.Pairs.In(iteration).LengthControl).ShouldBe([0, 0.32, 0.32, 0.4, 0.4]);
        (meta.Dpo, meta.Sft, meta.Format.MetaJudge).ShouldBe((Presets.Paper.Dpo, Presets.Paper.Sft, PaperFormat.MetaJudge));
        Enumerable.Range(1, 4).Select(meta.Judge.IsMetaJudged).ShouldBe([true, true, false, false]);
        new[] { Presets.Kata, Presets.Paper }.ShouldAllBe(preset => preset.Judge.MetaIterations == null && preset.Format.MetaJudge == null);

        var recorded = JsonSerializer.SerializeToNode(new RunStarted("r", meta, []))!["Settings"]!;
        recorded["Pairs"]!["LengthControlByIteration"]!.ToJsonString().ShouldBe("[0,0.32,0.32,0.4]");
        SettingsDifferences.All(recorded.Deserialize<RunSettings>()!, meta).ShouldBeEmpty();
    }

    [Fact]
    public void A_meta_judge_brings_the_layout_that_goes_with_the_judge_s_and_asks_for_one_where_that_is_somebody_s_own()
    {
        Bind("--set", "judge.meta_iterations=1").Format.MetaJudge.ShouldBe(MetaJudgeFormat.Kata);
        Bind(["--preset", "paper", .. OwnFiles(), "--set", "judge.meta_iterations=2"]).Format.MetaJudge.ShouldBe(PaperFormat.MetaJudge);
        Bind(["--preset", "meta", .. OwnFiles(), "--set", "model.chat_template=chatml"]).Format.MetaJudge.ShouldBe(PaperFormat.MetaJudgeForChat);
        Bind("--set", "judge.meta_iterations=1", "--set", "format.meta_judge={prompt}{response}{first}{second}").Format.MetaJudge.ShouldBe("{prompt}{response}{first}{second}");

        ProblemsOf("--set", "judge.meta_iterations=1", "--set", "format.judge={prompt}{response}?").ShouldHaveSingleItem().ShouldContain("format.meta_judge is not set, and format.judge is a layout of your own");
        ProblemsOf(["--preset", "meta", .. OwnFiles(), "--set", "format.judge={prompt}{response}?"]).ShouldHaveSingleItem().ShouldContain("format.meta_judge is not set, and format.judge is a layout of your own");
        Bind(["--preset", "meta", .. OwnFiles(), "--set", "format.judge={prompt}{response}?", "--set", "format.meta_judge={prompt}{response}{first}{second}?"]).Format.MetaJudge.ShouldBe("{prompt}{response}{first}{second}?");
        ProblemsOf("--set", "format.meta_judge={prompt}{response}{first}").ShouldHaveSingleItem().ShouldContain("format.meta_judge does not contain {second}");
        ProblemsOf("--set", "judge.meta_iterations=1", "--judgements", "1").ShouldHaveSingleItem().ShouldContain("comparing judgements takes two");
        ProblemsOf("--set", "judge.meta_iterations=0").ShouldHaveSingleItem().ShouldContain("judge.meta_iterations is 0, expected 1 to 20");
    }

    [Fact]
    public void Length_control_can_be_given_for_each_iteration()
    {
        Bind("--set", "pairs.length_control_by_iteration=0, 0.5").Pairs.LengthControlByIteration.ShouldBe([0, 0.5]);
        Bind("--settings", WriteSettings("""{ "pairs": { "length_control_by_iteration": [0.1] } }""")).Pairs.In(3).LengthControl.ShouldBe(0.1);
        Bind("--set", "pairs.length_control=0.2").Pairs.In(3).LengthControl.ShouldBe(0.2);
        ProblemsOf("--set", "pairs.length_control_by_iteration=0,x").ShouldBe(
            ["--set pairs.length_control_by_iteration=0,x: pairs.length_control_by_iteration is '0,x', expected a list of numbers or null."]);
        ProblemsOf("--set", "pairs.length_control_by_iteration=0.5,2").ShouldBe(["pairs.length_control_by_iteration is 0.5, 2, expected one or more numbers from 0 to 1, or null."]);
        ProblemsOf("--set", "pairs.length_control_by_iteration=[]").ShouldBe(["pairs.length_control_by_iteration is empty, expected one or more numbers from 0 to 1, or null."]);
    }

    [Fact]
    public void Length_control_is_given_once_or_for_each_iteration()
    {
        const string Both = "pairs.length_control is 0.2 and pairs.length_control_by_iteration is 0, 0.32, 0.32, 0.4, expected one of the two: set the other to null.";
        ProblemsOf(["--preset", "meta", .. OwnFiles(), "--set", "pairs.length_control=0.2"]).ShouldBe([Both]);
        Bind(["--preset", "meta", .. OwnFiles(), "--set", "pairs.length_control=0.2", "--set", "pairs.length_control_by_iteration=null"]).Pairs.In(2).LengthControl.ShouldBe(0.2);
        Presets.Meta.Pairs.LengthControl.ShouldBeNull();
    }

    [Fact]
    public void Own_model_means_the_paper_s_settings_unless_a_preset_is_named()
    {
        var files = OwnFiles();

        Bind(files).Preset.ShouldBe("paper");
        Bind([.. files, "--preset", "kata"]).Preset.ShouldBe("kata");

        // Whichever layer names it.
        Bind(["--set", $"model.path={_folder}", .. files[2..]]).Preset.ShouldBe("paper");
        Bind(["--settings", WriteSettings($$"""{ "model": { "path": "{{_folder}}" } }"""), .. files[2..]]).Preset.ShouldBe("paper");
        Bind(["--settings", WriteSettings($$"""{ "model": { "path": "{{_folder}}" } }"""), "--set", "model.path=null", .. files[2..]]).Preset.ShouldBe("kata");
    }

    [Fact]
    public void Short_options_win_over_set_and_set_over_the_file_and_the_file_over_the_preset()
    {
        var file = WriteSettings("""{ "seed": 2, "dpo": { "beta": 0.2, "epochs": 7 }, "iterations": 4 } // by hand""");

        var settings = Bind("--settings", file, "--set", "dpo.beta=0.3", "--set", "iterations=5", "--iterations", "6");

        (settings.Seed, settings.Dpo.Beta, settings.Dpo.Epochs, settings.Iterations).ShouldBe((2UL, 0.3, 7, 6));
        settings.Candidates.ShouldBe(Presets.Kata.Candidates);
    }

    [Fact]
    public void Each_short_option_is_a_setting()
    {
        string[] numbers = ["--seed", "18446744073709551615", "--iterations", "3", "--prompts", "64", "--candidates", "5", "--judgements", "2", "--limit", "9"];
        var settings = Bind([.. numbers, .. OwnFiles()]);

        settings.Seed.ShouldBe(ulong.MaxValue);
        (settings.Iterations, settings.Prompts.PerIteration, settings.Candidates.Count, settings.Judge.Count, settings.Data.Limit).ShouldBe((3, 64, 5, 2, 9));
        (settings.Model.Path, settings.Data.Ift, settings.Data.Eft, settings.Data.Heldout)
            .ShouldBe((_folder, Path.Combine(_folder, "ift.jsonl"), Path.Combine(_folder, "eft.jsonl"), Path.Combine(_folder, "heldout.jsonl")));
    }

    [Fact]
    public void Prompts_come_from_the_model_or_a_file_that_is_there()
    {
        var file = WriteSettings("""{ "prompt": "Name a colour." }""");

        Bind().Prompts.Source.ShouldBe("model");
        Bind("--prompts-from", file).Prompts.Source.ShouldBe(file);
        Bind("--prompts-from", Path.GetRelativePath(Directory.GetCurrentDirectory(), file)).Prompts.Source.ShouldBe(file, "it is recorded whole");
        Bind("--set", "prompts.source=model").Prompts.Source.ShouldBe("model");
        ProblemsOf("--prompts-from", "/nowhere/p.jsonl").ShouldBe(["--prompts-from: there is no '/nowhere/p.jsonl'."]);
        ProblemsOf("--prompts-from", file, "--set", "engines.prompts.url=http://localhost:1/v1", "--set", "engines.prompts.model=m").ShouldHaveSingleItem().ShouldContain("leave one of them out");
    }

    [Fact]
    public void A_list_a_flag_and_nothing_can_be_set()
    {
        var settings = Bind(
            "--set", "prompts.filters.banned_words=cat, dog", "--set", "prompts.filters.banned_starts=[\"Write, please\"]",
            "--set", "prompts.filters.require_english_start=false", "--set", "pairs.length_control=0.32");

        settings.Prompts.Filters.BannedWords.ShouldBe(["cat", "dog"]);
        settings.Prompts.Filters.BannedStarts.ShouldBe(["Write, please"]);
        settings.Prompts.Filters.RequireEnglishStart.ShouldBeFalse();
        settings.Pairs.LengthControl.ShouldBe(0.32);
        Bind("--set", "pairs.length_control=0.32", "--set", "pairs.length_control=null").Pairs.LengthControl.ShouldBeNull();
    }

    [Fact]
    public void Everything_wrong_is_said_at_once_with_one_sentence_each()
    {
        var file = WriteSettings("""{ "dpo": { "betta": 1, "loss": 3 }, "sft": [] }""");

        ProblemsOf("--settings", file, "--candidates", "1", "--seed", "many", "--set", "judge.count=2.5", "--set", "beta=1", "--set", "dpo", "--run", "a/b").ShouldBe(
        [
            $"{file}: there is no setting 'dpo.betta', the nearest is 'dpo.beta'.",
            $"{file}: dpo.loss is 3, expected a text.",
            $"{file}: sft is [], expected an object with settings such as sft.steps.",
            "--set judge.count=2.5: judge.count is '2.5', expected a whole number.",
            "--set beta=1: there is no setting 'beta', the nearest is 'dpo.beta'.",
            "--set dpo: expected KEY=VALUE such as dpo.beta=0.2.",
            "--seed: seed is 'many', expected a whole number from 0 up.",
            "--run 'a/b' cannot name a run, expected 1 to 64 letters, digits, '-', '_' or '.', the first a letter or digit.",
            "candidates.count is 1, expected 2 to 1024.",
        ]);
    }

    [Theory]
    [InlineData("{\n \"seed\": 1,\n \"dpo\" {}\n}", ":3: this is not JSON: ")]
    [InlineData("[1]", ": expected a JSON object of settings such as ")]
    [InlineData("{\"seed\": 1, \"seed\": 2}", "seed")]
    public void A_file_that_is_no_settings_file_is_named_with_its_line(string json, string expected)
    {
        var file = WriteSettings(json);

        ProblemsOf("--settings", file).ShouldHaveSingleItem().ShouldStartWith(file);
        ProblemsOf("--settings", file).Single().ShouldContain(expected);
    }

    [Fact]
    public void Files_that_are_not_there_are_named()
    {
        ProblemsOf("--settings", "/nowhere/s.json").ShouldHaveSingleItem().ShouldBe("/nowhere/s.json: there is no such settings file.");
        ProblemsOf("--model", "/nowhere/m", "--ift", "/nowhere/i", "--eft", "/nowhere/e", "--heldout", "/nowhere/h")
            .ShouldBe(["--model: there is no '/nowhere/m'.", "--ift: there is no '/nowhere/i'.", "--eft: there is no '/nowhere/e'.", "--heldout: there is no '/nowhere/h'."]);
    }

    [Fact]
    public void An_unknown_preset_is_one_problem_and_the_preset_cannot_be_changed_afterwards()
    {
        ProblemsOf("--preset", "papper").ShouldBe(["Preset 'papper' is unknown, expected one of kata, paper, meta."]);
        ProblemsOf("--preset", "paper").ShouldBe(["Preset paper is for a model and data of your own: give --model, --ift, --eft and --heldout."]);
        ProblemsOf("--set", "preset=paper").ShouldBe(["--set preset=paper: the preset comes before all other settings: say --preset paper."]);
    }

    [Theory]
    [InlineData("kata-1")]
    [InlineData("kata-7", "--seed", "7")]
    [InlineData("mine", "--run", "mine")]
    public void A_run_is_named_by_preset_and_seed_unless_it_has_a_name(string expected, params string[] args)
    {
        var options = Parse(args);

        RunOptions.RunName(options, RunOptions.Bind(options)).ShouldBe(expected);
        RunOptions.DataFolder(options).ShouldBe(Path.GetFullPath("data"));
    }

    [Fact]
    public void A_run_that_goes_on_with_other_settings_is_told_each_difference()
    {
        SettingsDifferences.Between(Bind(), Bind()).ShouldBeEmpty();
        SettingsDifferences.Between(Bind(), Bind("--set", "dpo.beta=0.2", "--prompts", "8")).ShouldBe(
        [
            $"prompts.per_iteration is 8, but the run was started with {Bind().Prompts.PerIteration}.",
            "dpo.beta is 0.2, but the run was started with 0.1.",
        ]);
    }

    private string[] OwnFiles()
    {
        foreach (var name in (string[])["ift", "eft", "heldout"])
            File.WriteAllText(Path.Combine(_folder, name + ".jsonl"), "");
        return ["--model", _folder, "--ift", Path.Combine(_folder, "ift.jsonl"), "--eft", Path.Combine(_folder, "eft.jsonl"), "--heldout", Path.Combine(_folder, "heldout.jsonl")];
    }

    private string WriteSettings(string json)
    {
        var path = Path.Combine(_folder, "settings.json");
        File.WriteAllText(path, json);
        return path;
    }

    private static RunSettings Bind(params string[] args) => RunOptions.Bind(Parse(args));

    private static IReadOnlyList<string> ProblemsOf(params string[] args) => Should.Throw<SettingsException>(() => Bind(args)).Problems;

    private static ParseResult Parse(params string[] args)
    {
        var command = new RootCommand();
        RunOptions.AddTo(command);
        var result = command.Parse(args);
        result.Errors.ShouldBeEmpty();
        return result;
    }
}
