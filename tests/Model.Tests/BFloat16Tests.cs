using Shouldly;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model.Tests;

/// <summary>Models that compute in bfloat16: what they generate, and how they are trained over float32 master weights.</summary>
public sealed class BFloat16Tests : IDisposable
{
    private const torch.ScalarType Narrow = torch.ScalarType.BFloat16;

    // Eight bits of precision: rounding is off by at most half of the last, 2^-9 of the number.
    private const double Unit = 1.0 / 512;

    private static readonly TrainingSequence[] s_sequences = [new([5, 6, 7], [8, 9, 10, 11]), new([12, 13], [14, 15, 16]), new([20], [21, 22, 23, 24, 25])];

    private readonly DisposeScope _scope = torch.NewDisposeScope();
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("bfloat16");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _scope.Dispose();
        _root.Delete(recursive: true);
    }

    [Fact]
    public void Logits_differ_from_those_of_float32_by_what_roundings_come_to()
    {
        using var off = torch.no_grad();
        using var wide = Fixture.Tiny();
        using var narrow = InBFloat16(Fixture.Tiny());
        using var layout = SequenceLayout.Of([0, 40, 80, 120]);
        var ids = Fixture.Expected("forward.input_ids").reshape(-1);

        ShouldDifferByRoundings(narrow.Logits(narrow.Forward(ids, layout)), wide.Logits(wide.Forward(ids, layout)), wide.Config.NumHiddenLayers);
    }

    [Fact]
    public void A_trained_model_s_do_and_its_likeliest_tokens_are_mostly_the_same()
    {
        using var off = torch.no_grad();
        using var wide = Stories.Load();
        using var narrow = Stories.Load(Narrow);
        var (same, all) = (0, 0);
        foreach (var (prompt, greedy) in Stories.Continuations())
        {
            using var batch = SequenceBatch.Of([new(prompt, greedy)]);
            var expected = wide.Model.Logits(wide.Model.Forward(batch.Ids, batch.Layout));
            var actual = narrow.Model.Logits(narrow.Model.Forward(batch.Ids, batch.Layout));
            actual.dtype.ShouldBe(torch.ScalarType.Float32);
            ShouldDifferByRoundings(actual, expected, wide.Model.Config.NumHiddenLayers);
            same += actual.argmax(-1).Longs()[(prompt.Length - 1)..^1].Zip(greedy).Count(pair => pair.First == pair.Second);
            all += greedy.Length;
        }

        same.ShouldBeGreaterThan(all * 9 / 10);
    }

    [Fact]
    public async Task A_request_draws_the_same_bits_alone_and_in_a_full_batch_and_not_those_of_float32()
    {
        using var model = Stories.Load(Narrow);
        using var wide = Stories.Load();
        var requests = Stories.Continuations().SelectMany(continuation => Enumerable.Range(0, 8).Select(i =>
            new GenerationRequest([.. continuation.Prompt, .. continuation.Greedy[..i]], [(ulong)i, 50 + (ulong)i], new(i % 2, 0.95, 0, 24)))).ToArray();

        var alone = await GenerateAsync(model, new(Slots: 2), atOnce: false);
        var together = await GenerateAsync(model, new(Slots: 40, RowsPerStep: 50), atOnce: true);

        for (var i = 0; i < alone.Count; i++)
        {
            together[i].TokenIds.ShouldBe(alone[i].TokenIds);
            together[i].LogProbs.ShouldHaveTheBitsOf(alone[i].LogProbs);
        }

        (await GenerateAsync(wide, new(Slots: 40), atOnce: true)).SelectMany(completion => completion.LogProbs).ShouldNotBe(together.SelectMany(completion => completion.LogProbs));

        async Task<List<Completion>> GenerateAsync(LoadedModel by, GenerationEngineOptions options, bool atOnce)
        {
            await using var engine = new GenerationEngine(by, options);
            var completions = new List<IReadOnlyList<Completion>>();
            if (atOnce) completions.AddRange(await Task.WhenAll(requests.Select(request => engine.GenerateAsync(request, Cancelled))));
            else foreach (var request in requests) completions.Add(await engine.GenerateAsync(request, Cancelled));
            return [.. completions.SelectMany(some => some)];
        }
    }

    [Fact]
    public void Cached_decoding_has_the_bits_of_the_uncached_forward_pass()
    {
        using var off = torch.no_grad();
        using var model = InBFloat16(Fixture.Tiny());
        var ids = Fixture.Expected("forward.input_ids").narrow(0, 0, 1).reshape(-1);
        using var layout = SequenceLayout.Of([0, 40]);
        using var cache = new KvCache(model.Config, slots: 3, length: 64, type: model.Compute);

        var cached = new List<float>();
        for (var at = 0; at < 40; at++)
        {
            var (slot, position) = (torch.full([1], 2, torch.ScalarType.Int64), torch.full([1], at, torch.ScalarType.Int64));
            cached.AddRange(model.Logits(model.Forward(ids.narrow(0, at, 1), slot, position, cache)).Floats());
        }

        cached.ToArray().ShouldHaveTheBitsOf(model.Logits(model.Forward(ids, layout)).Floats());
    }

    [Fact]
    public void Where_the_policy_is_the_reference_the_loss_of_DPO_is_ln_2_though_one_has_masters_and_the_other_has_none()
    {
        using var reference = InBFloat16(Fixture.Tiny());
        using var policy = Masters();
        policy.Parameters.RequireGradients(true);
        var pairs = new List<PreferenceExample>();
        using (torch.no_grad())
        {
            using var batch = SequenceBatch.Of(s_sequences);
            var scores = batch.ResponseLogProbs(reference).Floats();
            pairs.AddRange([new(s_sequences[0], s_sequences[1], scores[0], scores[1]), new(s_sequences[2], s_sequences[0], scores[2], scores[0])]);
        }

        var outcome = new BatchGradients(policy).Preference(pairs, new DpoParameters());

        outcome.Loss.ShouldBe((float)Math.Log(2));
        outcome.ChosenRewards.Concat(outcome.RejectedRewards).ShouldAllBe(reward => reward == 0);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public void Three_steps_over_masters_follow_those_of_float32(int rank)
    {
        var (wide, wideLosses) = Train(Fixture.Tiny(), rank);
        var (narrow, narrowLosses) = Train(Masters(), rank);
        using var start = Fixture.Tiny();

        for (var i = 0; i < wideLosses.Length; i++) narrowLosses[i].ShouldBe(wideLosses[i], wideLosses[i] * Roundings(start.Config.NumHiddenLayers));
        narrowLosses.ShouldNotBe(wideLosses);
        using var off = torch.no_grad();
        foreach (var (name, trained) in wide)
        {
            var (moved, apart) = (Norm(trained - start.Parameters[name]), Norm(narrow[name] - trained));
            narrow[name].dtype.ShouldBe(torch.ScalarType.Float32);
            // There and back: twice the roundings.
            if (moved > 0) (apart / moved).ShouldBeLessThan(2 * Roundings(start.Config.NumHiddenLayers), name);
        }
    }

    [Fact]
    public void A_step_too_small_for_bfloat16_moves_the_masters_and_many_of_them_the_model()
    {
        using var model = Masters();
        using var start = Fixture.Tiny();
        model.Parameters.RequireGradients(true);
        using var optimizer = new AdamW(model.Parameters, new AdamWParameters(WeightDecay: 0));
        const string Name = "model.layers.0.mlp.up_proj.weight";

        Step();
        var (moved, seen) = (Share(kept: true), Share(kept: false));
        moved.ShouldBeGreaterThan(0.9, "AdamW's first step moves each weight by the learning rate");
        seen.ShouldBeLessThan(0.05, "weights kept in bfloat16 would have stayed where they were");
        for (var i = 0; i < 100; i++) Step();
        Share(kept: false).ShouldBeGreaterThan(0.2, "small steps add up");

        void Step()
        {
            new BatchGradients(model).Supervised(s_sequences);
            optimizer.Step(2e-6);
        }

        double Share(bool kept)
        {
            var (now, before) = (model.Parameters[Name].detach(), start.Parameters[Name]);
            return (kept ? now.ne(before) : now.to_type(Narrow).ne(before.to_type(Narrow))).to_type(torch.ScalarType.Float32).mean().item<float>();
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public void Checkpointed_activations_and_divided_batches_give_the_gradients_of_the_whole(int rank)
    {
        using var whole = Masters();
        using var checkpointed = Masters();
        using var divided = Masters();
        using var adapters = Adapters.Of(rank, whole, checkpointed, divided);

        var loss = new BatchGradients(whole).Supervised(s_sequences);
        new BatchGradients(checkpointed, checkpointActivations: true).Supervised(s_sequences).ShouldBe(loss);
        new BatchGradients(divided, microBatch: 1, checkpointActivations: true).Supervised(s_sequences).ShouldBe(loss, 1e-5);

        foreach (var (name, tensor) in Learned(whole))
        {
            Learned(checkpointed)[name].grad!.Floats().ShouldHaveTheBitsOf(tensor.grad!.Floats());
            Learned(divided)[name].grad!.ShouldBeCloseTo(tensor.grad!, 4 * Unit, name, relative: true);
        }
    }

    [Fact]
    public void A_training_that_goes_on_from_a_checkpoint_goes_on_from_its_masters()
    {
        using var straight = Kata();
        using var first = Kata();
        var folder = Path.Combine(_root.FullName, "checkpoint");
        using (var optimizer = Learning(straight.Model))
        {
            Step(straight.Model, optimizer);
            Step(straight.Model, optimizer);
        }

        using (var optimizer = Learning(first.Model))
        {
            Step(first.Model, optimizer);
            CheckpointFolder.Save(folder, first, masterWeights: true);
            optimizer.Save(Path.Combine(folder, "optimizer.safetensors"));
        }

        using var second = CheckpointFolder.Load(folder, compute: Narrow, masterWeights: true);
        second.Model.Compute.ShouldBe(Narrow);
        using (var optimizer = Learning(second.Model))
        {
            optimizer.Load(Path.Combine(folder, "optimizer.safetensors"));
            Step(second.Model, optimizer);
        }

        foreach (var (name, tensor) in straight.Model.Parameters) second.Model.Parameters[name].Floats().ShouldHaveTheBitsOf(tensor.Floats());

        static LoadedModel Kata() => new(
            Llama.Create(Fixture.TinyConfig() with { VocabSize = 260, BosTokenId = 256, EosTokenIds = [257] }, seed: 4, Narrow), ByteLevelTokenizer.ForKata());

        static AdamW Learning(Llama model)
        {
            model.Parameters.RequireGradients(true);
            return new AdamW(model.Parameters, new AdamWParameters());
        }

        static void Step(Llama model, AdamW optimizer)
        {
            new BatchGradients(model).Supervised(s_sequences);
            optimizer.Step(1e-3);
        }
    }

    [Fact]
    public void Other_devices_kernels_agree_within_roundings()
    {
        using var off = torch.no_grad();
        using var model = InBFloat16(Fixture.Tiny());
        using var masters = Masters();
        using var layout = SequenceLayout.Of([0, 40, 80, 120]);
        var ids = Fixture.Expected("forward.input_ids").reshape(-1);
        var expected = model.Logits(model.Forward(ids, layout));
        masters.Logits(masters.Forward(ids, layout)).Floats().ShouldHaveTheBitsOf(expected.Floats());

        Kernels.OnlyComposed.Value = true;
        try
        {
            // It rounds scores and what attention weighs by, too.
            ShouldDifferByRoundings(model.Logits(model.Forward(ids, layout)), expected, model.Config.NumHiddenLayers);
            ShouldDifferByRoundings(masters.Logits(masters.Forward(ids, layout)), expected, model.Config.NumHiddenLayers);
        }
        finally
        {
            Kernels.OnlyComposed.Value = false;
        }
    }

    [Fact]
    public void What_is_computed_in_is_named_as_Hugging_Face_does()
    {
        ComputeType.Named(null).ShouldBe(torch.ScalarType.Float32);
        ComputeType.Known.Select(ComputeType.Named).ShouldBe([torch.ScalarType.Float32, Narrow]);
        Should.Throw<ArgumentException>(() => ComputeType.Named("fp8")).Message.ShouldStartWith("'fp8' is no type to compute in, expected one of float32, bfloat16.");
    }

    /// <summary>
    /// A number on its way through the model is rounded some twelve times a layer (norms, projections, rotation, attention, products, two sums) and twice beside (weights, last norm).
    /// Each is off by at most u = 2^-9 of the number, so to first order R of them, all the same way, come to R u of the size of what they make.
    /// </summary>
    private static double Roundings(int layers) => ((12 * layers) + 2) * Unit;

    private static void ShouldDifferByRoundings(Tensor actual, Tensor expected, int layers)
    {
        var relative = Norm(actual - expected) / Norm(expected);
        relative.ShouldBeLessThan(Roundings(layers));
        relative.ShouldBeGreaterThan(Unit / 16, "it does compute in bfloat16");
    }

    private static double Norm(Tensor tensor) => Math.Sqrt(Kernels.SquaredNorm(tensor.contiguous()));

    private static Llama InBFloat16(Llama model)
    {
        using (model) return new Llama(model.Config, new Parameters([.. model.Parameters.Select(parameter => KeyValuePair.Create(parameter.Key, parameter.Value.to_type(Narrow)))]));
    }

    private static Llama Masters() => new(Fixture.TinyConfig(), Fixture.Weights(Fixture.PathOf("tiny-llama", "model.safetensors")), Narrow);

    private static Parameters Learned(Llama model) => model.Adapter?.Parameters ?? model.Parameters;

    private static (IReadOnlyDictionary<string, Tensor> Weights, double[] Losses) Train(Llama model, int rank)
    {
        using var adapters = Adapters.Of(rank, model);
        // Adam's first step is the gradient's sign where eps is small, and signs of what is nearly 0 are the rounding's.
        using var optimizer = new AdamW(Learned(model), new AdamWParameters(Epsilon: 1e-2));
        var losses = new double[3];
        for (var step = 0; step < losses.Length; step++)
        {
            losses[step] = new BatchGradients(model).Supervised(s_sequences);
            optimizer.Step(0.01);
        }

        Learned(model).RequireGradients(false);
        model.MergeAdapter();
        return (model.Parameters.ToDictionary(), losses);
    }

    /// <summary>What learns of some models: all weights, or where there is a rank an adapter of each, all alike.</summary>
    private sealed class Adapters(IReadOnlyList<LoraAdapter> adapters) : IDisposable
    {
        public static Adapters Of(int rank, params Llama[] models)
        {
            var adapters = new List<LoraAdapter>();
            foreach (var model in models)
            {
                if (rank > 0)
                {
                    adapters.Add(LoraAdapter.Create(model.Config, new LoraConfig(rank, 6, 0, LoraConfig.Known), seed: 1));
                    LoraTests.Disturb(adapters[^1]);
                    model.Adapter = adapters[^1];
                }

                Learned(model).RequireGradients(true);
            }

            return new Adapters(adapters);
        }

        public void Dispose()
        {
            foreach (var adapter in adapters) adapter.Dispose();
        }
    }
}
