using SelfRewarding.Contracts;
using SelfRewarding.Control.Plan;
using SelfRewarding.Control.Settings;
using SelfRewarding.Model;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

public sealed class MemoryNeedTests
{
    private const long Gibibyte = 1L << 30;

    // SmolLM2-135M's shape.
    private static readonly LlamaConfig s_smol = new()
    {
        HiddenSize = 576, IntermediateSize = 1536, NumHiddenLayers = 30, NumAttentionHeads = 9, NumKeyValueHeads = 3, HeadDim = 64, VocabSize = 49152, MaxPositionEmbeddings = 8192, TieWordEmbeddings = true,
    };

    private static readonly RunSettings s_paper = Presets.Paper;

    // Two inputs and their norms, queries and what attention gave, keys and values, gate, up and their product.
    private const long PerLayer = (4 * 576) + (2 * 576) + (2 * 192) + (3 * 1536);

    [Fact]
    public void Parameters_are_counted_as_the_model_has_them() => MemoryNeed.Elements(s_smol).ShouldBe(134_515_008); // what its model card says, to the last

    [Fact]
    public void Training_holds_weights_gradients_and_two_moments_and_with_adapters_the_weights_and_those_of_the_adapters()
    {
        const long Parameters = 134_515_008;
        MemoryNeed.Of(s_smol, s_paper, 1_000, 64, isOneProcess: true).State.ShouldBe(16 * Parameters);

        // r (in + out) of q, k, v, o, gate, up and down, in each of 30 layers.
        const long Adapter = 30 * 8 * ((576 + 576) + (2 * (576 + 192)) + (576 + 576) + (3 * (576 + 1536)));
        var lora = s_paper with { Lora = new() { R = 8 } };
        MemoryNeed.LearnedElements(s_smol, lora).ShouldBe(Adapter);
        MemoryNeed.Of(s_smol, lora, 1_000, 64, isOneProcess: true).State.ShouldBe((4 * Parameters) + (12 * Adapter));
    }

    [Fact]
    public void A_cache_has_keys_and_values_for_every_slot_and_never_more_than_the_engine_allows()
    {
        var tiny = s_smol with { NumHiddenLayers = 2, MaxPositionEmbeddings = 100 };
        MemoryNeed.CacheBytes(tiny, 64).ShouldBe(64L * 2 * 2 * 100 * 3 * 64 * 4);

        // 30 layers of 4,096 positions: a slot has 180 MiB, so 11 slots fill the 2 GiB.
        const long Slot = 2L * 30 * 4096 * 3 * 64 * 4;
        MemoryNeed.CacheBytes(s_smol, 64).ShouldBe(11 * Slot);
        MemoryNeed.CacheBytes(s_smol, 4).ShouldBe(4 * Slot);
    }

    [Fact]
    public void Bfloat16_halves_what_generates_and_what_a_training_keeps_of_layers_but_not_its_weights_and_moments()
    {
        var bfloat16 = s_paper with { Model = s_paper.Model with { ComputeDtype = "bfloat16" } };
        var (wide, narrow) = (MemoryNeed.Of(s_smol, s_paper, 1_000, 4, isOneProcess: false), MemoryNeed.Of(s_smol, bfloat16, 1_000, 4, isOneProcess: false));

        narrow.Weights.ShouldBe(wide.Weights / 2);
        MemoryNeed.CacheBytes(s_smol, 4, width: 2).ShouldBe(MemoryNeed.CacheBytes(s_smol, 4) / 2);
        MemoryNeed.CacheBytes(s_smol, 64, width: 2).ShouldBe(22 * 2L * 30 * 4096 * 3 * 64 * 2, "the same 2 GiB have room for twice as many slots");
        narrow.State.ShouldBe(wide.State, "masters, gradients and moments are float32");
        var adapted = MemoryNeed.Of(s_smol, bfloat16 with { Lora = new() { R = 8 }, Dpo = s_paper.Dpo with { EarlyStopping = new() } }, 1, 4, isOneProcess: false);
        var adapter = 12 * MemoryNeed.LearnedElements(s_smol, bfloat16 with { Lora = new() { R = 8 } });
        adapted.State.ShouldBe((2 * 134_515_008L) + adapter, "beside adapters the weights stay as they are");
        adapted.Training.ShouldBe((4 * 134_515_008L) + adapter + MemoryNeed.Runtime, "merging needs them whole");
        // Thirty layers' numbers in half the bytes, but scores over the vocabulary as before.
        (wide.Activations - narrow.Activations).ShouldBeInRange(1_000L * 2 * 27 * PerLayer, 1_000L * 2 * 30 * PerLayer);
    }

    [Fact]
    public void Activations_grow_with_the_tokens_at_once_and_checkpointing_keeps_one_state_a_layer()
    {
        var (one, two) = (Activations(1_000), Activations(2_000));
        two.ShouldBe(2 * one);
        var again = MemoryNeed.Of(s_smol, s_paper with { Train = new() { CheckpointActivations = true } }, 1_000, 64, isOneProcess: true).Activations;
        again.ShouldBeLessThan(one / 2);
        // At least what attention and MLP of thirty layers must keep, and scores over the vocabulary with their gradient.
        one.ShouldBeGreaterThan(1_000L * 4 * ((30 * ((3 * 1536) + (4 * 576))) + (2 * 49152)));

        static long Activations(long rows) => MemoryNeed.Of(s_smol, s_paper, rows, 64, isOneProcess: true).Activations;
    }

    [Fact]
    public void One_process_needs_both_and_workers_apart_the_larger_of_the_two()
    {
        var together = MemoryNeed.Of(s_smol, s_paper, 1_000, 64, isOneProcess: true);
        var apart = together with { IsOneProcess = false };
        together.Most.ShouldBe(together.Generating + together.State + together.Activations);
        apart.Most.ShouldBe(Math.Max(apart.Generating, apart.Training));
    }

    [Fact]
    public void Comparing_checkpoints_takes_a_model_beside_the_policy_where_a_training_step_takes_less()
    {
        var off = MemoryNeed.Of(s_smol, s_paper with { Dpo = s_paper.Dpo with { EarlyStopping = new() } }, 10, 64, isOneProcess: false);
        var on = MemoryNeed.Of(s_smol, s_paper, 10, 64, isOneProcess: false);
        on.Training.ShouldBe(off.Training - off.Activations + on.Weights + on.Cache);
        var large = MemoryNeed.Of(s_smol, s_paper, 10_000, 64, isOneProcess: false);
        large.Training.ShouldBe(large.State + large.Activations + MemoryNeed.Runtime); // the way back's memory is free by then
        (on with { IsOneProcess = true }).Most.ShouldBe((off with { IsOneProcess = true }).Most); // one of the three models that generate
    }

    [Fact]
    public void With_adapters_a_model_is_merged_in_float32_beside_the_policy_before_it_is_compared_in_one_process_too()
    {
        var adapted = s_paper with { Lora = new() { R = 8 }, Model = s_paper.Model with { ComputeDtype = "bfloat16" } };
        var on = MemoryNeed.Of(s_smol, adapted, 10, 4, isOneProcess: true);
        on.Keeping.ShouldBe(4 * 134_515_008L);
        on.Most.ShouldBe(on.Generating + on.State + on.Keeping);
        (on with { Comparing = 0 }).Training.ShouldBe(on.State + on.Keeping + MemoryNeed.Runtime);

        MemoryNeed.Of(s_smol, adapted with { Dpo = adapted.Dpo with { EarlyStopping = new() } }, 10, 4, isOneProcess: true).Keeping.ShouldBe(0);
        MemoryNeed.Of(s_smol, s_paper, 10, 4, isOneProcess: true).Keeping.ShouldBe(0, "without an adapter there is nothing to merge");
    }

    [Fact]
    public void The_first_setting_that_fits_is_named()
    {
        var run = PlanTests.Run(Presets.Kata with { Sft = Presets.Kata.Sft with { Batch = 4_096 } });
        var whole = Fitting.Need(run, 64, isOneProcess: true).Most;
        var divided = Fitting.Need(run with { Settings = run.Settings with { Train = new() { MicroBatch = 1 } } }, 64, isOneProcess: true).Most;
        divided.ShouldBeLessThan(whole - Gibibyte);

        Fitting.Problem(run, whole, 64, isOneProcess: true).ShouldBeNull();
        Fitting.Problem(run, whole - 1, 64, isOneProcess: true).ShouldNotBeNull().ShouldContain(": --set train.micro_batch=1 would do with");
        Fitting.Problem(run, divided - 1, 64, isOneProcess: true).ShouldNotBeNull().ShouldContain("--set train.micro_batch=1 --set train.checkpoint_activations=true would do");
        Fitting.Problem(run, 1 << 20, 64, isOneProcess: true).ShouldNotBeNull().ShouldEndWith("take a smaller model or a larger machine.");
    }

    [Fact]
    public void A_divided_batch_has_fewer_tokens_at_once_and_a_pair_has_two_sides()
    {
        var run = PlanTests.Run(Presets.Kata);
        var part = PlanTests.Run(Presets.Kata with { Train = new() { MicroBatch = 1 } });
        part.LargestPart.ShouldBe(Math.Max((long)(2 * part.Side), Enumerable.Range(0, run.First.Examples).Max(row => run.First[row].Length)));
        run.LargestPart.ShouldBeGreaterThan(20 * part.LargestPart);
    }

    [Fact]
    public void The_disk_holds_every_model_and_two_checkpoints()
    {
        var run = PlanTests.Run(Presets.Kata);
        var disk = DiskNeed.Of(s_smol, s_paper with { Iterations = 2 }, published: 1_000, TokenPlan.Of(run));
        disk.Models.ShouldBe(5_000); // M0, SFT, M1, M2, M3
        disk.Checkpoints.ShouldBe((2 * 12 * 134_515_008L) + (2 * 1_000)); // and the two models that early stopping compares
        disk.Log.ShouldBeGreaterThan(TokenPlan.Of(run).Generated.Sum(work => work.Written) * 8);
        PlanReport.DiskProblem(disk, disk.Bytes).ShouldBeNull();
        PlanReport.DiskProblem(disk, disk.Bytes - 1).ShouldNotBeNull().ShouldContain("--data");
    }
}
