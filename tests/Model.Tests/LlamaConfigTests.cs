using System.Text.Json.Nodes;
using Shouldly;

namespace SelfRewarding.Model.Tests;

public sealed class LlamaConfigTests
{
    private static string Tiny => File.ReadAllText(Fixture.PathOf("tiny-llama", "config.json"));

    [Fact]
    public void A_config_reads_back_as_it_was_written()
    {
        var config = LlamaConfig.Parse(Tiny);

        config.RopeScaling.ShouldBe(new Llama3RopeScaling(8, 1, 4, 32));
        config.HeadDim.ShouldBe(8);
        config.ToJson().ShouldContain("\"rope_theta\": 500000.0,");
        var again = LlamaConfig.Parse(config.ToJson());
        again.EosTokenIds.ShouldBe([2]);
        (again with { EosTokenIds = config.EosTokenIds }).ShouldBe(config);
    }

    [Fact]
    public void Rope_parameters_of_transformers_5_are_the_same_figures()
    {
        var json = JsonNode.Parse(Tiny)!.AsObject();
        var rope = json["rope_scaling"]!.DeepClone().AsObject();
        rope["rope_theta"] = 123456.0;
        json.Remove("rope_scaling");
        json.Remove("rope_theta");
        json["rope_parameters"] = rope;

        var config = LlamaConfig.Parse(json.ToJsonString());

        config.RopeTheta.ShouldBe(123456);
        config.RopeScaling.ShouldBe(new Llama3RopeScaling(8, 1, 4, 32));
    }

    [Fact]
    public void Qwen2_has_biases_without_saying_so()
    {
        var config = Changed(json => json["model_type"] = "qwen2");

        config.AttentionBias.ShouldBeTrue();
        config.OutputBias.ShouldBeFalse();
    }

    [Fact]
    public void A_list_of_end_tokens_is_kept() =>
        LlamaConfig.Parse(Changed(json => json["eos_token_id"] = new JsonArray(2, 7)).ToJson()).EosTokenIds.ShouldBe([2, 7]);

    [Theory]
    [InlineData("hidden_act", "\"gelu\"")]
    [InlineData("rope_scaling", """{"rope_type":"yarn","factor":4}""")]
    [InlineData("model_type", "\"gemma\"")]
    [InlineData("partial_rotary_factor", "0.5")]
    [InlineData("quantization_config", """{"bits":4}""")]
    [InlineData("sliding_window", "128")]
    [InlineData("layer_types", """["full_attention","sliding_attention"]""")]
    [InlineData("use_sliding_window", "true")]
    [InlineData("some_new_multiplier", "1.5")]
    [InlineData("auto_map", """{"AutoModel":"modeling.Other"}""")]
    [InlineData("clip_qkv", "8")]
    [InlineData("final_logit_softcapping", "30.0")]
    [InlineData("use_qk_norm", "true")]
    [InlineData("pruned_heads", """{"1":[0]}""")]
    public void A_field_that_changes_the_arithmetic_is_refused_by_name(string field, string value) =>
        Should.Throw<CheckpointException>(() => Changed(json => json[field] = JsonNode.Parse(value))).Message
            .ShouldContain(field == "rope_scaling" ? "rope_scaling: \"rope_type\" is \"yarn\", which is not implemented" : $"\"{field}\" is {value}");

    [Fact]
    public void A_field_that_is_not_known_is_passed_over_where_it_is_off() =>
        Changed(json => (json["some_new_flag"], json["some_new_figure"], json["_note"]) = (false, null, 3)).VocabSize.ShouldBe(97);

    [Fact]
    public void A_window_as_long_as_the_context_changes_nothing() => Changed(json => json["sliding_window"] = 256).SlidingWindow.ShouldBeNull();

    [Theory]
    [InlineData("""{"model_type":"mistral","sliding_window":8}""", 8, 0)]
    [InlineData("""{"model_type":"mistral","sliding_window":null}""", null, 0)]
    [InlineData("""{"model_type":"mistral"}""", 4096, 0)]
    [InlineData("""{"model_type":"mistral","sliding_window":8,"layer_types":["sliding_attention","sliding_attention"]}""", 8, 0)]
    [InlineData("""{"model_type":"qwen2","sliding_window":8,"use_sliding_window":false,"max_window_layers":0}""", null, 0)]
    [InlineData("""{"model_type":"qwen2","sliding_window":8}""", null, 0)]
    [InlineData("""{"model_type":"qwen2","sliding_window":8,"use_sliding_window":true,"max_window_layers":1}""", 8, 1)]
    [InlineData("""{"model_type":"qwen2","sliding_window":8,"use_sliding_window":true,"max_window_layers":2,"layer_types":["full_attention","sliding_attention"]}""", 8, 1)]
    public void A_window_is_read_as_its_family_means_it(string fields, int? window, int firstLayer)
    {
        var config = Changed(json => Put(json, fields));

        (config.SlidingWindow, config.FirstSlidingLayer).ShouldBe((window, firstLayer));
        config.WindowOf(firstLayer).ShouldBe(window ?? long.MaxValue);
        if (firstLayer > 0) config.WindowOf(0).ShouldBe(long.MaxValue);
        var again = LlamaConfig.Parse(config.ToJson());
        (again with { EosTokenIds = config.EosTokenIds }).ShouldBe(config);
    }

    [Theory]
    [InlineData("""{"model_type":"mistral","sliding_window":0}""", "config.json: \"sliding_window\" is 0, expected a positive integer.")]
    [InlineData("""{"model_type":"mistral","sliding_window":8,"use_sliding_window":false}""", "config.json: \"use_sliding_window\" is false, which changes the arithmetic in a way that is not implemented.")]
    [InlineData("""{"model_type":"mistral","sliding_window":8,"layer_types":["full_attention","full_attention"]}""", "config.json: \"layer_types\" is [\"full_attention\",\"full_attention\"], which changes the arithmetic in a way that is not implemented.")]
    [InlineData("""{"model_type":"mistral","attention_bias":true}""", "config.json: \"attention_bias\" is true, which changes the arithmetic in a way that is not implemented.")]
    [InlineData("""{"model_type":"qwen2","use_sliding_window":true,"max_window_layers":1}""", "config.json: \"sliding_window\" is missing.")]
    [InlineData("""{"model_type":"qwen2","use_sliding_window":true,"sliding_window":8}""", "config.json: \"max_window_layers\" is missing.")]
    [InlineData("""{"model_type":"qwen2","use_sliding_window":true,"sliding_window":8,"max_window_layers":0,"layer_types":["sliding_attention","full_attention"]}""", "config.json: \"layer_types\" is [\"sliding_attention\",\"full_attention\"], which changes the arithmetic in a way that is not implemented.")]
    [InlineData("""{"max_position_embeddings":2000000000}""", "config.json: \"max_position_embeddings\" is 2000000000, too many for rotary tables in memory: lower it to the longest sequence that you need.")]
    [InlineData("""{"rms_norm_eps":0}""", "config.json: \"rms_norm_eps\" is 0, expected a positive number.")]
    [InlineData("""{"rope_theta":1e999}""", "config.json: \"rope_theta\" is 1e999, expected a positive number.")]
    [InlineData("""{"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":4,"high_freq_factor":4,"original_max_position_embeddings":32}}""", "config.json: rope_scaling: \"high_freq_factor\" is 4, expected more than low_freq_factor 4.")]
    [InlineData("""{"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4}}""", "config.json: rope_scaling: \"original_max_position_embeddings\" is missing.")]
    [InlineData("""{"rope_scaling":{"rope_type":"default","attention_factor":0.5}}""", "config.json: rope_scaling: \"attention_factor\" is 0.5, which changes the arithmetic in a way that is not implemented.")]
    public void Fields_that_contradict_each_other_or_ask_for_another_pattern_are_named(string fields, string message) =>
        Should.Throw<CheckpointException>(() => Changed(json => Put(json, fields))).Message.ShouldBe(message);

    [Fact]
    public void Families_that_have_a_default_of_their_own_must_name_their_key_heads() =>
        Should.Throw<CheckpointException>(() => Changed(json =>
        {
            json["model_type"] = "qwen2";
            json.Remove("num_key_value_heads");
        })).Message.ShouldBe("config.json: \"num_key_value_heads\" is missing.");

    [Theory]
    [InlineData("hidden_size", null, "config.json: \"hidden_size\" is missing.")]
    [InlineData("hidden_size", "\"48\"", "config.json: \"hidden_size\" is \"48\", expected an integer.")]
    [InlineData("num_hidden_layers", "0", "config.json: \"num_hidden_layers\" is 0, expected a positive integer.")]
    [InlineData("num_key_value_heads", "4", "config.json: \"num_attention_heads\" is 6, which is not a multiple of num_key_value_heads 4.")]
    [InlineData("num_attention_heads", "14", "config.json: \"hidden_size\" is 48, which is not a multiple of num_attention_heads 14.")]
    public void A_field_that_makes_no_sense_is_named(string field, string? value, string message) =>
        Should.Throw<CheckpointException>(() => Changed(json => json[field] = value is null ? null : JsonNode.Parse(value))).Message.ShouldBe(message);

    private static void Put(JsonObject json, string fields)
    {
        foreach (var (name, value) in JsonNode.Parse(fields)!.AsObject()) json[name] = value?.DeepClone();
    }

    private static LlamaConfig Changed(Action<JsonObject> change)
    {
        var json = JsonNode.Parse(Tiny)!.AsObject();
        change(json);
        return LlamaConfig.Parse(json.ToJsonString());
    }
}
