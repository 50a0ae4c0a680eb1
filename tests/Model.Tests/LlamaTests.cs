using Shouldly;
using TorchSharp;

namespace SelfRewarding.Model.Tests;

public sealed class LlamaTests
{
    [Fact]
    public void Logits_equal_the_reference_implementation()
    {
        using var scope = torch.NewDisposeScope();
        using var off = torch.no_grad();
        using var model = Fixture.Tiny();
        using var layout = SequenceLayout.Of([0, 40, 80, 120]);

        var logits = model.Logits(model.Forward(Fixture.Expected("forward.input_ids").reshape(-1), layout));

        logits.reshape(3, 40, 97).ShouldBeCloseTo(Fixture.Expected("forward.logits"), 1e-4);
    }

    [Fact]
    public void Cached_decoding_has_the_bits_of_the_uncached_forward_pass()
    {
        using var scope = torch.NewDisposeScope();
        using var off = torch.no_grad();
        using var model = Fixture.Tiny();
        var ids = Fixture.Expected("forward.input_ids").narrow(0, 0, 1).reshape(-1);
        using var layout = SequenceLayout.Of([0, 40]);
        using var cache = new KvCache(model.Config, slots: 3, length: 64);
        var whole = model.Forward(ids, layout).Floats();

        // A prompt in two pieces, then one token at a time.
        var pieces = new[] { 17, 8 }.Concat(Enumerable.Repeat(1, 15));
        var (at, cached) = (0, new List<float>());
        foreach (var length in pieces)
        {
            var positions = torch.arange(at, at + length, 1, torch.ScalarType.Int64);
            var slots = torch.full([length], 2, torch.ScalarType.Int64);
            cached.AddRange(model.Forward(ids.narrow(0, at, length), slots, positions, cache).Floats());
            at += length;
        }

        cached.ToArray().ShouldHaveTheBitsOf(whole);
    }

    [Fact]
    public void A_sequence_has_the_same_bits_alone_and_between_others()
    {
        using var scope = torch.NewDisposeScope();
        using var off = torch.no_grad();
        using var model = Fixture.Tiny();
        var ids = Fixture.Expected("forward.input_ids").reshape(-1);
        using var three = SequenceLayout.Of([0, 40, 63, 120]);
        using var one = SequenceLayout.Of([0, 23]);

        var between = model.Logits(model.Forward(ids, three)).narrow(0, 40, 23).Floats();
        var alone = model.Logits(model.Forward(ids.narrow(0, 40, 23), one)).Floats();

        alone.ShouldHaveTheBitsOf(between);
    }

    [Fact]
    public void One_thread_and_two_compute_the_same_bits()
    {
        using var scope = torch.NewDisposeScope();
        using var off = torch.no_grad();
        using var model = Fixture.Tiny();
        using var layout = SequenceLayout.Of([0, 40, 80, 120]);
        var threads = torch.get_num_threads();
        try
        {
            torch.set_num_threads(1);
            var one = Logits();
            torch.set_num_threads(2);
            Logits().ShouldHaveTheBitsOf(one);
        }
        finally
        {
            torch.set_num_threads(threads);
        }

        float[] Logits() => model.Logits(model.Forward(Fixture.Expected("forward.input_ids").reshape(-1), layout)).Floats();
    }

    [Fact]
    public void A_tied_head_is_the_embedding_counted_and_saved_once()
    {
        var config = Fixture.TinyConfig() with { TieWordEmbeddings = true };
        using var scope = torch.NewDisposeScope();
        using var tied = Llama.Create(config, 1);
        using var untied = Llama.Create(config with { TieWordEmbeddings = false }, 1);
        using var layout = SequenceLayout.Of([0, 2]);

        tied.Parameters.Find("lm_head.weight").ShouldBeNull();
        (untied.Parameters.Elements - tied.Parameters.Elements).ShouldBe(97 * 48);
        var hidden = tied.Forward(torch.tensor([3L, 4L]), layout);
        tied.Logits(hidden).Floats().ShouldBe(Kernels.Linear(hidden, tied.Parameters["model.embed_tokens.weight"]).Floats());
    }

    [Fact]
    public void A_fresh_model_depends_on_its_seed_alone()
    {
        using var first = Llama.Create(Fixture.TinyConfig(), 7);
        using var again = Llama.Create(Fixture.TinyConfig(), 7);
        using var other = Llama.Create(Fixture.TinyConfig(), 8);
        const string Name = "model.layers.1.self_attn.q_proj.weight";

        again.Parameters[Name].Floats().ShouldHaveTheBitsOf(first.Parameters[Name].Floats());
        other.Parameters[Name].Floats().ShouldNotBe(first.Parameters[Name].Floats());
        Deviation(first.Parameters["model.embed_tokens.weight"].Floats()).ShouldBe(0.02, 0.001);
        Deviation(first.Parameters["model.layers.0.mlp.down_proj.weight"].Floats()).ShouldBe(0.02 / Math.Sqrt(4), 0.001);
        first.Parameters["model.norm.weight"].Floats().ShouldAllBe(weight => weight == 1);

        static double Deviation(float[] values) => Math.Sqrt(values.Average(value => (double)value * value));
    }

    [Fact]
    public void A_parameter_of_the_wrong_shape_is_named_with_the_field_that_it_contradicts()
    {
        var config = Fixture.TinyConfig() with { IntermediateSize = 64 };

        var error = Should.Throw<CheckpointException>(() => new Llama(config, Fixture.Weights(Fixture.PathOf("tiny-llama", "model.safetensors"))));

        error.Message.ShouldBe("Tensor 'model.layers.0.mlp.gate_proj.weight' has shape [128, 48], expected [64, 48] (config.json: intermediate_size 64, hidden_size 48).");
    }

    [Fact]
    public void Frequencies_of_llama3_scaling_keep_the_fast_and_slow_the_slow()
    {
        var scaled = RopeTable.InverseFrequencies(Fixture.TinyConfig());
        var plain = RopeTable.InverseFrequencies(Fixture.TinyConfig() with { RopeScaling = null });

        scaled[0].ShouldBe(plain[0]); // 32 positions are 5.1 turns: more than high_freq_factor 4
        scaled[^1].ShouldBe(plain[^1] / 8, plain[^1] * 1e-6); // far less than one turn
        scaled.Length.ShouldBe(4);
    }
}
