using System.Text.Json;
using Shouldly;
using TorchSharp;

namespace SelfRewarding.Model.Tests;

/// <summary>A small but trained model, as Hugging Face would keep it (see ../shared/fixtures/stories260K).</summary>
public sealed class StoriesTests
{
    [Fact]
    public async Task Greedy_continuations_are_those_of_the_reference_token_for_token()
    {
        using var model = CheckpointFolder.Load(Fixture.Shared("fixtures", "stories260K"));
        using var expected = JsonDocument.Parse(File.ReadAllText(Fixture.Shared("fixtures", "stories260K", "generate.json")));
        await using var engine = new GenerationEngine(model);

        foreach (var example in expected.RootElement.GetProperty("greedy").EnumerateArray())
        {
            var greedy = Ints(example, "greedy_ids");
            var completion = (await engine.GenerateAsync(
                new(Ints(example, "prompt_ids"), [0], new(0, 1, 0, greedy.Length, [])), TestContext.Current.CancellationToken)).ShouldHaveSingleItem();
            completion.TokenIds.ShouldBe(greedy);
        }
    }

    [Fact]
    public void Log_probabilities_of_a_text_equal_the_reference()
    {
        using var scope = torch.NewDisposeScope();
        using var off = torch.no_grad();
        using var model = CheckpointFolder.Load(Fixture.Shared("fixtures", "stories260K"));
        using var file = JsonDocument.Parse(File.ReadAllText(Fixture.Shared("fixtures", "stories260K", "generate.json")));
        var expected = file.RootElement.GetProperty("logprobs");
        var ids = Ints(expected, "ids");

        var sequence = new TrainingSequence(ids[..1], ids[1..]);
        using var batch = SequenceBatch.Of([sequence]);
        var logProbs = batch.TargetLogProbs(model.Model).Floats();

        var reference = expected.GetProperty("of_next").EnumerateArray().Select(value => value.GetDouble()).ToArray();
        for (var i = 0; i < reference.Length; i++) logProbs[i].ShouldBe((float)reference[i], 1e-4f);
    }

    private static int[] Ints(JsonElement element, string name) => [.. element.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];
}
