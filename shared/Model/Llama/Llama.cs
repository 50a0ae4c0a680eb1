using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model;

/// <summary>
/// Llama (Touvron et al. 2023) over named parameters: RMSNorm, rotary grouped-query attention, SwiGLU, pre-norm residual blocks. Sequences lie one after another in the rows of
/// every activation (R, d), without padding. Owns its parameters.
/// </summary>
public sealed class Llama : IDisposable
{
    private readonly RopeTable _rope;
    private readonly Block[] _blocks;
    private readonly double _scale;

    /// <summary>A model over these parameters, which it takes over.</summary>
    /// <param name="config">Its shape.</param>
    /// <param name="parameters">Its weights.</param>
    /// <param name="compute">What it computes in, see <see cref="Compute"/>; null takes the type that the weights are kept in.</param>
    /// <exception cref="CheckpointException">A parameter is missing or has another shape than the config says.</exception>
    public Llama(LlamaConfig config, Parameters parameters, torch.ScalarType? compute = null)
    {
        foreach (var shape in ParameterShape.Of(config))
        {
            var tensor = parameters.Find(shape.Name) ?? throw new CheckpointException($"Tensor '{shape.Name}' is missing (config.json: {shape.Reason}).");
            shape.Check(tensor.shape);
        }

        Config = config;
        Parameters = parameters;
        Compute = compute ?? parameters.Type;
        _scale = 1 / Math.Sqrt(config.HeadDim);
        _rope = new RopeTable(config, parameters.Device);
        _blocks = [.. Enumerable.Range(0, config.NumHiddenLayers).Select(i => new Block(parameters, $"model.layers.{i}."))];
    }

    /// <summary>What attention does with a layer's queries (R, H, D), keys and values (R, K, D).</summary>
    private delegate Tensor Attend(int layer, Tensor q, Tensor k, Tensor v);

    /// <summary>The model's shape.</summary>
    public LlamaConfig Config { get; }

    /// <summary>The weights.</summary>
    public Parameters Parameters { get; }

    /// <summary>
    /// What activations, cached keys and values, and weights as products see them are in: Float32 or BFloat16. Norms, softmax, rotation and scores are Float32's in both. Weights kept in
    /// Float32 under BFloat16 are the masters of a training: each product rounds them as it reads them, and their gradients arrive in Float32.
    /// </summary>
    public torch.ScalarType Compute { get; }

    /// <summary>Where it computes: where its weights lie, which is where its inputs must.</summary>
    public torch.Device Device => Parameters.Device;

    /// <summary>What is added to some projections; null is the model itself, which is what an adapter's training has for its reference. Whoever sets it owns it.</summary>
    public LoraAdapter? Adapter { get; set; }

    /// <summary>Makes the adapter part of the weights, which then say the same without it; there is none afterwards.</summary>
    public void MergeAdapter()
    {
        Adapter?.MergeInto(Parameters);
        Adapter = null;
    }

    /// <summary>An untrained model, its weights in float32; the same seed gives the same weights.</summary>
    /// <param name="config">Its shape.</param>
    /// <param name="seed">What its weights are drawn by.</param>
    /// <param name="compute">See <see cref="Compute"/>.</param>
    public static Llama Create(LlamaConfig config, ulong seed, torch.ScalarType compute = torch.ScalarType.Float32) => new(config, FreshParameters.Make(config, seed), compute);

    /// <summary>A copy with weights of its own, without gradients.</summary>
    public Llama Clone() => new(Config, Parameters.Clone(), Compute);

    /// <summary>Hidden states after the last norm, (R, d), each token seeing its own sequence up to itself. Differentiable.</summary>
    /// <param name="ids">(R) int64</param>
    /// <param name="layout">Where each sequence lies.</param>
    /// <param name="dropout">Dropout on what attention and MLP add to the residual stream; null for none.</param>
    public Tensor Forward(Tensor ids, SequenceLayout layout, DropoutKey? dropout = null) => Forward(ids, layout.Positions, Within(layout), dropout);

    /// <summary>
    /// The same for tokens that go on from a cache: each row's key and value are stored at (slot, position), then it attends to its slot's positions up to its own.
    /// Not differentiable. A row's hidden state has the same bits as in the forward pass without a cache.
    /// </summary>
    /// <param name="ids">(R) int64</param>
    /// <param name="slots">(R) int64, each row's slot.</param>
    /// <param name="positions">(R) int64, each row's place in its sequence.</param>
    /// <param name="cache">Holds every earlier position of these slots.</param>
    public Tensor Forward(Tensor ids, Tensor slots, Tensor positions, KvCache cache)
    {
        return Forward(
            ids,
            positions,
            (layer, q, k, v) => Kernels.CachedAttention(q, k, v, cache.Keys(layer), cache.Values(layer), slots, positions, _scale, Config.WindowOf(layer)),
            dropout: null);
    }

    /// <summary>The rows of the embedding, (R, d): what the first layer reads.</summary>
    internal Tensor Embed(Tensor ids)
    {
        var rows = Kernels.Embedding(ids, Parameters["model.embed_tokens.weight"]);
        return rows.dtype == Compute ? rows : rows.to_type(Compute);
    }

    /// <summary>One layer, (R, d) to (R, d); the same bits as inside of the whole forward pass.</summary>
    internal Tensor Layer(int layer, Tensor x, SequenceLayout layout, DropoutKey? dropout) => Forward(layer, x, layout.Positions, Within(layout), dropout);

    /// <summary>The last norm, (R, d).</summary>
    internal Tensor Norm(Tensor x) => Kernels.RmsNorm(x, Parameters["model.norm.weight"], Config.RmsNormEps);

    /// <summary>Unnormalised scores of the next token, (R, V) Float32, from hidden states (R, d).</summary>
    public Tensor Logits(Tensor hidden) => Kernels.Scores(hidden, Parameters[Config.TieWordEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight"]);

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        _rope.Dispose();
        Parameters.Dispose();
    }

    private Tensor Forward(Tensor ids, Tensor positions, Attend attend, DropoutKey? dropout)
    {
        using var scope = torch.NewDisposeScope();
        var x = Embed(ids); // (R, d)
        for (var layer = 0; layer < _blocks.Length; layer++) x = Forward(layer, x, positions, attend, dropout);
        return Norm(x).MoveToOuterDisposeScope();
    }

    private Tensor Forward(int layer, Tensor x, Tensor positions, Attend attend, DropoutKey? dropout)
    {
        using var scope = torch.NewDisposeScope();
        var block = _blocks[layer];
        var h = Kernels.RmsNorm(x, block.InputNorm, Config.RmsNormEps); // (R, d)
        var q = Heads(Project(block.Q, h), Config.NumAttentionHeads); // (R, H, D)
        var k = Heads(Project(block.K, h), Config.NumKeyValueHeads); // (R, K, D)
        var v = Heads(Project(block.V, h), Config.NumKeyValueHeads);
        q = Kernels.Rotary(q, _rope.Cos, _rope.Sin, positions);
        k = Kernels.Rotary(k, _rope.Cos, _rope.Sin, positions);
        var attended = attend(layer, q, k, v).reshape(-1, (long)Config.NumAttentionHeads * Config.HeadDim); // (R, H * D)
        x = x + Drop(Project(block.O, attended), dropout, 2 * layer);

        h = Kernels.RmsNorm(x, block.PostAttentionNorm, Config.RmsNormEps);
        var wide = Kernels.SwiGlu(Project(block.Gate, h), Project(block.Up, h)); // (R, f)
        x = x + Drop(Project(block.Down, wide), dropout, 2 * layer + 1);
        return x.MoveToOuterDisposeScope();

        Tensor Project(Projection projection, Tensor input) =>
            Adapter is { } adapter ? adapter.AddUpdate(projection.Name, input, projection.Apply(input), dropout) : projection.Apply(input);
    }

    private Attend Within(SequenceLayout layout) => (layer, q, k, v) => Kernels.Attention(q, k, v, layout.Offsets, _scale, Config.WindowOf(layer));

    private Tensor Heads(Tensor x, int heads) => x.reshape(-1, heads, Config.HeadDim);

    private static Tensor Drop(Tensor x, DropoutKey? dropout, int place) =>
        dropout is { Probability: > 0 } d ? Kernels.Dropout(x, d.Probability, d.Key, (ulong)place) : x;

    private sealed class Block(Parameters parameters, string prefix)
    {
        public Tensor InputNorm { get; } = parameters[prefix + "input_layernorm.weight"];

        public Tensor PostAttentionNorm { get; } = parameters[prefix + "post_attention_layernorm.weight"];

        public Projection Q { get; } = new(parameters, prefix + "self_attn.q_proj");

        public Projection K { get; } = new(parameters, prefix + "self_attn.k_proj");

        public Projection V { get; } = new(parameters, prefix + "self_attn.v_proj");

        public Projection O { get; } = new(parameters, prefix + "self_attn.o_proj");

        public Projection Gate { get; } = new(parameters, prefix + "mlp.gate_proj");

        public Projection Up { get; } = new(parameters, prefix + "mlp.up_proj");

        public Projection Down { get; } = new(parameters, prefix + "mlp.down_proj");
    }

    private sealed class Projection(Parameters parameters, string name)
    {
        private readonly Tensor _weight = parameters[name + ".weight"];
        private readonly Tensor? _bias = parameters.Find(name + ".bias");

        public string Name => name;

        public Tensor Apply(Tensor x) => Kernels.Linear(x, _weight, _bias);
    }
}
