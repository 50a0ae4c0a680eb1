using System.Text.Json;

namespace SelfRewarding.Model;

/// <summary>
/// The fields of <c>config.json</c> that limit how far attention looks back, as transformers reads them: Mistral's <c>sliding_window</c> holds in every layer and is 4096 where
/// the field is absent; Qwen2's holds where <c>use_sliding_window</c> is true, from layer <c>max_window_layers</c> on; Llama has none.
/// </summary>
internal static class SlidingWindowFields
{
    private const string Window = "sliding_window", Used = "use_sliding_window", FirstLayer = "max_window_layers", Types = "layer_types";
    private const int MistralDefault = 4096;

    /// <summary>The window in keys, the row's own included, or null for none; and the first layer that has it.</summary>
    /// <exception cref="CheckpointException">The fields contradict each other or ask for another pattern.</exception>
    public static (int? Window, int FirstLayer) Read(JsonFile json, string modelType, int layers)
    {
        var (window, first) = modelType switch
        {
            "mistral" => (Mistral(json), 0),
            "qwen2" => Qwen2(json),
            _ => (Llama(json), 0),
        };
        if (json.Find(Types) is not { } types) return (window, first);

        string?[] kinds = types.ValueKind == JsonValueKind.Array
            ? [.. types.EnumerateArray().Select(kind => kind.ValueKind == JsonValueKind.String ? kind.GetString() : null)]
            : throw json.Wrong(Types, "a list", types);
        if (modelType == "qwen2" && window is not null && Array.IndexOf(kinds, "sliding_attention") is >= 0 and var place) first = place;
        var asked = Enumerable.Range(0, layers).Select(layer => window is not null && layer >= first ? "sliding_attention" : "full_attention");
        return asked.SequenceEqual(kinds) ? (window, first) : throw ConfigFields.Refused(json, Types, types);
    }

    private static int? Mistral(JsonFile json)
    {
        var window = json.Find(Window) is not null ? json.Positive(Window) : json.Root.TryGetProperty(Window, out _) ? (int?)null : MistralDefault;
        return json.Bool(Used, window is not null) == (window is not null) ? window : throw ConfigFields.Refused(json, Used, json.Require(Used));
    }

    private static (int?, int) Qwen2(JsonFile json)
    {
        if (!json.Bool(Used, false)) return (null, 0);
        var first = json.Int(FirstLayer);
        return (json.Positive(Window), first >= 0 ? first : throw json.Wrong(FirstLayer, "0 or more", json.Require(FirstLayer)));
    }

    private static int? Llama(JsonFile json)
    {
        if (json.Bool(Used, false)) throw ConfigFields.Refused(json, Used, json.Require(Used));
        var harmless = json.Find(Window) is null || !json.Bool(Used, true) || json.Positive(Window) >= json.Int("max_position_embeddings");
        return harmless ? null : throw ConfigFields.Refused(json, Window, json.Require(Window));
    }
}
