using System.Text.Json;

namespace SelfRewarding.Model;

/// <summary>The <c>model</c> and <c>added_tokens</c> of a BPE <c>tokenizer.json</c>.</summary>
/// <param name="Ids">Token to id, special tokens apart.</param>
/// <param name="Special">Ids of the special tokens.</param>
/// <param name="Size">One more than the highest id.</param>
/// <param name="Merger">The merge rules.</param>
internal sealed record BpeVocabulary(IReadOnlyDictionary<string, int> Ids, IReadOnlySet<int> Special, int Size, BytePairMerger Merger)
{
    public static BpeVocabulary Read(JsonFile json, JsonFile model)
    {
        if ((model.Text("type") ?? "BPE") != "BPE") throw TokenizerFile.Refused(model, "type");
        if (model.Find("dropout") is { } dropout && !(dropout.ValueKind == JsonValueKind.Number && dropout.GetDouble() == 0)) throw TokenizerFile.Refused(model, "dropout");
        if (!string.IsNullOrEmpty(model.Text("continuing_subword_prefix"))) throw TokenizerFile.Refused(model, "continuing_subword_prefix");
        if (!string.IsNullOrEmpty(model.Text("end_of_word_suffix"))) throw TokenizerFile.Refused(model, "end_of_word_suffix");
        if (model.Bool("ignore_merges", false)) throw TokenizerFile.Refused(model, "ignore_merges");

        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var token in model.Require("vocab").EnumerateObject())
        {
            if (!token.Value.TryGetInt32(out var id) || id < 0) throw new CheckpointException($"{model.File}: \"vocab\" gives \"{token.Name}\" the id {JsonFile.Short(token.Value)}.");
            ids.Add(token.Name, id);
        }

        var merges = Merges(model, ids);
        var special = SpecialIds(json);
        var size = Math.Max(ids.Count == 0 ? 0 : ids.Values.Max(), special.Count == 0 ? 0 : special.Max()) + 1;
        return new BpeVocabulary(ids, special, size, new BytePairMerger(merges));
    }

    private static Dictionary<(int, int), (int, int)> Merges(JsonFile model, Dictionary<string, int> ids)
    {
        var merges = new Dictionary<(int, int), (int, int)>();
        var rank = 0;
        foreach (var merge in model.Require("merges").EnumerateArray())
        {
            // "a b", or ["a", "b"] since tokenizers 0.20.
            var parts = merge.ValueKind == JsonValueKind.String ? merge.GetString()!.Split(' ') : [.. merge.EnumerateArray().Select(part => part.GetString()!)];
            if (parts.Length != 2) throw new CheckpointException($"{model.File}: merge {rank} is {JsonFile.Short(merge)}, expected two tokens.");
            merges.TryAdd((Id(parts[0]), Id(parts[1])), (rank, Id(parts[0] + parts[1])));
            rank++;

            int Id(string token) => ids.TryGetValue(token, out var id) ? id
                : throw new CheckpointException($"{model.File}: merge {rank} {JsonFile.Short(merge)} needs \"{token}\", which is not in the vocabulary.");
        }

        return merges;
    }

    private static HashSet<int> SpecialIds(JsonFile json)
    {
        var special = new HashSet<int>();
        if (json.Find("added_tokens") is not { } added) return special;
        foreach (var element in added.EnumerateArray())
        {
            var token = new JsonFile($"{json.File}: added_tokens", element);
            if (!token.Bool("special", false))
                throw new CheckpointException($"{json.File}: the added token \"{token.Text("content")}\" is not special: it would be cut out of texts before merging, which is not implemented.");
            special.Add(token.Int("id"));
        }

        return special;
    }
}
