using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SelfRewarding.Model;

/// <summary>RoPE scaling of Llama 3.1 (<c>rope_type: llama3</c>): low frequencies are slowed by <see cref="Factor"/>, high ones kept, those between interpolated.</summary>
public sealed record Llama3RopeScaling(double Factor, double LowFreqFactor, double HighFreqFactor, int OriginalMaxPositionEmbeddings);

/// <summary>
/// The shape of a Llama and of what is Llama but for a flag (Mistral, Qwen2), as Hugging Face's <c>config.json</c> says it. A field that would change the arithmetic in a
/// way that is not implemented is refused by name; fields that do not (dtype, dropout of other trainers, version marks) are passed over.
/// </summary>
public sealed record LlamaConfig
{
    public string ModelType { get; init; } = "llama";

    public required int HiddenSize { get; init; }

    public required int IntermediateSize { get; init; }

    public required int NumHiddenLayers { get; init; }

    public required int NumAttentionHeads { get; init; }

    /// <summary>Key and value heads; fewer than <see cref="NumAttentionHeads"/> is grouped-query attention.</summary>
    public required int NumKeyValueHeads { get; init; }

    /// <summary>Width of one head; hidden_size / num_attention_heads unless the file says otherwise.</summary>
    public required int HeadDim { get; init; }

    public required int VocabSize { get; init; }

    /// <summary>Longest sequence in tokens: prompt and answer together.</summary>
    public required int MaxPositionEmbeddings { get; init; }

    public double RmsNormEps { get; init; } = 1e-6;

    public double RopeTheta { get; init; } = 10000;

    public Llama3RopeScaling? RopeScaling { get; init; }

    /// <summary>The output head is the embedding itself: one tensor, counted and saved once.</summary>
    public bool TieWordEmbeddings { get; init; }

    /// <summary>q_proj, k_proj and v_proj have a bias (Qwen2 always, Llama with attention_bias).</summary>
    public bool AttentionBias { get; init; }

    /// <summary>gate_proj, up_proj and down_proj have a bias.</summary>
    public bool MlpBias { get; init; }

    public int? BosTokenId { get; init; }

    public IReadOnlyList<int> EosTokenIds { get; init; } = [];

    /// <summary>Qwen2's o_proj never has a bias; Llama's has one when attention_bias is set.</summary>
    public bool OutputBias => AttentionBias && ModelType != "qwen2";

    /// <summary>Reads and checks <c>config.json</c>.</summary>
    /// <exception cref="CheckpointException">The file is missing, malformed, contradicts itself or asks for arithmetic that is not implemented.</exception>
    public static LlamaConfig Load(string path) => Read(JsonFile.Read(path));

    /// <summary>Reads the text of a <c>config.json</c>; <paramref name="name"/> is what errors call it.</summary>
    public static LlamaConfig Parse(string json, string name = "config.json") => Read(JsonFile.Parse(name, json));

    /// <summary>The text of <c>config.json</c>, as transformers, vLLM and llama.cpp's converter read it.</summary>
    public string ToJson()
    {
        var json = new JsonObject
        {
            ["architectures"] = new JsonArray(ModelType switch { "qwen2" => "Qwen2ForCausalLM", "mistral" => "MistralForCausalLM", _ => "LlamaForCausalLM" }),
            ["model_type"] = ModelType,
            ["hidden_size"] = HiddenSize,
            ["intermediate_size"] = IntermediateSize,
            ["num_hidden_layers"] = NumHiddenLayers,
            ["num_attention_heads"] = NumAttentionHeads,
            ["num_key_value_heads"] = NumKeyValueHeads,
            ["head_dim"] = HeadDim,
            ["vocab_size"] = VocabSize,
            ["max_position_embeddings"] = MaxPositionEmbeddings,
            ["rms_norm_eps"] = Float(RmsNormEps),
            ["rope_theta"] = Float(RopeTheta),
            ["rope_scaling"] = RopeScaling is not { } scaling ? null : new JsonObject
            {
                ["rope_type"] = "llama3",
                ["factor"] = Float(scaling.Factor),
                ["low_freq_factor"] = Float(scaling.LowFreqFactor),
                ["high_freq_factor"] = Float(scaling.HighFreqFactor),
                ["original_max_position_embeddings"] = scaling.OriginalMaxPositionEmbeddings,
            },
            ["tie_word_embeddings"] = TieWordEmbeddings,
            ["hidden_act"] = "silu",
            ["attention_bias"] = AttentionBias,
            ["mlp_bias"] = MlpBias,
            ["bos_token_id"] = BosTokenId,
            ["eos_token_id"] = EosTokenIds.Count switch { 0 => null, 1 => EosTokenIds[0], _ => new JsonArray([.. EosTokenIds.Select(id => (JsonNode)id)]) },
            ["torch_dtype"] = "float32",
        };
        if (ModelType == "mistral") json["sliding_window"] = null;
        return json.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n";
    }

    /// <summary>10000.0, not 10000: readers that check types take the latter for an integer.</summary>
    private static JsonNode? Float(double value) => JsonNode.Parse(value.ToString(value == Math.Floor(value) ? "F1" : "R", CultureInfo.InvariantCulture));

    private static LlamaConfig Read(JsonFile json)
    {
        var type = json.Text("model_type");
        if (type is not ("llama" or "mistral" or "qwen2"))
            throw new CheckpointException($"{json.File}: \"model_type\" is \"{type}\", which is not implemented; llama, mistral and qwen2 are.");
        ConfigRefusals.Check(json);

        var hidden = Positive(json, "hidden_size");
        var heads = Positive(json, "num_attention_heads");
        var keyValueHeads = json.Find("num_key_value_heads") is null ? heads : Positive(json, "num_key_value_heads");
        if (heads % keyValueHeads != 0)
            throw new CheckpointException($"{json.File}: \"num_attention_heads\" is {heads}, which is not a multiple of num_key_value_heads {keyValueHeads}.");
        if (json.Find("head_dim") is null && hidden % heads != 0)
            throw new CheckpointException($"{json.File}: \"hidden_size\" is {hidden}, which is not a multiple of num_attention_heads {heads}.");
        var headDim = json.Find("head_dim") is null ? hidden / heads : Positive(json, "head_dim");
        if (headDim % 2 != 0) throw new CheckpointException($"{json.File}: a head is {headDim} wide; rotary embeddings need an even width.");

        // transformers 5 moved rope_theta and rope_scaling into one object.
        var rope = json.Object("rope_parameters");
        return new LlamaConfig
        {
            ModelType = type,
            HiddenSize = hidden,
            IntermediateSize = Positive(json, "intermediate_size"),
            NumHiddenLayers = Positive(json, "num_hidden_layers"),
            NumAttentionHeads = heads,
            NumKeyValueHeads = keyValueHeads,
            HeadDim = headDim,
            VocabSize = Positive(json, "vocab_size"),
            MaxPositionEmbeddings = Positive(json, "max_position_embeddings"),
            RmsNormEps = json.Double("rms_norm_eps", 1e-6),
            RopeTheta = rope?.Double("rope_theta", 10000) ?? json.Double("rope_theta", 10000),
            RopeScaling = Scaling(json.Object("rope_scaling") ?? rope),
            TieWordEmbeddings = json.Bool("tie_word_embeddings", false),
            AttentionBias = type == "qwen2" || json.Bool("attention_bias", false),
            MlpBias = json.Bool("mlp_bias", false),
            BosTokenId = json.OptionalInt("bos_token_id"),
            EosTokenIds = json.Ints("eos_token_id") ?? [],
        };
    }

    private static Llama3RopeScaling? Scaling(JsonFile? rope)
    {
        var type = rope?.Text("rope_type") ?? rope?.Text("type") ?? "default";
        return type switch
        {
            "default" => null,
            "llama3" => new Llama3RopeScaling(rope!.Double("factor"), rope.Double("low_freq_factor"), rope.Double("high_freq_factor"), rope.Int("original_max_position_embeddings")),
            _ => throw new CheckpointException($"{rope!.File}: \"rope_type\" is \"{type}\", which is not implemented; default and llama3 are."),
        };
    }

    private static int Positive(JsonFile json, string field) =>
        json.Int(field) is > 0 and var number ? number : throw json.Wrong(field, "a positive integer", json.Require(field));
}
