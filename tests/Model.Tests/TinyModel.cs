using System.Globalization;
using System.Text.Json.Nodes;

namespace SelfRewarding.Model.Tests;

/// <summary>The tiny Llama with a tokenizer of its 97 ids that says nothing but where an answer ends (2).</summary>
internal static class TinyModel
{
    public static LoadedModel Load() => Of(Fixture.Tiny());

    /// <summary>A model of the same ids with that tokenizer.</summary>
    public static LoadedModel Of(Llama model) => new(model, new Numbers());

    /// <summary>A Kata model of a few thousand weights, to save and load.</summary>
    public static LoadedModel Kata(ulong seed = 1)
    {
        var config = new LlamaConfig
        {
            HiddenSize = 16,
            IntermediateSize = 24,
            NumHiddenLayers = 2,
            NumAttentionHeads = 2,
            NumKeyValueHeads = 1,
            HeadDim = 8,
            VocabSize = 260,
            MaxPositionEmbeddings = 64,
            BosTokenId = 256,
            EosTokenIds = [257],
        };
        return new LoadedModel(Llama.Create(config, seed), ByteLevelTokenizer.ForKata());
    }

    private sealed class Numbers : ITokenizer
    {
        public int VocabSize => 97;

        public int? Bos => 1;

        public IReadOnlyList<int> Eos => [2];

        public IReadOnlyDictionary<string, int> AddedTokens { get; } = new Dictionary<string, int>();

        public int[] Encode(string text, bool addBos = false, TextPosition position = TextPosition.Start) => [.. text.Split(' ').Select(number => int.Parse(number, CultureInfo.InvariantCulture))];

        public string Decode(ReadOnlySpan<int> ids, TextPosition position = TextPosition.Start) => string.Join(' ', ids.ToArray());

        public string ToJson() => new JsonObject().ToJsonString();
    }
}
