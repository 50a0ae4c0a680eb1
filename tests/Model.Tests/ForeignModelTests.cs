using System.Text.Json.Nodes;
using Shouldly;
using TorchSharp;

namespace SelfRewarding.Model.Tests;

/// <summary>A folder that somebody else made, loaded, trained and saved: what comes out is what went in, but for the numbers that were learned.</summary>
public sealed class ForeignModelTests : IDisposable
{
    private const string Qwen = "Qwen2.5";
    private const string Zephyr = "{% for message in messages %}{{ '<|user|>\\n' + message['content'] + eos_token }}{% endfor %}{{ '<|assistant|>' }}";

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("foreign");

    public static TheoryData<string> Families => ModelFamilies.Names;

    private string Source => Path.Combine(_root.FullName, "source");

    public void Dispose() => _root.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Families))]
    public void A_folder_is_saved_again_with_the_same_keys_types_fields_and_files(string family)
    {
        WriteSource(family, "BF16");
        using var model = CheckpointFolder.Load(Source);

        var saved = Path.Combine(_root.FullName, "saved");
        var sha256 = CheckpointFolder.Save(saved, model);

        sha256.ShouldBe(CheckpointFolder.Sha256(Source), "numbers that came in BF16 leave in BF16 unchanged");
        foreach (var file in Directory.GetFiles(Source)) File.ReadAllBytes(Path.Combine(saved, Path.GetFileName(file))).ShouldBe(File.ReadAllBytes(file), file);
        using var again = CheckpointFolder.Load(saved, sha256);
        foreach (var (name, tensor) in model.Model.Parameters) again.Model.Parameters[name].Floats().ShouldHaveTheBitsOf(tensor.Floats());
    }

    [Fact]
    public void A_tied_head_that_was_saved_twice_is_saved_once()
    {
        WriteSource(Qwen, "BF16", withHead: true);
        using var model = CheckpointFolder.Load(Source);

        CheckpointFolder.Save(Path.Combine(_root.FullName, "saved"), model);

        using var file = SafeTensors.Open(Path.Combine(_root.FullName, "saved", "model.safetensors"));
        file.Tensors.Keys.ShouldNotContain("lm_head.weight");
        file.Tensors.Values.ShouldAllBe(tensor => tensor.Type == "BF16");
    }

    [Fact]
    public void Each_tensor_keeps_a_type_of_its_own()
    {
        var types = WriteSource(Qwen, "F16");
        types["model.norm.weight"] = "F32";
        types["model.embed_tokens.weight"] = "BF16";
        Rewrite(types);
        using var model = CheckpointFolder.Load(Source);

        CheckpointFolder.Save(Path.Combine(_root.FullName, "saved"), model, shardBytes: 1000).ShouldNotBeEmpty();

        using var again = CheckpointFolder.Load(Path.Combine(_root.FullName, "saved"));
        again.Files.Types.ShouldBe(types.Where(type => type.Value != "F32").ToDictionary(), ignoreOrder: true);
        var index = JsonNode.Parse(File.ReadAllText(Path.Combine(_root.FullName, "saved", "model.safetensors.index.json")))!;
        ((long)index["metadata"]!["total_size"]!).ShouldBe(model.Model.Parameters.Sum(parameter => parameter.Value.numel() * (types[parameter.Key] == "F32" ? 4 : 2)));
    }

    [Fact]
    public void A_training_that_was_cut_off_goes_on_from_float32_and_publishes_the_same_file()
    {
        WriteSource(Qwen, "BF16");
        string Folder(string name) => Path.Combine(_root.FullName, name);

        using (var straight = Learning.From(Source))
        {
            straight.Steps(4);
            CheckpointFolder.Save(Folder("straight"), straight.Model);
        }

        using (var first = Learning.From(Source))
        {
            first.Steps(2);
            CheckpointFolder.Save(Folder("checkpoint"), first.Model, masterWeights: true, shardBytes: 2000);
            first.Optimizer.Save(Path.Combine(Folder("checkpoint"), "optimizer.safetensors"));
        }

        using (var second = Learning.From(Folder("checkpoint")))
        {
            second.Optimizer.Load(Path.Combine(Folder("checkpoint"), "optimizer.safetensors"));
            second.Steps(2);
            CheckpointFolder.Save(Folder("resumed"), second.Model);
        }

        CheckpointFolder.Sha256(Folder("resumed")).ShouldBe(CheckpointFolder.Sha256(Folder("straight")));
        using var published = CheckpointFolder.Load(Folder("resumed"));
        published.Files.Types.Count.ShouldBe(published.Model.Parameters.Count);
        File.ReadAllBytes(Path.Combine(Folder("resumed"), "tokenizer.model")).ShouldBe([1, 2, 3]);

        // The step is small beside BF16's spacing: only weights that were kept in float32 between the halves can come out so.
        using (var rounded = Learning.From(Source))
        {
            rounded.Steps(2);
            CheckpointFolder.Save(Folder("checkpoint"), rounded.Model);
        }

        using var wrong = Learning.From(Folder("checkpoint"));
        wrong.Optimizer.Load(Path.Combine(Folder("checkpoint"), "optimizer.safetensors"));
        wrong.Steps(2);
        CheckpointFolder.Save(Folder("wrong"), wrong.Model).ShouldNotBe(CheckpointFolder.Sha256(Folder("straight")));
    }

    [Fact]
    public void End_tokens_are_one_or_several_and_those_of_the_generation_config_come_first()
    {
        WriteSource("Llama 3.2", "BF16");
        File.Delete(Path.Combine(Source, "generation_config.json"));
        using (var model = CheckpointFolder.Load(Source)) model.Tokenizer.Eos.ShouldBe([2, 7]);

        File.WriteAllText(Path.Combine(Source, "generation_config.json"), """{"eos_token_id": 9, "temperature": 0.6, "top_p": 0.9, "repetition_penalty": 1.05}""");
        using (var model = CheckpointFolder.Load(Source)) model.Tokenizer.Eos.ShouldBe([9]);

        File.WriteAllText(Path.Combine(Source, "generation_config.json"), """{"eos_token_id": "</s>"}""");
        Should.Throw<CheckpointException>(() => CheckpointFolder.Load(Source)).Message
            .ShouldBe($"{Path.Combine(Source, "generation_config.json")}: \"eos_token_id\" is \"</s>\", expected an integer or a list of integers.");
    }

    [Fact]
    public void A_template_chosen_by_name_replaces_that_of_the_files_and_nothing_else()
    {
        WriteSource(Qwen, "BF16");
        File.WriteAllText(Path.Combine(Source, "chat_template.jinja"), Zephyr);
        using var model = CheckpointFolder.Load(Source, chatTemplate: ChatTemplate.Plain);
        var saved = Path.Combine(_root.FullName, "saved");

        CheckpointFolder.Save(saved, model);

        File.Exists(Path.Combine(saved, "chat_template.jinja")).ShouldBeFalse();
        var settings = JsonNode.Parse(File.ReadAllText(Path.Combine(saved, "tokenizer_config.json")))!;
        JsonNode.DeepEquals(settings, new JsonObject { ["tokenizer_class"] = "LlamaTokenizer", ["model_max_length"] = 128 }).ShouldBeTrue(settings.ToJsonString());
        using var again = CheckpointFolder.Load(saved);
        again.Chat.Name.ShouldBe(ChatTemplate.Plain);
        File.ReadAllBytes(Path.Combine(saved, "generation_config.json")).ShouldBe(File.ReadAllBytes(Path.Combine(Source, "generation_config.json")));
    }

    [Fact]
    public void The_end_of_a_turn_is_added_to_the_end_tokens_that_came_with_the_model()
    {
        WriteSource(Qwen, "BF16");
        var tokenizer = SmallTokenizer.Qwen2();
        int Id(string token) => SmallTokenizer.Id(tokenizer, token);
        File.WriteAllText(Path.Combine(Source, "tokenizer.json"), tokenizer.ToJsonString());
        File.WriteAllText(Path.Combine(Source, "generation_config.json"), new JsonObject { ["eos_token_id"] = Id("<|endoftext|>"), ["temperature"] = 0.7 }.ToJsonString());
        using var model = CheckpointFolder.Load(Source, chatTemplate: "chatml");
        var saved = Path.Combine(_root.FullName, "saved");

        CheckpointFolder.Save(saved, model);

        var generation = JsonNode.Parse(File.ReadAllText(Path.Combine(saved, "generation_config.json")))!;
        JsonNode.DeepEquals(generation, new JsonObject { ["eos_token_id"] = new JsonArray(Id("<|endoftext|>"), Id("<|im_end|>")), ["temperature"] = 0.7 }).ShouldBeTrue(generation.ToJsonString());
    }

    private Dictionary<string, string> WriteSource(string family, string type, bool withHead = false)
    {
        Directory.CreateDirectory(Source);
        var config = ModelFamilies.Config(family);
        config["vocab_size"] = 700; // more than any of the tokenizers
        File.WriteAllText(Path.Combine(Source, "config.json"), config.ToJsonString());
        File.WriteAllText(Path.Combine(Source, "tokenizer.json"), ByteLevelTokenizer.ForKata().ToJson());
        File.WriteAllText(Path.Combine(Source, "tokenizer_config.json"), new JsonObject { ["tokenizer_class"] = "LlamaTokenizer", ["model_max_length"] = 128, ["chat_template"] = Zephyr }.ToJsonString());
        File.WriteAllText(Path.Combine(Source, "special_tokens_map.json"), """{"eos_token": "</s>"}""");
        File.WriteAllText(Path.Combine(Source, "generation_config.json"), """{"eos_token_id": [2, 3], "do_sample": true, "temperature": 0.7}""");
        File.WriteAllBytes(Path.Combine(Source, "tokenizer.model"), [1, 2, 3]);
        using var model = Llama.Create(LlamaConfig.Parse(config.ToJsonString()), 5);
        List<KeyValuePair<string, torch.Tensor>> tensors = [.. model.Parameters];
        if (withHead) tensors.Add(KeyValuePair.Create("lm_head.weight", model.Parameters["model.embed_tokens.weight"]));
        var types = tensors.ToDictionary(tensor => tensor.Key, _ => type);
        SafeTensorsWriter.Write(Path.Combine(Source, "model.safetensors"), tensors, types);
        return types;
    }

    private void Rewrite(Dictionary<string, string> types)
    {
        using var model = CheckpointFolder.Load(Source);
        SafeTensorsWriter.Write(Path.Combine(Source, "model.safetensors"), model.Model.Parameters, types.Where(type => type.Value != "F32").ToDictionary());
    }

    private sealed class Learning : IDisposable
    {
        private Learning(LoadedModel model)
        {
            Model = model;
            model.Model.Parameters.RequireGradients(true);
            Optimizer = new AdamW(model.Model.Parameters, new AdamWParameters());
        }

        public LoadedModel Model { get; }

        public AdamW Optimizer { get; }

        public static Learning From(string folder) => new(CheckpointFolder.Load(folder));

        public void Steps(int count)
        {
            for (var i = 0; i < count; i++)
            {
                using var scope = torch.NewDisposeScope();
                using var batch = SequenceBatch.Of([new([5, 6, 7], [8, 9, 2]), new([50], [60, 70])]);
                SftLoss.Mean(Model.Model, batch).backward();
                Optimizer.Step(3e-5);
            }
        }

        public void Dispose()
        {
            Optimizer.Dispose();
            Model.Dispose();
        }
    }
}
