using System.Text.Json;

namespace SelfRewarding.Model;

/// <summary>The <c>model</c> and <c>added_tokens</c> of a BPE <c>tokenizer.json</c>.</summary>
/// <param name="Ids">Token to id, without added tokens: what text can become by merging.</param>
/// <param name="Added">Special tokens, and those that are cut out of texts.</param>
/// <param name="Size">One more than the highest id.</param>
/// <param name="Merges">The merge rules in the order of their ranks; none makes an added token.</param>
/// <param name="IgnoreMerges">A word that is a token is not merged.</param>
internal sealed record BpeVocabulary(
    IReadOnlyDictionary<string, int> Ids, IReadOnlyList<AddedToken> Added, int Size, IReadOnlyList<BytePairMerge> Merges, bool IgnoreMerges)
{
    /// <summary>A file may leave some ids unused, as for padding; many of them are a mistake, for which no memory is taken.</summary>
    private const int UnusedIds = 1 << 16;

    public static BpeVocabulary Read(JsonFile json, JsonFile model, IReadOnlyList<int> eos)
    {
        if ((model.Text("type") ?? "BPE") != "BPE") throw TokenizerFile.Refused(model, "type");
        if (model.Find("dropout") is { } dropout && !(dropout.ValueKind == JsonValueKind.Number && dropout.GetDouble() == 0)) throw TokenizerFile.Refused(model, "dropout");
        if (!string.IsNullOrEmpty(model.Text("continuing_subword_prefix"))) throw TokenizerFile.Refused(model, "continuing_subword_prefix");
        if (!string.IsNullOrEmpty(model.Text("end_of_word_suffix"))) throw TokenizerFile.Refused(model, "end_of_word_suffix");

        var added = json.Objects("added_tokens").Select(token => AddedToken.Read(token, eos)).ToList();
        var ids = ReadIds(model);
        var size = CheckedSize(model, ids, added);
        var merges = ReadMerges(model, ids, [.. added.Select(token => token.Id)]);
        foreach (var token in added) ids.Remove(token.Content);
        return new BpeVocabulary(ids, added, size, merges, model.Bool("ignore_merges", false));
    }

    private static Dictionary<string, int> ReadIds(JsonFile model)
    {
        var vocabulary = model.Require("vocab");
        if (vocabulary.ValueKind != JsonValueKind.Object) throw model.Wrong("vocab", "an object", vocabulary);
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var token in vocabulary.EnumerateObject())
        {
            if (token.Value.ValueKind != JsonValueKind.Number || !token.Value.TryGetInt32(out var id) || id < 0)
                throw new CheckpointException($"{model.File}: \"vocab\" gives \"{token.Name}\" the id {JsonFile.Short(token.Value)}, expected a whole number from 0.");
            if (!ids.TryAdd(token.Name, id)) throw new CheckpointException($"{model.File}: \"vocab\" has \"{token.Name}\" twice.");
        }

        return ids;
    }

    private static int CheckedSize(JsonFile model, Dictionary<string, int> ids, List<AddedToken> added)
    {
        var names = new Dictionary<int, string>();
        foreach (var (token, id) in ids.Concat(added.Select(token => KeyValuePair.Create(token.Content, token.Id))))
        {
            if (id < 0 || !names.TryAdd(id, token) && names[id] != token)
                throw new CheckpointException($"{model.File}: the id {id} is given to \"{token}\"{(id < 0 ? "" : $" and to \"{names[id]}\"")}, expected a number of its own for each token.");
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var token in added)
        {
            if (!seen.Add(token.Content)) throw new CheckpointException($"{model.File}: \"added_tokens\" has \"{token.Content}\" twice.");
            if (ids.TryGetValue(token.Content, out var id) && id != token.Id)
                throw new CheckpointException($"{model.File}: \"{token.Content}\" has the id {id} in \"vocab\" and {token.Id} in \"added_tokens\".");
        }

        var highest = names.Count == 0 ? -1 : names.Keys.Max();
        return highest < names.Count + UnusedIds ? highest + 1
            : throw new CheckpointException($"{model.File}: \"{names[highest]}\" has the id {highest}, far beyond the number of tokens ({names.Count}).");
    }

    private static List<BytePairMerge> ReadMerges(JsonFile model, Dictionary<string, int> ids, HashSet<int> added)
    {
        var list = model.Require("merges");
        if (list.ValueKind != JsonValueKind.Array) throw model.Wrong("merges", "a list", list);
        var merges = new List<BytePairMerge>();
        foreach (var merge in list.EnumerateArray())
        {
            // "a b", or ["a", "b"] since tokenizers 0.20.
            string[] parts = merge.ValueKind switch
            {
                JsonValueKind.String => merge.GetString()!.Split(' '),
                JsonValueKind.Array when merge.EnumerateArray().All(part => part.ValueKind == JsonValueKind.String) => [.. merge.EnumerateArray().Select(part => part.GetString()!)],
                _ => [],
            };
            if (parts.Length != 2) throw new CheckpointException($"{model.File}: merge {merges.Count} is {JsonFile.Short(merge)}, expected two tokens.");
            merges.Add(new BytePairMerge(Id(parts[0]), Id(parts[1]), Id(parts[0] + parts[1])));

            int Id(string token) => ids.TryGetValue(token, out var id) ? id
                : throw new CheckpointException($"{model.File}: merge {merges.Count} {JsonFile.Short(merge)} needs \"{token}\", which is not in the vocabulary.");
        }

        // Nothing that somebody writes may grow into a special token.
        merges.RemoveAll(merge => added.Contains(merge.Merged));
        return merges;
    }
}
