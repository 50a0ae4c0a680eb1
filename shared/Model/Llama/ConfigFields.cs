using System.Text.Json;

namespace SelfRewarding.Model;

/// <summary>
/// Which fields of <c>config.json</c> are read, which say nothing about the arithmetic, and which must have the one value that leaves it as it is. Any other field is refused by
/// name unless it is off (null or false): what is passed over in silence could make another model of the same weights.
/// </summary>
internal static class ConfigFields
{
    private static readonly HashSet<string> Read = new(StringComparer.Ordinal)
    {
        "model_type", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "vocab_size", "max_position_embeddings",
        "rms_norm_eps", "rope_theta", "rope_scaling", "rope_parameters", "tie_word_embeddings", "bos_token_id", "eos_token_id", "sliding_window", "use_sliding_window",
        "max_window_layers", "layer_types",
    };

    /// <summary>Marks, figures of the training before (dropout, first weights), defaults of sampling, and what only other programs do.</summary>
    private static readonly HashSet<string> Silent = new(StringComparer.Ordinal)
    {
        "architectures", "name_or_path", "transformers_version", "torch_dtype", "dtype", "tokenizer_class", "task_specific_params", "finetuning_task", "problem_type", "prefix",
        "is_llama_config", "unsloth_version", "unsloth_fixed", "model_name", "initializer_range", "attention_dropout", "hidden_dropout", "resid_pdrop", "embd_pdrop",
        "use_cache", "pretraining_tp", "return_dict", "output_attentions", "output_hidden_states", "torchscript", "use_bfloat16", "tf_legacy_loss", "pad_token_id",
        "sep_token_id", "decoder_start_token_id", "id2label", "label2id", "num_labels", "chunk_size_feed_forward", "max_length", "min_length", "do_sample", "early_stopping",
        "num_beams", "num_beam_groups", "diversity_penalty", "temperature", "top_k", "top_p", "typical_p", "repetition_penalty", "length_penalty", "no_repeat_ngram_size",
        "encoder_no_repeat_ngram_size", "bad_words_ids", "num_return_sequences", "output_scores", "return_dict_in_generate", "forced_bos_token_id", "forced_eos_token_id",
        "remove_invalid_values", "exponential_decay_length_penalty", "suppress_tokens", "begin_suppress_tokens",
    };

    private static readonly Dictionary<string, Func<JsonElement, JsonFile, bool>> Neutral = new(StringComparer.Ordinal)
    {
        ["hidden_act"] = (value, _) => Text(value) is "silu" or "swish",
        ["attention_bias"] = (value, json) => json.Text("model_type") != "mistral" || value.ValueKind == JsonValueKind.False,
        ["mlp_bias"] = (value, json) => json.Text("model_type") == "llama" || value.ValueKind == JsonValueKind.False,
        ["partial_rotary_factor"] = (value, _) => Number(value) == 1,
        ["no_rope_layers"] = (value, _) => value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(layer => Number(layer) == 1),
        ["pruned_heads"] = (value, _) => value.ValueKind == JsonValueKind.Object && !value.EnumerateObject().Any(),
        ["num_local_experts"] = (value, _) => Number(value) is 0 or 1,
        ["embedding_multiplier"] = (value, _) => Number(value) == 1,
        ["residual_multiplier"] = (value, _) => Number(value) == 1,
        ["attention_multiplier"] = (value, _) => Number(value) == 1,
        ["logits_scaling"] = (value, _) => Number(value) == 1,
        ["logit_scale"] = (value, _) => Number(value) == 1,
    };

    /// <summary>Throws for the first field that asks, or may ask, for arithmetic that is not implemented.</summary>
    public static void Check(JsonFile json)
    {
        foreach (var field in json.Root.EnumerateObject())
        {
            // Names with an underscore in front are transformers' own notes, and "transformers.js_config" is for another program.
            if (Read.Contains(field.Name) || Silent.Contains(field.Name) || field.Name.StartsWith('_') || field.Name.StartsWith("transformers.", StringComparison.Ordinal)) continue;
            var isOff = field.Value.ValueKind is JsonValueKind.Null or JsonValueKind.False;
            if (Neutral.TryGetValue(field.Name, out var isNeutral))
            {
                if (field.Value.ValueKind != JsonValueKind.Null && !isNeutral(field.Value, json)) throw Refused(json, field.Name, field.Value);
            }
            else if (!isOff)
            {
                throw new CheckpointException(
                    $"{json.File}: \"{field.Name}\" is {JsonFile.Short(field.Value)}, a field that is not known and may change the arithmetic: remove it if it does not.");
            }
        }
    }

    /// <summary>Refuses the fields of <c>rope_scaling</c> and <c>rope_parameters</c> that no implemented kind reads.</summary>
    public static void CheckRope(JsonFile rope)
    {
        string[] known = ["rope_type", "type", "rope_theta", "factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"];
        foreach (var field in rope.Root.EnumerateObject())
        {
            var isNeutral = field.Value.ValueKind == JsonValueKind.Null || (field.Name == "partial_rotary_factor" && Number(field.Value) == 1);
            if (!isNeutral && !known.Contains(field.Name)) throw Refused(rope, field.Name, field.Value);
        }
    }

    public static CheckpointException Refused(JsonFile json, string field, JsonElement value) =>
        new($"{json.File}: \"{field}\" is {JsonFile.Short(value)}, which changes the arithmetic in a way that is not implemented.");

    private static string? Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static double Number(JsonElement value) => value.ValueKind == JsonValueKind.Number ? value.GetDouble() : double.NaN;
}
