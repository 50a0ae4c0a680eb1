using System.Text.Json;
using TorchSharp;

namespace SelfRewarding.Model.Tests;

/// <summary>A small but trained model, as Hugging Face would keep it, and what the reference implementation makes of it (see ../shared/fixtures/stories260K).</summary>
internal static class Stories
{
    public static LoadedModel Load(torch.ScalarType compute = torch.ScalarType.Float32) => CheckpointFolder.Load(Fixture.Shared("fixtures", "stories260K"), compute: compute);

    public static IReadOnlyList<(int[] Prompt, int[] Greedy)> Continuations()
    {
        using var file = Reference();
        return [.. file.RootElement.GetProperty("greedy").EnumerateArray().Select(example => (Ints(example, "prompt_ids"), Ints(example, "greedy_ids")))];
    }

    public static (int[] Ids, float[] OfNext) LogProbabilities()
    {
        using var file = Reference();
        var logProbs = file.RootElement.GetProperty("logprobs");
        return (Ints(logProbs, "ids"), [.. logProbs.GetProperty("of_next").EnumerateArray().Select(value => value.GetSingle())]);
    }

    private static JsonDocument Reference() => JsonDocument.Parse(File.ReadAllText(Fixture.Shared("fixtures", "stories260K", "generate.json")));

    private static int[] Ints(JsonElement element, string name) => [.. element.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];
}
