using System.Text.Json.Nodes;
using TorchSharp;

namespace SelfRewarding.Model.Tests;

/// <summary>Models of a few thousand weights whose config.json has the fields that each family's published files have.</summary>
internal static class ModelFamilies
{
    private const string Common = """
        "hidden_act": "silu", "initializer_range": 0.02, "use_cache": true, "attention_dropout": 0.0, "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2,
        "num_attention_heads": 4, "vocab_size": 60, "max_position_embeddings": 128, "bos_token_id": 1,
        """;

    private static readonly Dictionary<string, string> Fields = new()
    {
        ["Llama 2"] = """
            "architectures": ["LlamaForCausalLM"], "_name_or_path": "x", "model_type": "llama", "num_key_value_heads": 4, "eos_token_id": 2, "pretraining_tp": 1, "rms_norm_eps": 1e-05,
            "rope_scaling": null, "rope_theta": 10000.0, "tie_word_embeddings": false, "torch_dtype": "float16", "transformers_version": "4.31.0.dev0"
            """,
        ["Llama 3.2"] = """
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "attention_bias": false, "mlp_bias": false, "head_dim": 6, "num_key_value_heads": 2, "eos_token_id": [2, 7],
            "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_theta": 500000.0, "tie_word_embeddings": true, "torch_dtype": "bfloat16", "transformers_version": "4.45.0.dev0",
            "rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 64, "rope_type": "llama3"}
            """,
        ["Mistral 0.1"] = """
            "architectures": ["MistralForCausalLM"], "model_type": "mistral", "num_key_value_heads": 2, "eos_token_id": 2, "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
            "sliding_window": 5, "tie_word_embeddings": false, "torch_dtype": "bfloat16", "transformers_version": "4.34.0.dev0"
            """,
        ["Mistral Nemo"] = """
            "architectures": ["MistralForCausalLM"], "model_type": "mistral", "num_key_value_heads": 2, "head_dim": 10, "eos_token_id": 2, "rms_norm_eps": 1e-05, "rope_theta": 1000000.0,
            "sliding_window": null, "tie_word_embeddings": false, "torch_dtype": "bfloat16", "transformers_version": "4.43.3"
            """,
        ["Qwen2.5"] = """
            "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "num_key_value_heads": 2, "eos_token_id": 2, "max_window_layers": 2, "rms_norm_eps": 1e-06,
            "rope_theta": 1000000.0, "sliding_window": 5, "tie_word_embeddings": true, "torch_dtype": "bfloat16", "transformers_version": "4.43.1", "use_mrope": false,
            "use_sliding_window": false
            """,
        ["Qwen2 with a window"] = """
            "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "num_key_value_heads": 2, "eos_token_id": 2, "max_window_layers": 1, "rms_norm_eps": 1e-06,
            "rope_theta": 1000000.0, "sliding_window": 4, "tie_word_embeddings": false, "torch_dtype": "float32", "use_sliding_window": true
            """,
        ["SmolLM2"] = """
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "attention_bias": false, "num_key_value_heads": 2, "eos_token_id": 2, "is_llama_config": true, "mlp_bias": false,
            "pad_token_id": 2, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_interleaved": false, "rope_scaling": null, "rope_theta": 100000, "tie_word_embeddings": true,
            "torch_dtype": "bfloat16", "transformers.js_config": {"kv_cache_dtype": {"q4f16": "float16"}}, "transformers_version": "4.47.1"
            """,
        ["TinyLlama"] = """
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "attention_bias": false, "num_key_value_heads": 1, "eos_token_id": 2, "pretraining_tp": 1, "rms_norm_eps": 1e-05,
            "rope_scaling": null, "rope_theta": 10000.0, "tie_word_embeddings": false, "torch_dtype": "bfloat16", "transformers_version": "4.35.0"
            """,
        ["Llama with biases"] = """
            "model_type": "llama", "attention_bias": true, "mlp_bias": true, "num_key_value_heads": 2, "eos_token_id": 2, "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
            "tie_word_embeddings": false
            """,
    };

    public static TheoryData<string> Names => [.. Fields.Keys];

    public static JsonNode Config(string family) => JsonNode.Parse($"{{{Common}{Fields[family]}}}")!;

    /// <summary>The model with weights that leave nothing at 0 or 1, and large enough that a wrong angle or a missing key shows.</summary>
    public static Llama Create(string family)
    {
        var config = LlamaConfig.Parse(Config(family).ToJsonString());
        return new Llama(config, new Parameters(ParameterShape.Of(config).Select((shape, i) =>
        {
            var values = new float[shape.Elements];
            var middle = shape.Name.EndsWith("norm.weight", StringComparison.Ordinal) ? 1 : 0;
            for (var j = 0; j < values.Length; j++) values[j] = (float)(middle + 0.8 * (Philox.Uniform(11, (ulong)i, (ulong)j) - 0.5));
            return KeyValuePair.Create(shape.Name, torch.tensor(values, [.. shape.Shape]));
        })));
    }

    public static Dictionary<string, double[]> Weights(Llama model) =>
        model.Parameters.ToDictionary(parameter => parameter.Key, parameter => Array.ConvertAll(parameter.Value.Floats(), weight => (double)weight));
}
