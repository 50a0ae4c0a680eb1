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
    public void A_field_that_changes_the_arithmetic_is_refused_by_name(string field, string value) =>
        Should.Throw<CheckpointException>(() => Changed(json => json[field] = JsonNode.Parse(value))).Message
            .ShouldContain(field == "rope_scaling" ? "rope_scaling: \"rope_type\" is \"yarn\", which is not implemented" : $"\"{field}\" is {value}");

    [Fact]
    public void A_window_as_long_as_the_context_changes_nothing() => Changed(json => json["sliding_window"] = 256).MaxPositionEmbeddings.ShouldBe(256);

    [Theory]
    [InlineData("hidden_size", null, "config.json: \"hidden_size\" is missing.")]
    [InlineData("hidden_size", "\"48\"", "config.json: \"hidden_size\" is \"48\", expected an integer.")]
    [InlineData("num_hidden_layers", "0", "config.json: \"num_hidden_layers\" is 0, expected a positive integer.")]
    [InlineData("num_key_value_heads", "4", "config.json: \"num_attention_heads\" is 6, which is not a multiple of num_key_value_heads 4.")]
    [InlineData("num_attention_heads", "14", "config.json: \"hidden_size\" is 48, which is not a multiple of num_attention_heads 14.")]
    public void A_field_that_makes_no_sense_is_named(string field, string? value, string message) =>
        Should.Throw<CheckpointException>(() => Changed(json => json[field] = value is null ? null : JsonNode.Parse(value))).Message.ShouldBe(message);

    private static LlamaConfig Changed(Action<JsonObject> change)
    {
        var json = JsonNode.Parse(Tiny)!.AsObject();
        change(json);
        return LlamaConfig.Parse(json.ToJsonString());
    }
}
