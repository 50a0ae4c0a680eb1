using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Shouldly;
using Xunit;

namespace SelfRewarding.Contracts.Tests;

/// <summary>
/// What is in a log today has to be read by the code of tomorrow. <c>Goldens/</c> has one stored fact of each kind and version; a fact that reads and
/// writes otherwise than its golden changes the log's format. Where that is meant, <c>UPDATE_GOLDENS=1 dotnet run --project
/// tests/Contracts.Tests</c> writes the newest ones anew, and <c>git diff tests/Contracts.Tests/Goldens</c> shows what changed. The golden of an older
/// version is never written again: it has to be read, and <c>{name}.v1.reads-as.json</c> says as what.
/// </summary>
public sealed class FactGoldenTests
{
    // The store's own options but for the layout: property names as declared, a line for each, and letters that can be read.
    private static readonly JsonSerializerOptions s_readable = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static TheoryData<string> Names => [.. FactNames.Versions.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_stored_fact_of_any_version_reads_and_writes_the_same(string name)
    {
        var golden = Golden(name);
        File.Exists(golden).ShouldBeTrue($"{golden} is missing: add a stored '{name}' with every property set.");
        var (type, stored) = (FactNames.Versions.TypeOf(name)!, File.ReadAllText(golden));
        if (FactNames.Versions.IsOlder(name))
        {
            var upcast = FactNames.Versions.ToNewest(name, JsonNode.Parse(stored)!.AsObject());
            JsonSerializer.Serialize(upcast.Deserialize(type), type, s_readable).ShouldBe(File.ReadAllText(Path.ChangeExtension(golden, ".reads-as.json")).TrimEnd('\n'));
            return;
        }

        var fact = JsonSerializer.Deserialize(stored, type)!;
        var written = JsonSerializer.Serialize(fact, type, s_readable) + "\n";
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDENS") == "1")
            File.WriteAllText(golden, written);
        else
            written.ShouldBe(stored);

        // The store writes without any layout: the same fact, and again when read back.
        var compact = JsonSerializer.SerializeToUtf8Bytes(fact, type);
        JsonSerializer.Serialize(JsonSerializer.Deserialize(compact, type), type, s_readable).ShouldBe(written.TrimEnd('\n'));
    }

    [Fact]
    public void A_run_from_before_there_were_forks_reads_as_one_that_began_at_M0()
    {
        // Origin was added with a default: the same version, and what is stored without it is read as it was.
        var stored = File.ReadAllText(Path.Combine(Folder(), "run_started.v1.before-origin.json"));
        var fact = JsonSerializer.Deserialize<RunStarted>(stored)!;
        fact.Origin.ShouldBeNull();
        var written = JsonSerializer.SerializeToNode(fact)!.AsObject();
        written.Remove(nameof(RunStarted.Origin)).ShouldBeTrue();
        RemoveSections(written, nameof(RunSettings.Engines), nameof(RunSettings.Train), nameof(RunSettings.Lora));
        RemoveEarlyStopping(written);
        (written.ToJsonString(s_readable) + "\n").ShouldBe(stored);
    }

    [Fact]
    public void A_run_from_before_stages_could_be_handed_to_a_server_reads_as_one_that_does_all_itself()
    {
        var stored = File.ReadAllText(Path.Combine(Folder(), "run_started.v1.before-engines.json"));
        var fact = JsonSerializer.Deserialize<RunStarted>(stored)!;
        fact.Settings.Engines.ShouldBe(new EngineSettings());
        var written = JsonSerializer.SerializeToNode(fact)!.AsObject();
        RemoveSections(written, nameof(RunSettings.Engines), nameof(RunSettings.Train), nameof(RunSettings.Lora));
        RemoveEarlyStopping(written);
        (written.ToJsonString(s_readable) + "\n").ShouldBe(stored);
    }

    [Theory]
    [InlineData("prompt_generated")]
    [InlineData("candidates_sampled")]
    [InlineData("candidates_judged")]
    [InlineData("prompt_discarded")]
    public void A_stage_from_before_a_server_could_do_it_reads_as_the_model_s_own(string name)
    {
        var stored = File.ReadAllText(Path.Combine(Folder(), $"{name}.v1.before-server.json"));
        var fact = JsonSerializer.Deserialize(stored, FactNames.ByName[name])!;
        var written = JsonSerializer.SerializeToNode(fact)!.AsObject();
        written["Server"].ShouldBeNull();
        written.Remove("Server").ShouldBeTrue();
        (written.ToJsonString(s_readable) + "\n").ShouldBe(stored);
    }

    [Fact]
    public void A_step_from_before_its_pairs_rewards_were_recorded_reads_without_them()
    {
        var stored = File.ReadAllText(Path.Combine(Folder(), "training_stepped.v1.before-rewards.json"));
        var fact = JsonSerializer.Deserialize<TrainingStepped>(stored)!;
        fact.Rewards.ShouldBeNull();
        fact.Preference.ShouldNotBeNull().RewardsRejected.ShouldBe(0.25);
        var written = JsonSerializer.SerializeToNode(fact)!.AsObject();
        written.Remove(nameof(TrainingStepped.Rewards)).ShouldBeTrue();
        (written.ToJsonString(s_readable) + "\n").ShouldBe(stored);
    }

    // Beside the goldens of runs without one, which stay as they were.
    [Theory]
    [InlineData("run_started", nameof(JudgeSettings.MetaIterations), nameof(JudgeSettings.MetaMaxLength), nameof(FormatSettings.MetaJudge))]
    [InlineData("candidates_judged", nameof(CandidatesJudged.Meta))]
    [InlineData("preference_pair_built", nameof(PreferencePairBuilt.Judging))]
    [InlineData("prompt_discarded", nameof(PromptDiscarded.Judging))]
    [InlineData("dataset_frozen", nameof(DatasetStatistics.Judging))]
    [InlineData("training_stepped", nameof(TrainingStepped.Judging))]
    public void A_fact_of_a_run_with_a_meta_judge_reads_and_writes_the_same_and_without_one_says_nothing_of_it(string name, params string[] added)
    {
        var (type, stored) = (FactNames.ByName[name], File.ReadAllText(Path.Combine(Folder(), $"{name}.v1.with-meta-judge.json")));
        (JsonSerializer.Serialize(JsonSerializer.Deserialize(stored, type)!, type, s_readable) + "\n").ShouldBe(stored);
        foreach (var property in added)
        {
            stored.ShouldContain($"\"{property}\"");
            File.ReadAllText(Golden(name)).ShouldNotContain($"\"{property}\"");
        }
    }

    [Fact]
    public void No_golden_is_of_a_fact_that_there_is_not() =>
        Directory.GetFiles(Folder(), "*.json").Select(Path.GetFileName).Where(file => file!.Split('.').Length == 3).ShouldBe(FactNames.Versions.Names.Select(Golden).Select(Path.GetFileName), ignoreOrder: true);

    [Fact]
    public void Enums_are_stored_by_name()
    {
        JsonSerializer.Serialize(Finish.Length).ShouldBe("\"Length\"");
        Enum.GetValues<DiscardReason>().ShouldAllBe(reason => JsonSerializer.Serialize(reason, (JsonSerializerOptions?)null) == $"\"{reason}\"");
    }

    [Fact]
    public void A_run_from_before_training_could_be_divided_or_adapted_reads_as_one_that_takes_whole_batches_and_all_weights()
    {
        var written = JsonSerializer.SerializeToNode(JsonSerializer.Deserialize<RunStarted>(File.ReadAllText(Golden("run_started"))))!.AsObject();
        RemoveSections(written, nameof(RunSettings.Train), nameof(RunSettings.Lora));
        var settings = written.Deserialize<RunStarted>()!.Settings;
        settings.Train.ShouldBe(new TrainSettings());
        settings.Lora.ShouldBe(new LoraSettings());
    }

    [Fact]
    public void A_run_from_before_training_could_stop_early_reads_as_one_that_trains_to_the_end()
    {
        var written = JsonSerializer.SerializeToNode(JsonSerializer.Deserialize<RunStarted>(File.ReadAllText(Golden("run_started"))))!.AsObject();
        RemoveEarlyStopping(written);
        written.Deserialize<RunStarted>()!.Settings.Dpo.EarlyStopping.Every.ShouldBe(0);
    }

    private static void RemoveEarlyStopping(JsonObject started) =>
        started[nameof(RunStarted.Settings)]![nameof(RunSettings.Dpo)]!.AsObject().Remove(nameof(DpoSettings.EarlyStopping)).ShouldBeTrue();

    private static void RemoveSections(JsonObject started, params string[] sections)
    {
        foreach (var section in sections) started[nameof(RunStarted.Settings)]!.AsObject().Remove(section).ShouldBeTrue(section);
    }

    private static string Golden(string name)
    {
        var (fact, version) = FactVersions.Split(name);
        return Path.Combine(Folder(), $"{fact}.v{version}.json");
    }

    private static string Folder([CallerFilePath] string path = "") => Path.Combine(Path.GetDirectoryName(path)!, "Goldens");
}
