using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model;

/// <summary>The files of a model's weights: model.safetensors, or shards that model.safetensors.index.json names.</summary>
internal static partial class WeightFiles
{
    /// <summary>A training's checkpoint says in this text of its metadata which type each tensor has where the model is published.</summary>
    private const string PublishedTypes = "published_types";

    private const string Single = "model.safetensors", Index = "model.safetensors.index.json", Map = "weight_map";

    /// <summary>Their paths, in the order of their names.</summary>
    /// <exception cref="CheckpointException">The index is malformed or names a file elsewhere.</exception>
    public static IReadOnlyList<string> Find(string folder)
    {
        var index = Path.Combine(folder, Index);
        if (File.Exists(Path.Combine(folder, Single)) || !File.Exists(index)) return [Path.Combine(folder, Single)];
        var names = ReadMap(index).Select(place => place.File).Distinct().Order(StringComparer.Ordinal).ToArray();
        if (names.Length == 0) throw new CheckpointException($"{index}: \"{Map}\" is empty.");
        var outside = Array.Find(names, name => name.Length == 0 || Path.GetFileName(name) != name);
        return outside is null ? [.. names.Select(name => Path.Combine(folder, name))] : throw new CheckpointException($"{index}: \"{outside}\" is not the name of a file beside it.");
    }

    /// <summary>Opens all of them.</summary>
    /// <exception cref="CheckpointException">A file is missing or malformed, or does not hold what the index says.</exception>
    public static IReadOnlyList<SafeTensors> Open(string folder)
    {
        var files = new List<SafeTensors>();
        try
        {
            foreach (var path in Find(folder))
            {
                if (!File.Exists(path)) throw new CheckpointException(Missing(path));
                files.Add(SafeTensors.Open(path));
            }

            CheckPlaces(folder, files);
            return files;
        }
        catch
        {
            foreach (var file in files) file.Dispose();
            throw;
        }
    }

    /// <summary>The types to publish tensors in, where that is not F32: those of the files, or what a training's checkpoint remembers.</summary>
    public static Dictionary<string, string> TypesOf(IEnumerable<SafeTensors> files)
    {
        var types = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in files)
        {
            var remembered = file.Metadata.TryGetValue(PublishedTypes, out var text) ? JsonFile.Parse($"{file.Path}: {PublishedTypes}", text) : null;
            foreach (var (name, entry) in file.Tensors)
            {
                var type = remembered?.Text(name) ?? entry.Type;
                if (type is "F16" or "BF16") types[name] = type;
            }
        }

        return types;
    }

    /// <summary>Writes them: one file, or shards of at most <paramref name="shardBytes"/> where the tensors are not larger. What an earlier save left is removed at the end.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="parameters">The weights, float32.</param>
    /// <param name="types">See <see cref="TypesOf"/>.</param>
    /// <param name="masterWeights">Whether to write float32 and only remember the types.</param>
    /// <param name="shardBytes">Bytes of numbers in a file.</param>
    /// <returns>SHA-256 of all files one after another, in lower-case hexadecimal.</returns>
    public static string Write(string folder, Parameters parameters, IReadOnlyDictionary<string, string> types, bool masterWeights, long shardBytes)
    {
        var shards = Split(parameters, masterWeights ? [] : new Dictionary<string, string>(types), shardBytes);
        var names = shards.Count == 1 ? [Single] : Enumerable.Range(1, shards.Count).Select(i => $"model-{i:00000}-of-{shards.Count:00000}.safetensors").ToArray();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Replace(
            folder, names,
            i =>
            {
                var ours = types.Where(type => shards[i].Any(parameter => parameter.Key == type.Key)).OrderBy(type => type.Key, StringComparer.Ordinal).ToDictionary();
                var memory = masterWeights && ours.Count > 0 ? new Dictionary<string, string> { [PublishedTypes] = JsonSerializer.Serialize(ours) } : null;
                SafeTensorsWriter.Write(Path.Combine(folder, names[i]), shards[i], masterWeights ? null : ours, memory, hash);
            },
            index => AtomicFile.WriteText(index, IndexOf(shards, names, masterWeights ? null : types)));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Copies them, as <see cref="Write"/> writes them.</summary>
    public static void Copy(string from, string folder)
    {
        string[] names = [.. Find(from).Select(file => Path.GetFileName(file))];
        Replace(folder, names, i => AtomicFile.Copy(Path.Combine(from, names[i]), Path.Combine(folder, names[i])), index => AtomicFile.Copy(Path.Combine(from, Index), index));
    }

    private static void Replace(string folder, string[] names, Action<int> write, Action<string> writeIndex)
    {
        var (index, isOne) = (Path.Combine(folder, Index), names is [Single]);
        try
        {
            // Shards of an earlier save may have the same names: without an index the folder is no model until all are there.
            if (!isOne) File.Delete(index);
            for (var i = 0; i < names.Length; i++) write(i);
            if (!isOne) writeIndex(index);
            foreach (var file in Directory.GetFiles(folder).Where(file => IsWeights(Path.GetFileName(file)) && !names.Contains(Path.GetFileName(file)))) File.Delete(file);
            if (isOne) File.Delete(index);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"An older file of weights in '{folder}' cannot be removed: {e.Message}", e);
        }
    }

    private static List<List<KeyValuePair<string, Tensor>>> Split(Parameters parameters, Dictionary<string, string> types, long shardBytes)
    {
        var (shards, filled) = (new List<List<KeyValuePair<string, Tensor>>> { new() }, 0L);
        foreach (var parameter in parameters)
        {
            var bytes = Bytes(parameter, types);
            if (shards[^1].Count > 0 && filled + bytes > shardBytes)
            {
                shards.Add([]);
                filled = 0;
            }

            shards[^1].Add(parameter);
            filled += bytes;
        }

        return shards;
    }

    private static string IndexOf(List<List<KeyValuePair<string, Tensor>>> shards, string[] names, IReadOnlyDictionary<string, string>? types)
    {
        var places = shards.SelectMany((shard, i) => shard.Select(parameter => KeyValuePair.Create(parameter.Key, (JsonNode?)names[i]))).OrderBy(place => place.Key, StringComparer.Ordinal);
        var json = new JsonObject
        {
            ["metadata"] = new JsonObject { ["total_size"] = shards.Sum(shard => shard.Sum(parameter => Bytes(parameter, types))) },
            [Map] = new JsonObject(places),
        };
        return JsonFile.Indented(json);
    }

    private static long Bytes(KeyValuePair<string, Tensor> parameter, IReadOnlyDictionary<string, string>? types) =>
        parameter.Value.numel() * SafeTensorEntry.WidthOf(types?.GetValueOrDefault(parameter.Key) ?? "F32");

    private static void CheckPlaces(string folder, List<SafeTensors> files)
    {
        var holders = new Dictionary<string, SafeTensors>(StringComparer.Ordinal);
        foreach (var file in files)
        {
            foreach (var name in file.Tensors.Keys)
            {
                if (!holders.TryAdd(name, file)) throw new CheckpointException($"Tensor '{name}' is in '{holders[name].Path}' and in '{file.Path}': one of the two belongs to another model.");
            }
        }

        if (Path.GetFileName(files[0].Path) == Single) return;
        var index = Path.Combine(folder, Index);
        foreach (var (name, shard) in ReadMap(index))
        {
            if (!holders.TryGetValue(name, out var holder) || Path.GetFileName(holder.Path) != shard)
                throw new CheckpointException($"{index}: \"{Map}\" places tensor '{name}' in '{shard}', which has no such tensor.");
        }
    }

    private static IEnumerable<(string Tensor, string File)> ReadMap(string index)
    {
        var map = JsonFile.Read(index).Object(Map) ?? throw new CheckpointException($"{index}: \"{Map}\" is missing.");
        return map.Root.EnumerateObject().Select(tensor => (tensor.Name, map.Text(tensor.Name) ?? ""));
    }

    private static bool IsWeights(string name) => name == Single || ShardName().IsMatch(name);

    [GeneratedRegex(@"^model-\d{5}-of-\d{5}\.safetensors$")]
    private static partial Regex ShardName();

    private static string Missing(string path) => Path.GetFileName(path) == Single
        ? $"'{path}' is missing, and there is no {Index} beside it: weights are read from safetensors files only."
        : $"'{path}' is missing, though {Index} names it: put the shard there, as it came with the others.";
}
