using System.Text.Json.Nodes;
using Shouldly;
using TorchSharp;

namespace SelfRewarding.Model.Tests;

/// <summary>Every family that is taken, against <see cref="NaiveLlama"/>.</summary>
public sealed class ModelFamilyTests
{
    private static readonly int[] Ids = [1, 40, 7, 7, 31, 12, 55, 3, 28, 40, 19, 9, 44, 2];

    public static TheoryData<string> Families => ModelFamilies.Names;

    [Theory]
    [MemberData(nameof(Families))]
    public void Logits_are_those_of_plain_double_arithmetic(string family)
    {
        using var scope = torch.NewDisposeScope();
        using var off = torch.no_grad();
        using var model = ModelFamilies.Create(family);
        using var layout = SequenceLayout.Of([0, Ids.Length]);
        var expected = new NaiveLlama(ModelFamilies.Config(family), ModelFamilies.Weights(model)).Logits(Ids).SelectMany(row => row).ToArray();

        var logits = model.Logits(model.Forward(torch.tensor(Array.ConvertAll(Ids, id => (long)id)), layout)).Floats();

        for (var i = 0; i < logits.Length; i++) ((double)logits[i]).ShouldBe(expected[i], 1e-4, $"at {i}");
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Gradients_are_the_finite_differences_of_plain_double_arithmetic(string family)
    {
        const int Prompt = 4, Checked = 6; // of a matrix; of a bias all
        const double Step = 1e-4;
        using var scope = torch.NewDisposeScope();
        using var model = ModelFamilies.Create(family);
        model.Parameters.RequireGradients(true);
        using var batch = SequenceBatch.Of([new TrainingSequence(Ids[..Prompt], Ids[Prompt..])]);
        var weights = ModelFamilies.Weights(model);
        var naive = new NaiveLlama(ModelFamilies.Config(family), weights);

        var loss = SftLoss.Mean(model, batch);
        loss.backward();

        ((double)loss.item<float>()).ShouldBe(naive.Loss(Ids, Prompt), 1e-5);
        foreach (var (name, tensor) in model.Parameters)
        {
            var gradient = tensor.grad!.Floats();
            var largest = gradient.Max(Math.Abs);
            largest.ShouldBeGreaterThan(0, name);
            for (var i = 0; i < gradient.Length; i += name.EndsWith(".bias", StringComparison.Ordinal) ? 1 : Math.Max(1, gradient.Length / Checked))
            {
                var weight = weights[name][i];
                weights[name][i] = weight + Step;
                var above = naive.Loss(Ids, Prompt);
                weights[name][i] = weight - Step;
                var below = naive.Loss(Ids, Prompt);
                weights[name][i] = weight;
                ((double)gradient[i]).ShouldBe((above - below) / (2 * Step), 2e-5 + 1e-4 * largest, $"{name} at {i}");
            }
        }
    }

    [Fact]
    public void A_model_of_biases_has_them_where_its_family_has_them()
    {
        static string[] Biases(string family) => [.. ParameterShape.Of(LlamaConfig.Parse(ModelFamilies.Config(family).ToJsonString()))
            .Select(shape => shape.Name).Where(name => name.StartsWith("model.layers.1.", StringComparison.Ordinal) && name.EndsWith(".bias", StringComparison.Ordinal))];

        Biases("Qwen2.5").ShouldBe(["model.layers.1.self_attn.q_proj.bias", "model.layers.1.self_attn.k_proj.bias", "model.layers.1.self_attn.v_proj.bias"]);
        Biases("Llama with biases").Length.ShouldBe(7);
        Biases("Mistral 0.1").ShouldBeEmpty();
    }

    [Theory]
    [InlineData(500000.0, 8.0, 1.0, 4.0, 8192, 128)] // Llama 3.1
    [InlineData(500000.0, 32.0, 1.0, 4.0, 8192, 64)] // Llama 3.2 of a billion weights
    [InlineData(10000.0, 3.0, 2.0, 9.0, 500, 32)]
    public void Frequencies_of_llama3_scaling_are_those_of_its_formula(double theta, double factor, double low, double high, int context, int dim)
    {
        var json = ModelFamilies.Config("Llama 3.2");
        (json["rope_theta"], json["head_dim"]) = (theta, dim);
        var scaling = json["rope_scaling"]!;
        (scaling["factor"], scaling["low_freq_factor"], scaling["high_freq_factor"], scaling["original_max_position_embeddings"]) = (factor, low, high, context);
        var naive = new NaiveLlama(JsonNode.Parse(json.ToJsonString())!, new Dictionary<string, double[]>());

        var frequencies = RopeTable.InverseFrequencies(LlamaConfig.Parse(json.ToJsonString()));

        frequencies.Length.ShouldBe(dim / 2);
        for (var i = 0; i < frequencies.Length; i++) ((double)frequencies[i]).ShouldBe(naive.Frequency(i), 1e-7 * naive.Frequency(i), $"pair {i}");
        frequencies.Count(frequency => frequency * context / (2 * Math.PI) > low && frequency * context / (2 * Math.PI) < high).ShouldBeGreaterThan(0, "some lie between the two");
    }
}
