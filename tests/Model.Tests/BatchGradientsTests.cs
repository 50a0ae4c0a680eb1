using Shouldly;
using TorchSharp;

namespace SelfRewarding.Model.Tests;

/// <summary>However a batch is gone through, its loss and gradients are those of the whole batch at once.</summary>
public sealed class BatchGradientsTests
{
    private static readonly DropoutKey s_dropout = new(0.1, 11);

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(0, true)]
    [InlineData(2, true)]
    public void Supervised_gradients_of_parts_add_up_to_those_of_the_batch(int microBatch, bool checkpointed)
    {
        using var whole = Learning();
        using var parts = Learning();
        var sequences = Sequences(5);

        var loss = new BatchGradients(whole).Supervised(sequences);
        new BatchGradients(parts, microBatch, checkpointed).Supervised(sequences).ShouldBe(loss, 1e-5 * loss);

        using var scope = torch.NewDisposeScope();
        using var batch = SequenceBatch.Of(sequences);
        SftLoss.Mean(whole, batch).item<float>().ShouldBe((float)loss, "the loss is what the undivided batch has");
        ShouldHaveTheGradientsOf(parts, whole);
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(3, false)]
    [InlineData(0, true)]
    [InlineData(3, true)]
    public void Preference_gradients_of_parts_add_up_to_those_of_the_batch(int microBatch, bool checkpointed)
    {
        using var whole = Learning();
        using var parts = Learning();
        var parameters = new DpoParameters(RpoAlpha: 0.5);

        var expected = new BatchGradients(whole).Preference(Pairs(), parameters);
        var actual = new BatchGradients(parts, microBatch, checkpointed).Preference(Pairs(), parameters);

        actual.Loss.ShouldBe(expected.Loss, 1e-5 * expected.Loss);
        actual.ChosenLogProbs.ShouldHaveTheBitsOf(expected.ChosenLogProbs);
        actual.RejectedRewards.ShouldHaveTheBitsOf(expected.RejectedRewards);
        ShouldHaveTheGradientsOf(parts, whole);
    }

    [Fact]
    public void A_layer_that_is_computed_again_drops_the_same_elements()
    {
        using var kept = Learning();
        using var computedAgain = Learning();
        using var undropped = Learning();

        var loss = new BatchGradients(kept).Supervised(Sequences(3), s_dropout);
        new BatchGradients(computedAgain, checkpointActivations: true).Supervised(Sequences(3), s_dropout).ShouldBe(loss);

        new BatchGradients(undropped).Supervised(Sequences(3)).ShouldNotBe(loss);
        ShouldHaveTheGradientsOf(computedAgain, kept);
    }

    [Fact]
    public void Each_part_drops_elements_of_its_own_and_the_same_ones_again()
    {
        using var model = Fixture.Tiny();
        TrainingSequence[] twice = [Sequences(1)[0], Sequences(1)[0]];
        using var scope = torch.NewDisposeScope();
        model.Parameters.RequireGradients(true);

        var divided = new BatchGradients(model, microBatch: 1);
        var loss = divided.Supervised(twice, s_dropout);

        divided.Supervised(twice, s_dropout).ShouldBe(loss);
        using var one = SequenceBatch.Of(twice[..1]);
        loss.ShouldBe((Loss(s_dropout) + Loss(s_dropout.Of(1))) / 2, 1e-5);
        Loss(s_dropout.Of(1)).ShouldNotBe(Loss(s_dropout));
        s_dropout.Of(0).ShouldBe(s_dropout, "an undivided batch has the masks that it had before batches could be divided");

        double Loss(DropoutKey key) => SftLoss.Mean(model, one, key).item<float>();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void With_a_large_vocabulary_only_rows_with_a_target_are_scored_and_nothing_changes(bool tied)
    {
        var config = Fixture.TinyConfig() with { VocabSize = SequenceBatch.LargeVocabulary, TieWordEmbeddings = tied };
        using var picked = Llama.Create(config, seed: 2);
        using var all = Llama.Create(config, seed: 2);
        foreach (var model in (Llama[])[picked, all]) model.Parameters.RequireGradients(true);
        using var scope = torch.NewDisposeScope();
        using var batch = SequenceBatch.Of(Sequences(4));

        var logProbs = batch.TargetLogProbs(picked);
        var expected = Kernels.LogProbs(all.Logits(all.Forward(batch.Ids, batch.Layout)), batch.Targets);

        logProbs.Floats().ShouldHaveTheBitsOf(expected.Floats());
        logProbs.sum().backward();
        expected.sum().backward();
        ShouldHaveTheGradientsOf(picked, all);
    }

    private static void ShouldHaveTheGradientsOf(Llama actual, Llama expected)
    {
        foreach (var (name, tensor) in actual.Parameters) tensor.grad!.ShouldBeCloseTo(expected.Parameters[name].grad!, 1e-5, name, relative: true);
    }

    private static Llama Learning()
    {
        var model = Fixture.Tiny();
        model.Parameters.RequireGradients(true);
        return model;
    }

    private static PreferenceExample[] Pairs()
    {
        var sequences = Sequences(10);
        return [.. Enumerable.Range(0, 5).Select(i => new PreferenceExample(sequences[2 * i], sequences[(2 * i) + 1], -40 - i, -42 + i))];
    }

    /// <summary>Sequences of unlike lengths out of the fixture's tokens.</summary>
    private static TrainingSequence[] Sequences(int count)
    {
        var ids = Array.ConvertAll(Fixture.Expected("forward.input_ids").Longs(), id => (int)id);
        return [.. Enumerable.Range(0, count).Select(i => new TrainingSequence(ids[(7 * i)..((7 * i) + 3 + i)], ids[((7 * i) + 3 + i)..((7 * i) + 20)]))];
    }
}
