using System.Text.Json;

namespace SelfRewarding.Model;

/// <summary>Fields of <c>config.json</c> that change the arithmetic and are not implemented, each with the only values that leave it as it is.</summary>
internal static class ConfigRefusals
{
    private static readonly (string Field, Func<JsonElement, JsonFile, bool> IsNeutral)[] Fields =
    [
        ("hidden_act", (value, _) => Text(value) is "silu" or "swish"),
        ("sliding_window", (value, json) => !json.Bool("use_sliding_window", json.Text("model_type") != "qwen2") || value.TryGetInt32(out var window) && window >= json.Int("max_position_embeddings")),
        ("use_sliding_window", (value, _) => value.ValueKind == JsonValueKind.False),
        ("layer_types", (value, _) => value.EnumerateArray().All(layer => Text(layer) == "full_attention")),
        ("partial_rotary_factor", (value, _) => Number(value) == 1),
        ("rope_interleaved", (value, _) => value.ValueKind == JsonValueKind.False),
        ("no_rope_layers", (value, _) => value.EnumerateArray().All(layer => Number(layer) == 1)),
        ("quantization_config", (_, _) => false),
        ("use_qk_norm", (value, _) => value.ValueKind == JsonValueKind.False),
        ("qk_layernorm", (value, _) => value.ValueKind == JsonValueKind.False),
        ("num_local_experts", (value, _) => Number(value) is 0 or 1),
        ("embedding_multiplier", (value, _) => Number(value) == 1),
        ("residual_multiplier", (value, _) => Number(value) == 1),
        ("attention_multiplier", (value, _) => Number(value) == 1),
        ("logits_scaling", (value, _) => Number(value) == 1),
        ("logit_scale", (value, _) => Number(value) == 1),
        ("clip_qkv", (_, _) => false),
        ("attn_logit_softcapping", (_, _) => false),
        ("final_logit_softcapping", (_, _) => false),
    ];

    /// <summary>Throws for the first field whose value is not neutral.</summary>
    public static void Check(JsonFile json)
    {
        foreach (var (field, isNeutral) in Fields)
        {
            if (json.Find(field) is { } value && !isNeutral(value, json))
                throw new CheckpointException($"{json.File}: \"{field}\" is {JsonFile.Short(value)}, which changes the arithmetic in a way that is not implemented.");
        }
    }

    private static string? Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static double Number(JsonElement value) => value.ValueKind == JsonValueKind.Number ? value.GetDouble() : double.NaN;
}
