using SelfRewarding.Model;
using TorchSharp;

namespace SelfRewarding.Benchmarks;

/// <summary>A model of SmolLM2-135M's shape whose weights are random: the arithmetic and the memory are those of the real one.</summary>
internal static class SmolModel
{
    /// <summary>Of <c>config.json</c> of HuggingFaceTB/SmolLM2-135M.</summary>
    public static readonly LlamaConfig Config = new()
    {
        HiddenSize = 576, IntermediateSize = 1536, NumHiddenLayers = 30, NumAttentionHeads = 9, NumKeyValueHeads = 3, HeadDim = 64, VocabSize = 49152,
        MaxPositionEmbeddings = 8192, RmsNormEps = 1e-5, RopeTheta = 100_000, TieWordEmbeddings = true, BosTokenId = 1, EosTokenIds = [2],
    };

    private static readonly long _perToken = ParameterShape.Of(Config).Where(shape => shape.Name.Contains("_proj.", StringComparison.Ordinal)).Sum(shape => shape.Elements);

    /// <summary>How many weights it has.</summary>
    public static long Weights => ParameterShape.Of(Config).Sum(shape => shape.Elements);

    /// <summary>
    /// Floating-point operations of the forward pass that nobody can do without: two for each weight of a projection and each token, two for each weight of the head and each token
    /// whose successor is asked for, four for each query, key that it sees and element of a head. Norms, activations and sampling count as nothing.
    /// </summary>
    /// <param name="tokens">Tokens that go through the layers.</param>
    /// <param name="seen">Sum over those of the keys that each sees.</param>
    /// <param name="scored">Tokens whose successor is asked for.</param>
    public static double Operations(long tokens, long seen, long scored) =>
        (2.0 * tokens * _perToken) + (4.0 * seen * Config.NumHiddenLayers * Config.NumAttentionHeads * Config.HeadDim) + (2.0 * scored * Config.HiddenSize * Config.VocabSize);

    /// <summary>Keys that the tokens of a sequence see, taken together.</summary>
    public static long Seen(long length) => length * (length + 1) / 2;

    /// <summary>The model, as one that generates holds it; the same seed gives the same weights.</summary>
    public static LoadedModel Make(ulong seed, torch.ScalarType compute)
    {
        using var masters = Llama.Create(Config, seed);
        var weights = new Parameters([.. masters.Parameters.Select(weight => KeyValuePair.Create(weight.Key, weight.Value.to_type(compute, copy: true)))]);
        return new(new Llama(Config, weights), ByteLevelTokenizer.ForKata());
    }

    /// <summary>Tokens of a text that says nothing; another for each ordinal.</summary>
    public static int[] Tokens(int length, int ordinal) =>
        [.. Enumerable.Range(0, length).Select(i => 3 + (int)(Philox.Block(7, (ulong)ordinal, (ulong)i).Item1 % (uint)(Config.VocabSize - 3)))];
}
