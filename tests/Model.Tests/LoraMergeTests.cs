using Shouldly;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model.Tests;

/// <summary>A published model is told from one that its adapter did not make, in each type that weights are published in.</summary>
public sealed class LoraMergeTests : IDisposable
{
    private static readonly LoraConfig s_config = new(R: 4, Alpha: 6, Dropout: 0, ["q_proj", "down_proj"]);

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("lora-merge");

    private string Parent => Path.Combine(_root.FullName, "M1");

    private string Merged => Path.Combine(_root.FullName, "M2");

    private string Adapter => Path.Combine(Merged, "adapter");

    public void Dispose() => _root.Delete(recursive: true);

    [Theory]
    [InlineData("F32")]
    [InlineData("BF16")]
    [InlineData("F16")]
    public void The_model_before_and_the_adapter_make_the_model_to_the_bit(string type)
    {
        Publish(type);

        LoraMerge.Difference(Parent, Adapter, Merged, s_config).ShouldBeNull();
        Types(Path.Combine(Merged, "model.safetensors")).ShouldBe([type]);
        Types(Path.Combine(Adapter, "adapter_model.safetensors")).ShouldBe(["F32"], "the adapter is not rounded");
        if (type == "F32") return;
        using var adapter = LoraAdapter.Load(Adapter, LlamaConfig.Load(Path.Combine(Parent, "config.json")));
        using var unrounded = CheckpointFolder.Load(Parent);
        using var rounded = CheckpointFolder.Load(Merged);
        unrounded.Model.Adapter = adapter;
        unrounded.Model.MergeAdapter();
        Floats(unrounded).ShouldNotBe(Floats(rounded), "what is published is rounded, adapter and parent are more exact");
    }

    [Fact]
    public void A_merged_weight_has_the_bits_of_a_plain_loop_over_floats()
    {
        const string Name = "model.layers.0.mlp.down_proj";
        using var scope = torch.NewDisposeScope();
        // 700 rows of 1,000: several parts. Rank 48: a sum in another order, or of fused products, would not have these bits.
        var config = Fixture.TinyConfig() with { HiddenSize = 700, IntermediateSize = 1000, NumAttentionHeads = 5, NumKeyValueHeads = 5, HeadDim = 140, NumHiddenLayers = 1 };
        using var model = Llama.Create(config, seed: 5);
        using var adapter = LoraAdapter.Create(config, new LoraConfig(R: 48, Alpha: 7, Dropout: 0, ["down_proj"]), seed: 6);
        LoraTests.Disturb(adapter);
        var (weight, a, b) = (model.Parameters[Name + ".weight"].Floats(), Part("A").Floats(), Part("B").Floats());
        model.Adapter = adapter;

        model.MergeAdapter();

        for (var i = 0; i < weight.Length; i++)
        {
            var (row, column, update) = (i / 1000, i % 1000, 0f);
            for (var k = 0; k < 48; k++) update += b[row * 48 + k] * a[k * 1000 + column];
            weight[i] += update * (7f / 48);
        }

        model.Parameters[Name + ".weight"].Floats().ShouldHaveTheBitsOf(weight);

        Tensor Part(string name) => adapter.Parameters[$"base_model.model.{Name}.lora_{name}.weight"];
    }

    [Fact]
    public void A_model_that_was_merged_by_a_matrix_product_as_at_first_is_accepted_throughout_and_not_in_part()
    {
        const string Name = "model.layers.0.self_attn.q_proj.weight", Other = "model.layers.0.mlp.down_proj.weight";
        Publish("F32");
        var config = LlamaConfig.Load(Path.Combine(Parent, "config.json"));
        using var adapter = LoraAdapter.Load(Adapter, config);
        using (var asToday = CheckpointFolder.Load(Merged))
        {
            using (var asAtFirst = CheckpointFolder.Load(Parent))
            {
                foreach (var (name, weight) in asAtFirst.Model.Parameters) adapter.MergeAsAtFirst(name, weight);
                Floats(asAtFirst).ShouldNotBe(Floats(asToday), "else there would be nothing to accept");
                CheckpointFolder.Save(Merged, asAtFirst);
                LoraMerge.Difference(Parent, Adapter, Merged, s_config).ShouldBeNull();

                using (torch.no_grad()) asAtFirst.Model.Parameters[Name].copy_(asToday.Model.Parameters[Name]);
                asAtFirst.Model.Parameters[Other].Floats().ShouldNotBe(asToday.Model.Parameters[Other].Floats());
                CheckpointFolder.Save(Merged, asAtFirst);
            }
        }

        LoraMerge.Difference(Parent, Adapter, Merged, s_config).ShouldNotBeNull().ShouldContain(Other);
    }

    [Theory]
    [InlineData("F32")]
    [InlineData("BF16")]
    public void Another_adapter_or_another_model_is_told_by_the_tensor(string type)
    {
        Publish(type);
        var config = LlamaConfig.Load(Path.Combine(Parent, "config.json"));
        using (var other = LoraAdapter.Create(config, s_config, seed: 2))
        {
            LoraTests.Disturb(other);
            other.Save(Adapter, Parent);
        }

        LoraMerge.Difference(Parent, Adapter, Merged, s_config).ShouldBe(
            $"tensor 'model.layers.0.self_attn.q_proj.weight' in '{Merged}' is not that of '{Parent}' with the adapter in '{Adapter}'");

        Publish(type);
        using (var changed = CheckpointFolder.Load(Merged))
        {
            using (torch.no_grad()) changed.Model.Parameters["model.norm.weight"].add_(torch.ones([config.HiddenSize]));
            CheckpointFolder.Save(Merged, changed);
        }

        LoraMerge.Difference(Parent, Adapter, Merged, s_config).ShouldNotBeNull().ShouldContain("'model.norm.weight'", Case.Sensitive, "no target, but of the model all the same");
    }

    private void Publish(string type)
    {
        var tokenizer = ByteLevelTokenizer.ForKata();
        var config = Fixture.TinyConfig() with { VocabSize = tokenizer.VocabSize, BosTokenId = tokenizer.Bos, EosTokenIds = tokenizer.Eos };
        using (var made = new LoadedModel(Llama.Create(config, seed: 3), ChatTemplate.Named(ChatTemplate.Plain, tokenizer)))
        {
            var types = type == "F32" ? [] : made.Model.Parameters.ToDictionary(parameter => parameter.Key, _ => type);
            CheckpointFolder.Save(Parent, made with { Files = ModelFiles.None with { Types = types } });
        }

        using var model = CheckpointFolder.Load(Parent);
        using var adapter = LoraAdapter.Create(config, s_config, seed: 1);
        LoraTests.Disturb(adapter);
        adapter.Save(Adapter, Parent);
        model.Model.Adapter = adapter;
        model.Model.MergeAdapter();
        CheckpointFolder.Save(Merged, model);
    }

    private static float[] Floats(LoadedModel model) => model.Model.Parameters["model.layers.0.self_attn.q_proj.weight"].Floats();

    private static IEnumerable<string> Types(string path)
    {
        using var file = SafeTensors.Open(path);
        return [.. file.Tensors.Values.Select(tensor => tensor.Type).Distinct()];
    }
}
