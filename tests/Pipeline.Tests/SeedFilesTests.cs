using System.Text.Json.Nodes;
using SelfRewarding.Datasets;
using SelfRewarding.Datasets.Kata;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>
/// A run on files: demonstrations, ranked answers to make judging examples of, and held-out answers. Its baseline is too small to judge, so every
/// verdict is a refusal, and the run stops and says so; what is asked and verified is the way back to the files.
/// </summary>
[Collection(WholeRuns.Name)]
public sealed class SeedFilesTests : IAsyncLifetime
{
    private readonly string _data = Directory.CreateTempSubdirectory("selfreward-files-").FullName;

    private string Ift => Path.Combine(_data, "ift.jsonl");

    private string Ranked => Path.Combine(_data, "ranked.jsonl");

    public async ValueTask InitializeAsync()
    {
        var kata = KataData.Generate(7, new() { Demonstrations = 60, Judged = 10, Drafts = 10, SeedPrompts = 10, HeldOutInstructions = 10, HeldOutRanked = 10 });
        var development = KataData.Generate(7, new() { Demonstrations = 10, Judged = 10, Drafts = 10, SeedPrompts = 10, HeldOutInstructions = 10, HeldOutRanked = 6, MeasuredOn = KataPart.Development });
        await File.WriteAllLinesAsync(Ift, ["", .. SeedSets.Lines(kata.Ift).Select(line => line.ToString())]); // a blank line first: places are lines, not numbers
        await File.WriteAllLinesAsync(Ranked, SeedSets.Lines(development.HeldOutRanked).Select(line => line.ToString()));
        await File.WriteAllLinesAsync(Path.Combine(_data, "heldout.jsonl"), SeedSets.Lines(kata.HeldOutRanked).Select(line => line.ToString()));
        var (code, output, errors) = await SelfrewardProcess.RunAsync(TinyRun.Arguments(
            _data, "--ift", Ift, "--eft", Ranked, "--heldout", Path.Combine(_data, "heldout.jsonl"), "--set", "sft.steps=30"));
        code.ShouldBe(1, output + errors);
        output.ShouldContain("no usable pair");
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_data, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Everything_leads_back_to_its_line_in_a_file()
    {
        (await TextAsync("lineage", "tiny/ift/2", "--json")).ShouldContain($"{Ift}:4\"");
        var ranked = await JsonAsync("tiny/ranked/5");
        ranked["facts"]!["place"]!.GetValue<string>().ShouldBe($"{Ranked}:6");
        Children(ranked, "verdict").Single()["text"]!.GetValue<string>().ShouldBe("4 of 4 judgements unparsable");
        Children(ranked, "ranked answer").Count().ShouldBe(4);
        Children(ranked, "ranked answer").ShouldAllBe(answer => Children(answer, "judgement").Single()["facts"]!["unparsable"] != null);

        // Whichever prompt was accepted: all of its examples are demonstrations' prompts.
        var prompts = new List<JsonNode>();
        for (var ordinal = 0; ordinal < 6; ordinal++)
            prompts.Add(await JsonAsync($"tiny/1/{ordinal}"));
        var shots = prompts.SelectMany(prompt => Children(prompt, "drawn from the seed's prompt")).ToList();
        var lines = await File.ReadAllLinesAsync(Ift);
        foreach (var shot in shots)
        {
            var line = int.Parse(shot["facts"]!["place"]!.GetValue<string>().Split(':')[^1], System.Globalization.CultureInfo.InvariantCulture);
            JsonNode.Parse(lines[line - 1])!["prompt"]!.GetValue<string>().ShouldBe(shot["text"]!.GetValue<string>());
        }

        shots.ShouldNotBeEmpty();
        (await VerifyAsync(0)).ShouldContain("verdicts on ranked prompts follow from the scores");

        // A verdict that was changed in the log is found.
        await ChangedLog.WhileAsync(_data, async database =>
        {
            await using var command = database.CreateCommand("update mt_events set data = jsonb_set(data, '{Verdicts,3,Accepted}', 'true') where type = 'eft_built'");
            (await command.ExecuteNonQueryAsync()).ShouldBe(1);
            (await VerifyAsync(1)).ShouldContain("First difference: ranked prompt tiny/ranked/3");
        });

        // Without a file of the seed, the rest is still checked and shown.
        File.Move(Ranked, Ranked + ".away");
        var output = await VerifyAsync(1);
        output.ShouldContain($"First difference: ranked of run tiny ({Ranked})");
        output.ShouldContain("Not checked: filter verdicts");
        output.ShouldContain("scores follow from the raw judgements");
        output.ShouldContain("learning rates follow from the schedule");
        output.ShouldNotContain("refused drafts are refused");
        (await TextAsync("lineage", "tiny/SFT/step/1", "--json")).ShouldContain("not known: ");
        File.Move(Ranked + ".away", Ranked);

        await File.AppendAllTextAsync(Ift, "\n");
        (await VerifyAsync(1)).ShouldContain($"First difference: ift of run tiny ({Ift})");
    }

    private async Task<string> VerifyAsync(int expected)
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync("verify", TinyRun.Name, "--data", _data);
        code.ShouldBe(expected, output + errors);
        return output;
    }

    private async Task<string> TextAsync(params string[] command)
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync([.. command, "--data", _data]);
        code.ShouldBe(0, errors);
        return output;
    }

    private async Task<JsonNode> JsonAsync(string id) => JsonNode.Parse(await TextAsync("lineage", id, "--json"))!;

    private static IEnumerable<JsonNode> Children(JsonNode node, string kind) => node["children"]!.AsArray().Where(child => child!["kind"]!.GetValue<string>() == kind)!;
}
