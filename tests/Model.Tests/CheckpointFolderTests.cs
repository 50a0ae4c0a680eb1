using System.Text.Json.Nodes;
using Shouldly;

namespace SelfRewarding.Model.Tests;

public sealed class CheckpointFolderTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("checkpoint");

    private string Folder => Path.Combine(_root.FullName, "model");

    [Fact]
    public void A_saved_model_loads_with_the_same_weights_config_and_tokenizer()
    {
        using var saved = TinyModel.Kata();

        var sha256 = CheckpointFolder.Save(Folder, saved);
        using var loaded = CheckpointFolder.Load(Folder, sha256);

        CheckpointFolder.Sha256(Folder).ShouldBe(sha256);
        (loaded.Model.Config with { EosTokenIds = saved.Model.Config.EosTokenIds }).ShouldBe(saved.Model.Config);
        loaded.Tokenizer.ToJson().ShouldBe(saved.Tokenizer.ToJson());
        loaded.Tokenizer.Eos.ShouldBe([257]);
        loaded.Model.Parameters.Select(parameter => parameter.Key).ShouldBe(saved.Model.Parameters.Select(parameter => parameter.Key));
        foreach (var (name, tensor) in saved.Model.Parameters) loaded.Model.Parameters[name].Floats().ShouldHaveTheBitsOf(tensor.Floats());
        Directory.GetFiles(Folder).Select(Path.GetFileName).Order().ShouldBe(
            ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]);
    }

    [Fact]
    public void The_same_seed_saves_the_same_bytes()
    {
        using var model = TinyModel.Kata();
        using var again = TinyModel.Kata();

        CheckpointFolder.Save(Path.Combine(_root.FullName, "again"), again).ShouldBe(CheckpointFolder.Save(Folder, model));
    }

    [Fact]
    public void Weights_of_another_hash_are_refused()
    {
        using var model = TinyModel.Kata();
        var sha256 = CheckpointFolder.Save(Folder, model);

        var error = Should.Throw<CheckpointException>(() => CheckpointFolder.Load(Folder, new string('0', 64)));

        error.Message.ShouldBe(
            $"The weights in '{Folder}' have SHA-256 {sha256}, expected {new string('0', 64)}: another model lies there. Put the right files back, or start a new run.");
    }

    [Fact]
    public void Shards_with_an_index_are_one_model()
    {
        using var model = TinyModel.Kata();
        CheckpointFolder.Save(Folder, model);
        File.Delete(Path.Combine(Folder, "model.safetensors"));
        var half = model.Model.Parameters.Count / 2;
        SafeTensors.Write(Path.Combine(Folder, "model-00001-of-00002.safetensors"), model.Model.Parameters.Take(half));
        SafeTensors.Write(Path.Combine(Folder, "model-00002-of-00002.safetensors"), model.Model.Parameters.Skip(half));
        WriteIndex((_, i) => $"model-0000{(i < half ? 1 : 2)}-of-00002.safetensors");

        using var loaded = CheckpointFolder.Load(Folder);
        foreach (var (name, tensor) in model.Model.Parameters) loaded.Model.Parameters[name].Floats().ShouldHaveTheBitsOf(tensor.Floats());

        WriteIndex((_, _) => "../elsewhere.safetensors");
        Should.Throw<CheckpointException>(() => CheckpointFolder.Load(Folder)).Message.ShouldContain("\"../elsewhere.safetensors\" is not the name of a file beside it");

        void WriteIndex(Func<string, int, string> shard) => File.WriteAllText(Path.Combine(Folder, "model.safetensors.index.json"), new JsonObject
        {
            ["weight_map"] = new JsonObject(model.Model.Parameters.Select((parameter, i) => KeyValuePair.Create(parameter.Key, (JsonNode?)shard(parameter.Key, i)))),
        }.ToJsonString());
    }

    [Fact]
    public void A_model_above_the_limit_is_saved_in_shards_that_load_and_hash_as_one()
    {
        using var model = TinyModel.Kata();
        var whole = CheckpointFolder.Save(Folder, model);

        var sha256 = CheckpointFolder.Save(Folder, model, shardBytes: 12_000);

        CheckpointFolder.Sha256(Folder).ShouldBe(sha256);
        sha256.ShouldNotBe(whole);
        var shards = Directory.GetFiles(Folder, "*.safetensors").Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal).ToArray();
        shards.ShouldBe([.. Enumerable.Range(1, shards.Length).Select(i => $"model-{i:00000}-of-{shards.Length:00000}.safetensors")]);
        shards.Length.ShouldBeGreaterThan(2);
        var index = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "model.safetensors.index.json")))!;
        ((long)index["metadata"]!["total_size"]!).ShouldBe(4 * model.Model.Parameters.Elements);
        foreach (var shard in shards)
        {
            using var file = SafeTensors.Open(Path.Combine(Folder, shard));
            (file.Tensors.Values.Sum(tensor => tensor.End - tensor.Begin) <= 12_000 || file.Tensors.Count == 1).ShouldBeTrue(shard);
            foreach (var name in file.Tensors.Keys) ((string)index["weight_map"]![name]!).ShouldBe(shard);
        }

        using (var loaded = CheckpointFolder.Load(Folder, sha256))
        {
            foreach (var (name, tensor) in model.Model.Parameters) loaded.Model.Parameters[name].Floats().ShouldHaveTheBitsOf(tensor.Floats());
        }

        // And back: nothing of the shards stays.
        CheckpointFolder.Save(Folder, model).ShouldBe(whole);
        Directory.GetFiles(Folder, "*safetensors*").Select(Path.GetFileName).ShouldBe(["model.safetensors"]);
    }

    [Theory]
    [InlineData(CheckpointFolder.DefaultShardBytes, 12_000)]
    [InlineData(12_000, CheckpointFolder.DefaultShardBytes)]
    public void A_copied_folder_has_the_same_files_and_nothing_of_the_model_that_was_there(long shardBytes, long before)
    {
        using var model = TinyModel.Kata();
        var (from, to) = (Path.Combine(Folder, "from"), Path.Combine(Folder, "to"));
        CheckpointFolder.Save(to, model, shardBytes: before);
        var sha256 = CheckpointFolder.Save(from, model, shardBytes: shardBytes);
        File.WriteAllText(Path.Combine(from, "config.json.0.tmp"), "cut short");

        CheckpointFolder.Copy(from, to);

        File.Delete(Path.Combine(from, "config.json.0.tmp"));
        Files(to).ShouldBe(Files(from));
        CheckpointFolder.Load(to, sha256).Dispose();

        static IEnumerable<string> Files(string folder) =>
            Directory.GetFiles(folder).Order(StringComparer.Ordinal).Select(path => $"{Path.GetFileName(path)} {Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path)))}");
    }

    [Fact]
    public void What_is_wrong_with_shards_is_said_in_a_sentence()
    {
        using var model = TinyModel.Kata();
        CheckpointFolder.Save(Folder, model, shardBytes: 12_000);
        const string Index = "model.safetensors.index.json", Norm = "model.norm.weight";
        var index = Path.Combine(Folder, Index);
        var shards = Directory.GetFiles(Folder, "*.safetensors").Order(StringComparer.Ordinal).ToArray();
        var text = File.ReadAllText(index);

        Edit(Index, json => json["weight_map"]![Norm] = Path.GetFileName(shards[0]));
        Error().ShouldBe($"{index}: \"weight_map\" places tensor '{Norm}' in '{Path.GetFileName(shards[0])}', which has no such tensor.");

        File.WriteAllText(index, text);
        Edit(Index, json => json["weight_map"]!["model.layers.9.input_layernorm.weight"] = Path.GetFileName(shards[0]));
        Error().ShouldContain("places tensor 'model.layers.9.input_layernorm.weight' in");

        Edit(Index, json => json["weight_map"] = new JsonObject());
        Error().ShouldBe($"{index}: \"weight_map\" is empty.");

        File.WriteAllText(index, text);
        var bytes = File.ReadAllBytes(shards[1]);
        File.Delete(shards[1]);
        Error().ShouldBe($"'{shards[1]}' is missing, though {Index} names it: put the shard there, as it came with the others.");

        File.WriteAllBytes(shards[1], bytes[..^3]);
        Error().ShouldContain($"'{shards[1]}'");

        File.Copy(shards[0], shards[1], overwrite: true);
        Error().ShouldContain($"is in '{shards[0]}' and in '{shards[1]}': one of the two belongs to another model");

        foreach (var file in Directory.GetFiles(Folder, "*safetensors*")) File.Delete(file);
        Error().ShouldBe($"'{Path.Combine(Folder, "model.safetensors")}' is missing, and there is no {Index} beside it: weights are read from safetensors files only.");
    }

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(float.PositiveInfinity, "Infinity")]
    public void A_weight_that_is_no_number_is_named_with_its_place(float weight, string text)
    {
        using var model = TinyModel.Kata();
        model.Model.Parameters["model.layers.1.mlp.up_proj.weight"].view(-1).narrow(0, 37, 1).fill_(weight);
        CheckpointFolder.Save(Folder, model);

        Error().ShouldBe(
            $"'{Path.Combine(Folder, "model.safetensors")}': tensor 'model.layers.1.mlp.up_proj.weight' has {text} at 37: the file is damaged, or the training that wrote it diverged.");
    }

    [Fact]
    public void A_wrong_missing_or_unknown_tensor_is_named()
    {
        using var model = TinyModel.Kata();
        CheckpointFolder.Save(Folder, model);

        Edit("config.json", json => json["intermediate_size"] = 32);
        Error().ShouldBe("Tensor 'model.layers.0.mlp.gate_proj.weight' has shape [24, 16], expected [32, 16] (config.json: intermediate_size 32, hidden_size 16).");

        Edit("config.json", json => (json["intermediate_size"], json["num_hidden_layers"]) = (24, 3));
        Error().ShouldContain("tensor 'model.layers.2.input_layernorm.weight' is missing (config.json: hidden_size 16)");

        Edit("config.json", json => json["num_hidden_layers"] = 1);
        Error().ShouldContain("tensor 'model.layers.1.input_layernorm.weight' belongs to no part of a llama model with this config.json");

        Edit("config.json", json => (json["num_hidden_layers"], json["vocab_size"]) = (2, 200));
        Error().ShouldContain("tokenizer.json has 260 tokens, more than the vocab_size 200 of config.json");
    }

    [Fact]
    public void A_missing_folder_or_file_is_said_in_a_sentence()
    {
        Error().ShouldBe($"The model folder '{Folder}' is missing.");
        _root.CreateSubdirectory("model");
        Error().ShouldBe($"'{Path.Combine(Folder, "config.json")}' is missing.");
    }

    [Fact]
    public void End_tokens_of_the_generation_config_count()
    {
        using var model = TinyModel.Kata();
        CheckpointFolder.Save(Folder, model);
        Edit("generation_config.json", json => json["eos_token_id"] = new JsonArray(257, 10));

        using var loaded = CheckpointFolder.Load(Folder);

        loaded.Tokenizer.Eos.ShouldBe([257, 10]);
    }

    public void Dispose() => _root.Delete(recursive: true);

    private string Error() => Should.Throw<CheckpointException>(() => CheckpointFolder.Load(Folder)).Message;

    private void Edit(string file, Action<JsonNode> change)
    {
        var path = Path.Combine(Folder, file);
        var json = JsonNode.Parse(File.ReadAllText(path))!;
        change(json);
        File.WriteAllText(path, json.ToJsonString());
    }
}
