using System.Text.Json.Nodes;
using Shouldly;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model.Tests;

/// <summary>Low-rank adaptation: what an adapter adds, what it leaves alone, and how it is kept.</summary>
public sealed class LoraTests : IDisposable
{
    private static readonly LoraConfig s_config = new(R: 4, Alpha: 6, Dropout: 0, LoraConfig.Known);
    private static readonly TrainingSequence[] s_batch = [new([5, 6, 7], [8, 9, 10, 11]), new([12, 13], [14, 15, 16])];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("lora");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_fresh_adapter_changes_nothing_and_without_one_there_is_the_reference()
    {
        using var scope = torch.NewDisposeScope();
        using var model = Fixture.Tiny();
        var before = LogProbs(model);

        using var adapter = LoraAdapter.Create(model.Config, s_config, seed: 1);
        model.Adapter = adapter;
        LogProbs(model).ShouldBe(before);

        Disturb(adapter);
        LogProbs(model).ShouldNotBe(before);
        model.Adapter = null;
        LogProbs(model).ShouldHaveTheBitsOf(before);
    }

    [Fact]
    public void A_merged_model_says_what_model_and_adapter_said()
    {
        using var scope = torch.NewDisposeScope();
        using var model = Fixture.Tiny();
        using var adapter = LoraAdapter.Create(model.Config, s_config, seed: 1);
        Disturb(adapter);
        model.Adapter = adapter;
        var (unmerged, logits) = (LogProbs(model), Logits(model));

        model.MergeAdapter();

        model.Adapter.ShouldBeNull();
        Logits(model).ShouldBeCloseTo(logits, 1e-5, "logits", relative: true);
        torch.tensor(LogProbs(model)).ShouldBeCloseTo(torch.tensor(unmerged), 1e-5, "log-probabilities", relative: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gradients_of_A_and_B_follow_from_those_of_the_merged_weight(bool checkpointed)
    {
        using var scope = torch.NewDisposeScope();
        using var merged = Fixture.Tiny();
        using var model = Fixture.Tiny();
        using var adapter = LoraAdapter.Create(model.Config, s_config, seed: 1);
        Disturb(adapter);
        adapter.Parameters.RequireGradients(true);
        model.Adapter = adapter;
        merged.Adapter = adapter;
        merged.MergeAdapter();
        merged.Parameters.RequireGradients(true);

        var loss = new BatchGradients(merged).Supervised(s_batch);
        new BatchGradients(model, checkpointActivations: checkpointed).Supervised(s_batch).ShouldBe(loss, 1e-5 * loss);

        using var off = torch.no_grad();
        foreach (var (name, _) in merged.Parameters.Where(parameter => parameter.Key.Contains("_proj.")))
        {
            var module = $"base_model.model.{name[..^".weight".Length]}.lora_";
            var (a, b, dW) = (adapter.Parameters[module + "A.weight"], adapter.Parameters[module + "B.weight"], merged.Parameters[name].grad!);
            b.grad!.ShouldBeCloseTo(dW.matmul(a.transpose(0, 1)) * s_config.Scale, 1e-4, name, relative: true); // d(s B A)/dB
            a.grad!.ShouldBeCloseTo(b.transpose(0, 1).matmul(dW) * s_config.Scale, 1e-4, name, relative: true);
        }
    }

    [Fact]
    public void A_step_moves_the_adapter_and_no_weight_of_the_model()
    {
        using var scope = torch.NewDisposeScope();
        using var model = Fixture.Tiny();
        using var adapter = LoraAdapter.Create(model.Config, s_config with { TargetModules = ["q_proj", "v_proj"] }, seed: 1);
        var before = model.Parameters.ToDictionary(parameter => parameter.Key, parameter => parameter.Value.Floats());
        var a = adapter.Parameters.ToDictionary(parameter => parameter.Key, parameter => parameter.Value.Floats());
        model.Adapter = adapter;
        adapter.Parameters.RequireGradients(true);
        using var optimizer = new AdamW(adapter.Parameters, new AdamWParameters());

        var losses = Enumerable.Range(0, 20).Select(_ =>
        {
            var loss = new BatchGradients(model).Supervised(s_batch);
            optimizer.Step(1e-2);
            return loss;
        }).ToList();

        losses[^1].ShouldBeLessThan(losses[0] * 0.9, "it learns");
        foreach (var (name, tensor) in model.Parameters)
        {
            tensor.grad.ShouldBeNull(name);
            tensor.Floats().ShouldHaveTheBitsOf(before[name]);
        }

        adapter.Parameters.Count.ShouldBe(2 * 2 * model.Config.NumHiddenLayers);
        foreach (var (name, tensor) in adapter.Parameters) tensor.Floats().ShouldNotBe(a[name], name);
    }

    [Fact]
    public void Dropout_is_drawn_from_its_key_and_only_where_there_is_one()
    {
        using var scope = torch.NewDisposeScope();
        using var model = Fixture.Tiny();
        using var adapter = LoraAdapter.Create(model.Config, s_config with { Dropout = 0.5 }, seed: 1);
        Disturb(adapter);
        model.Adapter = adapter;
        adapter.Parameters.RequireGradients(true);

        var loss = Loss(new DropoutKey(0, 7));
        Loss(new DropoutKey(0, 7)).ShouldBe(loss);
        Loss(new DropoutKey(0, 8)).ShouldNotBe(loss);
        Loss(null).ShouldNotBe(loss);
        new BatchGradients(model, checkpointActivations: true).Supervised(s_batch, new DropoutKey(0, 7)).ShouldBe(loss);

        double Loss(DropoutKey? key) => new BatchGradients(model).Supervised(s_batch, key);
    }

    [Fact]
    public void An_adapter_is_kept_as_PEFT_keeps_it_and_comes_back_with_the_same_bits()
    {
        using var scope = torch.NewDisposeScope();
        var model = Fixture.TinyConfig();
        using var adapter = LoraAdapter.Create(model, s_config with { TargetModules = ["q_proj", "down_proj"], Dropout = 0.25 }, seed: 1);
        Disturb(adapter);

        var sha256 = adapter.Save(_folder.FullName, Path.Combine(_folder.Parent!.FullName, "M1"));

        LoraFiles.Sha256(_folder.FullName).ShouldBe(sha256);
        using var back = LoraAdapter.Load(_folder.FullName, model);
        back.Config.ShouldSatisfyAllConditions(
            config => config.R.ShouldBe(4), config => config.Alpha.ShouldBe(6), config => config.Dropout.ShouldBe(0.25), config => config.TargetModules.ShouldBe(["q_proj", "down_proj"]));
        foreach (var (name, tensor) in adapter.Parameters) back.Parameters[name].Floats().ShouldHaveTheBitsOf(tensor.Floats());
        using var file = SafeTensors.Open(Path.Combine(_folder.FullName, "adapter_model.safetensors"));
        file.Metadata["format"].ShouldBe("pt");
        file.Tensors["base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"].Shape.ShouldBe([4, model.HiddenSize]);
        file.Tensors["base_model.model.model.layers.1.mlp.down_proj.lora_B.weight"].Shape.ShouldBe([model.HiddenSize, 4]);
        var json = JsonNode.Parse(File.ReadAllText(ConfigPath))!;
        json["peft_type"]!.GetValue<string>().ShouldBe("LORA");
        json["task_type"]!.GetValue<string>().ShouldBe("CAUSAL_LM");
        json["base_model_name_or_path"]!.GetValue<string>().ShouldBe("../M1", "from the adapter's folder, so that both can be moved");
        json["lora_alpha"]!.GetValue<double>().ShouldBe(6);
    }

    [Fact]
    public void An_unknown_target_is_refused_by_name() =>
        Should.Throw<CheckpointException>(() => LoraAdapter.Create(Fixture.TinyConfig(), s_config with { TargetModules = ["q_proj", "c_attn"] }, seed: 1))
            .Message.ShouldBe("LoRA: \"target_modules\" names 'c_attn', which no layer of this model has; expected some of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj.");

    [Theory]
    [InlineData("target_modules", """["wqkv"]""", "names 'wqkv'")]
    [InlineData("target_modules", "[]", "is empty")]
    [InlineData("target_modules", "\"all-linear\"", "expected a list of names")]
    [InlineData("use_dora", "true", "is true")]
    [InlineData("use_rslora", "true", "is true")]
    [InlineData("modules_to_save", """["lm_head"]""", "is [\"lm_head\"]")]
    [InlineData("rank_pattern", """{"q_proj": 2}""", "not implemented")]
    [InlineData("bias", "\"all\"", "is \"all\"")]
    [InlineData("peft_type", "\"IA3\"", "is \"IA3\"")]
    [InlineData("r", "0", "a positive integer")]
    [InlineData("lora_dropout", "1", "below 1")]
    public void What_is_not_implemented_is_refused_by_the_field_s_name(string field, string value, string why)
    {
        using var adapter = LoraAdapter.Create(Fixture.TinyConfig(), s_config, seed: 1);
        adapter.Save(_folder.FullName, "base");
        Change(field, value);

        var message = Should.Throw<CheckpointException>(() => LoraAdapter.Load(_folder.FullName, Fixture.TinyConfig())).Message;

        message.ShouldContain($"\"{field}\"");
        message.ShouldContain(why);
    }

    [Fact]
    public void An_adapter_of_another_model_is_refused()
    {
        using var adapter = LoraAdapter.Create(Fixture.TinyConfig(), s_config, seed: 1);
        adapter.Save(_folder.FullName, "base");
        Should.Throw<CheckpointException>(() => LoraAdapter.Load(_folder.FullName, Fixture.TinyConfig() with { IntermediateSize = 200 })).Message.ShouldContain("has shape");
        Should.Throw<CheckpointException>(() => LoraAdapter.Load(_folder.FullName, Fixture.TinyConfig() with { NumHiddenLayers = 1 })).Message.ShouldContain("belongs to no target");
        Should.Throw<CheckpointException>(() => LoraAdapter.Load(_folder.FullName, Fixture.TinyConfig() with { NumHiddenLayers = 3 })).Message.ShouldContain("has no tensor");
    }

    [Theory]
    [InlineData("r", "2", "4")]
    [InlineData("lora_alpha", "12", "6")]
    [InlineData("lora_dropout", "0.5", "0")]
    [InlineData("target_modules", "[\"q_proj\"]", "[down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj]")]
    public void Figures_other_than_those_of_the_training_are_refused(string field, string value, string expected)
    {
        using var adapter = LoraAdapter.Create(Fixture.TinyConfig(), s_config, seed: 1);
        adapter.Save(_folder.FullName, "base");
        LoraAdapter.Load(_folder.FullName, Fixture.TinyConfig(), s_config with { TargetModules = [.. LoraConfig.Known.Reverse()] }).Dispose();
        Change(field, value);

        Should.Throw<CheckpointException>(() => LoraAdapter.Load(_folder.FullName, Fixture.TinyConfig(), s_config))
            .Message.ShouldBe($"{ConfigPath}: \"{field}\" is {value.Replace("\"", "")}, but this adapter is trained with {expected}: put that back.");
    }

    [Fact]
    public void Weights_of_another_type_are_refused_by_the_tensor_s_name()
    {
        using var adapter = LoraAdapter.Create(Fixture.TinyConfig(), s_config, seed: 1);
        adapter.Save(_folder.FullName, "base");
        var path = Path.Combine(_folder.FullName, "adapter_model.safetensors");
        using (var scope = torch.NewDisposeScope())
            SafeTensors.Write(path, adapter.Parameters.Select(tensor => KeyValuePair.Create(tensor.Key, tensor.Value.to_type(torch.ScalarType.Int64))));

        Should.Throw<CheckpointException>(() => LoraAdapter.Load(_folder.FullName, Fixture.TinyConfig()))
            .Message.ShouldBe($"'{path}': tensor '{adapter.Parameters[0].Key}' has type I64, expected F32, F16 or BF16.");
    }

    private string ConfigPath => Path.Combine(_folder.FullName, "adapter_config.json");

    private void Change(string field, string value)
    {
        var json = JsonNode.Parse(File.ReadAllText(ConfigPath))!;
        json[field] = JsonNode.Parse(value);
        File.WriteAllText(ConfigPath, json.ToJsonString());
    }

    /// <summary>As after some training: B is not zero any more.</summary>
    internal static void Disturb(LoraAdapter adapter)
    {
        using var off = torch.no_grad();
        foreach (var (index, (name, tensor)) in adapter.Parameters.Index())
        {
            if (!name.Contains("lora_B")) continue;
            var values = Enumerable.Range(0, (int)tensor.numel()).Select(i => (float)((Philox.Uniform(99, (ulong)index, (ulong)i) - 0.5) * 0.2)).ToArray();
            tensor.copy_(torch.tensor(values, tensor.shape.AsSpan()));
        }
    }

    private static float[] LogProbs(Llama model)
    {
        using var off = torch.no_grad();
        using var batch = SequenceBatch.Of(s_batch);
        return batch.TargetLogProbs(model).Floats();
    }

    private static Tensor Logits(Llama model)
    {
        using var off = torch.no_grad();
        using var batch = SequenceBatch.Of(s_batch);
        return model.Logits(model.Forward(batch.Ids, batch.Layout));
    }
}
