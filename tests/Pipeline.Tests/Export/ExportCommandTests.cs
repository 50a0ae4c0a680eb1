using System.Text.Json.Nodes;
using SelfRewarding.Contracts;
using SelfRewarding.Control;
using SelfRewarding.Datasets;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>A finished run on its way out of one data folder and into another, by the commands that people use.</summary>
[Collection(WholeRuns.Name)]
public sealed class ExportCommandTests(QuietRun quiet) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("selfreward-export-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Pairs_and_seed_data_are_those_that_the_models_were_trained_on()
    {
        var (pairs, sft, eft) = (At("pairs.jsonl"), At("sft.jsonl"), At("eft.jsonl.gz"));
        var output = await RunAsync("export", TinyRun.Name, "--data", quiet.Folder, "--pairs", pairs, "--sft", sft, "--eft", eft);

        // What the trainer wrote beside the models when it read the frozen pairs.
        string Frozen(string model) => Path.Combine(quiet.Folder, "runs", TinyRun.Name, "pairs", $"{model}.jsonl");
        var trained = CanonicalDataset.Read(Frozen("M2")).Concat(CanonicalDataset.Read(Frozen("M3"))).ToList();
        trained.Count.ShouldBeGreaterThan(1);
        output.ShouldContain($"{pairs}: {trained.Count} preference pairs.");
        var lines = File.ReadLines(pairs).Select(line => JsonNode.Parse(line)!).ToList();
        lines.Select(line => new CanonicalPair(
            line["ordinal"]!.GetValue<int>(), line["instruction"]!.GetValue<string>(), line["chosen"]!.GetValue<string>(), line["rejected"]!.GetValue<string>(),
            line["score_chosen"]!.GetValue<double>(), line["score_rejected"]!.GetValue<double>())).ShouldBe(trained);
        lines.ShouldAllBe(line => line["prompt"]!.GetValue<string>() == line["instruction"]!.GetValue<string>() + "\n");

        await using var log = await LogReader.OpenAsync(quiet.Folder, CancellationToken.None);
        var settings = await log.Catalog.SettingsOfAsync(TinyRun.Name, CancellationToken.None);
        var seed = SeedData.For(settings);
        Jsonl.ReadJudged(eft, new()).ShouldBe(seed.EftJudged);
        var training = await log.Log.ReadAsync(StreamNames.Training(TinyRun.Name, "M1"), CancellationToken.None);
        var plan = training.OfType<TrainingStarted>().Single();
        File.ReadLines(sft).Count().ShouldBe(plan.Examples + plan.TooLong);
    }

    [Fact]
    public async Task A_run_that_is_imported_shows_verifies_and_exports_as_it_did()
    {
        var (file, again, data) = (At("events.ndjson.gz"), At("again.ndjson"), At("data"));
        await RunAsync("export", TinyRun.Name, "--data", quiet.Folder, "--events", file, "--pairs", At("pairs.jsonl"));
        var output = await RunAsync("import", file, "--data", data);
        output.ShouldContain("of run 'tiny', checked against their hashes.");

        await RunAsync("export", "--data", data, "--events", again, "--pairs", At("pairs-again.jsonl"));
        await RunAsync("export", TinyRun.Name, "--data", quiet.Folder, "--events", At("first.ndjson"));
        File.ReadLines(again).ShouldBe(File.ReadLines(At("first.ndjson")));
        File.ReadLines(At("pairs-again.jsonl")).ShouldBe(File.ReadLines(At("pairs.jsonl")));
        Tables(await RunAsync("show", "--data", data)).ShouldBe(Tables(await RunAsync("show", TinyRun.Name, "--data", quiet.Folder)));
        (await RunAsync("lineage", "tiny/M3", "--data", data)).ShouldBe(await RunAsync("lineage", "tiny/M3", "--data", quiet.Folder));

        var without = await RunAsync("verify", "--data", data);
        without.ShouldContain($"Not checked: the weights of tiny/M2 (there is no '{Path.Combine(data, "runs", "tiny", "models", "M2")}'; an export of events brings no models).");
        without.ShouldContain("What was checked agrees.");

        CopyFolder(Path.Combine(quiet.Folder, "runs", TinyRun.Name, "models"), Path.Combine(data, "runs", TinyRun.Name, "models"));
        (await RunAsync("verify", "--data", data, "--regenerate", "2")).ShouldContain("Everything agrees.");

        var (code, _, errors) = await SelfrewardProcess.RunAsync("import", file, "--data", data);
        code.ShouldBe(CommandLine.WrongInput);
        errors.ShouldContain("of its streams are in this log already, the first is 'run-tiny'; nothing was imported.");
        errors.Trim().Split('\n').Length.ShouldBe(1);
    }

    [Fact]
    public async Task A_file_that_cannot_be_imported_leaves_no_log_behind()
    {
        await File.WriteAllTextAsync(At("foreign.jsonl"), """{"prompt": "a", "response": "b"}""");
        var (code, _, errors) = await SelfrewardProcess.RunAsync("import", At("foreign.jsonl"), "--data", At("none"));
        code.ShouldBe(CommandLine.WrongInput);
        errors.Trim().ShouldBe($"{At("foreign.jsonl")}:1: does not begin with \"format\" \"selfreward-events\", expected an event export, as 'selfreward export --events FILE' writes it.");
        Directory.Exists(At("none")).ShouldBeFalse();
    }

    [Theory]
    [InlineData("Nothing is asked for: give a file to write to with --pairs, --sft, --eft or --events.", "tiny")]
    [InlineData("no run 'tinny', expected one of", "tinny", "--pairs", "{folder}/pairs.jsonl")]
    [InlineData("--sft and --events name the same file '{folder}/one': give each a file of its own.", "tiny", "--sft", "{folder}/one", "--events", "{folder}/two/../one")]
    [InlineData("'{folder}' cannot be written: ", "tiny", "--events", "{folder}")]
    public async Task What_cannot_be_exported_is_answered_with_a_sentence(string sentence, params string[] arguments)
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync(["export", "--data", quiet.Folder, .. arguments.Select(argument => argument.Replace("{folder}", _folder, StringComparison.Ordinal))]);
        code.ShouldNotBe(0, output);
        errors.ShouldContain(sentence.Replace("{folder}", _folder, StringComparison.Ordinal));
        errors.Trim().Split('\n').Length.ShouldBe(1, errors);
        Directory.GetFileSystemEntries(_folder).ShouldBeEmpty();
    }

    private string At(string name) => Path.Combine(_folder, name);

    // Behind the tables stand the places of things, which are where the folder is.
    private static string Tables(string shown)
    {
        var end = shown.IndexOf("\nlog ", StringComparison.Ordinal);
        end.ShouldBeGreaterThan(0, shown);
        return shown[..end];
    }

    private static async Task<string> RunAsync(params string[] arguments)
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync(arguments);
        code.ShouldBe(0, output + errors);
        return output;
    }

    private static void CopyFolder(string from, string to)
    {
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }
}
