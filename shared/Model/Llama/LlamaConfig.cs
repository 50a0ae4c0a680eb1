using System.Globalization;
using System.Text.Json.Nodes;

namespace SelfRewarding.Model;

/// <summary>RoPE scaling of Llama 3.1 (<c>rope_type: llama3</c>): low frequencies are slowed by <see cref="Factor"/>, high ones kept, those between interpolated.</summary>
public sealed record Llama3RopeScaling(double Factor, double LowFreqFactor, double HighFreqFactor, int OriginalMaxPositionEmbeddings);

/// <summary>
/// The shape of a Llama and of what is Llama but for a flag (Mistral, Qwen2), as Hugging Face's <c>config.json</c> says it. A field that changes, or may change, the arithmetic
/// in a way that is not implemented is refused by name; fields that do not (dtype, dropout of other trainers, version marks) are passed over. Computing is in float32 whatever
/// the dtype: the kernels that give a row the same bits in any batch are float32's.
/// </summary>
public sealed record LlamaConfig
{
    /// <summary>Of positions times head width: 2 GiB for cosines and sines together.</summary>
    private const long LongestRopeTable = 1L << 29;

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

    /// <summary>Keys that a row sees at most, its own and those right before it; null sees all.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>The first layer that has <see cref="SlidingWindow"/> (Qwen2's max_window_layers).</summary>
    public int FirstSlidingLayer { get; init; }

    public int? BosTokenId { get; init; }

    public IReadOnlyList<int> EosTokenIds { get; init; } = [];

    /// <summary>Qwen2's o_proj never has a bias; Llama's has one when attention_bias is set.</summary>
    public bool OutputBias => AttentionBias && ModelType != "qwen2";

    /// <summary>Keys that a row of this layer sees at most.</summary>
    public long WindowOf(int layer) => SlidingWindow is { } window && layer >= FirstSlidingLayer ? window : long.MaxValue;

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
        if (ModelType == "mistral") json["sliding_window"] = SlidingWindow;
        if (ModelType == "qwen2")
        {
            json["use_sliding_window"] = SlidingWindow is not null;
            json["sliding_window"] = SlidingWindow;
            json["max_window_layers"] = SlidingWindow is null ? NumHiddenLayers : FirstSlidingLayer;
        }

        return JsonFile.Indented(json);
    }

    /// <summary>10000.0, not 10000: readers that check types take the latter for an integer.</summary>
    private static JsonNode? Float(double value) => JsonNode.Parse(value.ToString(value == Math.Floor(value) ? "F1" : "R", CultureInfo.InvariantCulture));

    private static LlamaConfig Read(JsonFile json)
    {
        var type = json.Text("model_type");
        if (type is not ("llama" or "mistral" or "qwen2"))
            throw new CheckpointException($"{json.File}: \"model_type\" is \"{type}\", which is not implemented; llama, mistral and qwen2 are.");
        ConfigFields.Check(json);

        var hidden = json.Positive("hidden_size");
        var heads = json.Positive("num_attention_heads");

        // Where the field is absent transformers takes a number of its own for Mistral and Qwen2 (8 and 32), so it has to be there.
        if (type != "llama" && !json.Root.TryGetProperty("num_key_value_heads", out _)) throw new CheckpointException($"{json.File}: \"num_key_value_heads\" is missing.");
        var keyValueHeads = json.Find("num_key_value_heads") is null ? heads : json.Positive("num_key_value_heads");
        if (heads % keyValueHeads != 0)
            throw new CheckpointException($"{json.File}: \"num_attention_heads\" is {heads}, which is not a multiple of num_key_value_heads {keyValueHeads}.");
        if (json.Find("head_dim") is null && hidden % heads != 0)
            throw new CheckpointException($"{json.File}: \"hidden_size\" is {hidden}, which is not a multiple of num_attention_heads {heads}.");
        var headDim = json.Find("head_dim") is null ? hidden / heads : json.Positive("head_dim");
        if (headDim % 2 != 0) throw new CheckpointException($"{json.File}: a head is {headDim} wide; rotary embeddings need an even width.");

        var layers = json.Positive("num_hidden_layers");
        var positions = json.Positive("max_position_embeddings");
        if ((long)positions * headDim > LongestRopeTable)
            throw new CheckpointException($"{json.File}: \"max_position_embeddings\" is {positions}, too many for rotary tables in memory: lower it to the longest sequence that you need.");

        // transformers 5 moved rope_theta and rope_scaling into one object.
        var rope = json.Object("rope_parameters");
        var (window, firstSlidingLayer) = SlidingWindowFields.Read(json, type, layers);
        return new LlamaConfig
        {
            ModelType = type,
            HiddenSize = hidden,
            IntermediateSize = json.Positive("intermediate_size"),
            NumHiddenLayers = layers,
            NumAttentionHeads = heads,
            NumKeyValueHeads = keyValueHeads,
            HeadDim = headDim,
            VocabSize = json.Positive("vocab_size"),
            MaxPositionEmbeddings = positions,
            RmsNormEps = json.PositiveNumber("rms_norm_eps", 1e-6),
            RopeTheta = rope?.Find("rope_theta") is not null ? rope.PositiveNumber("rope_theta") : json.PositiveNumber("rope_theta", 10000),
            RopeScaling = Scaling(json.Object("rope_scaling") ?? rope),
            TieWordEmbeddings = json.Bool("tie_word_embeddings", false),
            AttentionBias = type == "qwen2" || json.Bool("attention_bias", false),
            MlpBias = json.Bool("mlp_bias", false),
            SlidingWindow = window,
            FirstSlidingLayer = firstSlidingLayer,
            BosTokenId = json.OptionalInt("bos_token_id"),
            EosTokenIds = json.Ints("eos_token_id") ?? [],
        };
    }

    private static Llama3RopeScaling? Scaling(JsonFile? rope)
    {
        if (rope is null) return null;
        var type = rope.Text("rope_type") ?? rope.Text("type") ?? "default";
        if (type is not ("default" or "llama3")) throw new CheckpointException($"{rope.File}: \"rope_type\" is \"{type}\", which is not implemented; default and llama3 are.");
        ConfigFields.CheckRope(rope);
        if (type == "default") return null;
        var (low, high) = (rope.PositiveNumber("low_freq_factor"), rope.PositiveNumber("high_freq_factor"));
        if (high <= low) throw rope.Wrong("high_freq_factor", $"more than low_freq_factor {low.ToString(CultureInfo.InvariantCulture)}", rope.Require("high_freq_factor"));
        return new Llama3RopeScaling(rope.PositiveNumber("factor"), low, high, rope.Positive("original_max_position_embeddings"));
    }
}
