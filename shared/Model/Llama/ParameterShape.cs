namespace SelfRewarding.Model;

/// <summary>One parameter that a config asks for.</summary>
/// <param name="Name">Hugging Face's state-dict key.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="Reason">The fields of config.json that the shape comes from, for errors.</param>
public sealed record ParameterShape(string Name, IReadOnlyList<long> Shape, string Reason)
{
    /// <summary>How many numbers it has.</summary>
    public long Elements => Shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>A projection whose output is added to the residual stream; a fresh one starts smaller.</summary>
    public bool IsResidual => Name.EndsWith("o_proj.weight", StringComparison.Ordinal) || Name.EndsWith("down_proj.weight", StringComparison.Ordinal);

    /// <summary>All parameters of a model, in the order in which they are made, stepped and summed. A tied head is the embedding and not listed.</summary>
    public static IReadOnlyList<ParameterShape> Of(LlamaConfig config)
    {
        var all = new List<ParameterShape>();
        var hidden = ("hidden_size", (long)config.HiddenSize);
        var vocabulary = ("vocab_size", (long)config.VocabSize);
        var wide = ("intermediate_size", (long)config.IntermediateSize);
        var queries = ($"num_attention_heads {config.NumAttentionHeads} x head_dim", (long)config.HeadDim * config.NumAttentionHeads);
        var keys = ($"num_key_value_heads {config.NumKeyValueHeads} x head_dim", (long)config.HeadDim * config.NumKeyValueHeads);

        Add("model.embed_tokens.weight", vocabulary, hidden);
        for (var i = 0; i < config.NumHiddenLayers; i++)
        {
            var layer = $"model.layers.{i}.";
            Add(layer + "input_layernorm.weight", hidden);
            Linear(layer + "self_attn.q_proj", queries, hidden, config.AttentionBias);
            Linear(layer + "self_attn.k_proj", keys, hidden, config.AttentionBias);
            Linear(layer + "self_attn.v_proj", keys, hidden, config.AttentionBias);
            Linear(layer + "self_attn.o_proj", hidden, queries, config.OutputBias);
            Add(layer + "post_attention_layernorm.weight", hidden);
            Linear(layer + "mlp.gate_proj", wide, hidden, config.MlpBias);
            Linear(layer + "mlp.up_proj", wide, hidden, config.MlpBias);
            Linear(layer + "mlp.down_proj", hidden, wide, config.MlpBias);
        }

        Add("model.norm.weight", hidden);
        if (!config.TieWordEmbeddings) Add("lm_head.weight", vocabulary, hidden);
        return all;

        void Linear(string name, (string, long) output, (string, long) input, bool bias)
        {
            Add(name + ".weight", output, input);
            if (bias) Add(name + ".bias", output);
        }

        void Add(string name, params (string Field, long Size)[] dimensions) => all.Add(new ParameterShape(
            name, [.. dimensions.Select(d => d.Size)], string.Join(", ", dimensions.Select(d => d.Field.EndsWith("head_dim", StringComparison.Ordinal) ? $"{d.Field} {config.HeadDim}" : $"{d.Field} {d.Size}"))));
    }

    /// <summary>Throws unless <paramref name="shape"/> is the one asked for.</summary>
    /// <exception cref="CheckpointException">It is not; the message names the tensor, both shapes and the fields.</exception>
    public void Check(IReadOnlyList<long> shape)
    {
        if (!Shape.SequenceEqual(shape))
            throw new CheckpointException($"Tensor '{Name}' has shape [{string.Join(", ", shape)}], expected [{string.Join(", ", Shape)}] (config.json: {Reason}).");
    }
}
