using Shouldly;
using TorchSharp;

namespace SelfRewarding.Model.Tests;

/// <summary>Loss, gradients and three optimiser steps against PyTorch's (fixtures/make_fixtures.py says how they were made).</summary>
public sealed class SftLossTests
{
    [Fact]
    public void Loss_and_every_gradient_equal_the_reference()
    {
        using var scope = torch.NewDisposeScope();
        using var model = Learning();
        using var batch = Batch();

        var loss = SftLoss.Mean(model, batch);
        loss.backward();

        loss.reshape(1).ShouldBeCloseTo(Fixture.Expected("sft.loss"), 1e-5);
        foreach (var (name, tensor) in model.Parameters) tensor.grad!.ShouldBeCloseTo(Fixture.Expected("sft.grad." + name), 1e-4, name, relative: true);
    }

    [Fact]
    public void Three_clipped_AdamW_steps_equal_the_reference()
    {
        using var scope = torch.NewDisposeScope();
        using var model = Learning();
        using var optimizer = new AdamW(model.Parameters, new AdamWParameters(WeightDecay: 0.01, MaxGradNorm: 1));
        using var batch = Batch();
        var norms = Fixture.Expected("adamw.grad_norms").Floats();

        for (var step = 0; step < 3; step++)
        {
            SftLoss.Mean(model, batch).backward();
            optimizer.Step(1e-3).ShouldBe(norms[step], 1e-4 * norms[step]);
        }

        foreach (var (name, tensor) in model.Parameters) tensor.ShouldBeCloseTo(Fixture.Expected("adamw.after3." + name), 1e-4, name, relative: true);
    }

    [Fact]
    public void Steps_go_on_from_a_saved_state_to_the_same_bits()
    {
        using var scope = torch.NewDisposeScope();
        using var batch = Batch();
        using var straight = Learning();
        using var first = new AdamW(straight.Parameters, new AdamWParameters());
        Step(straight, first);
        var path = Path.Combine(Path.GetTempPath(), $"optimizer-{Guid.NewGuid():N}.safetensors");
        try
        {
            first.Save(path);
            using var resumed = straight.Clone();
            resumed.Parameters.RequireGradients(true);
            using var second = new AdamW(resumed.Parameters, new AdamWParameters());
            second.Load(path);

            Step(straight, first);
            Step(resumed, second);

            second.Steps.ShouldBe(2);
            foreach (var (name, tensor) in straight.Parameters) resumed.Parameters[name].Floats().ShouldHaveTheBitsOf(tensor.Floats());
        }
        finally
        {
            File.Delete(path);
        }

        void Step(Llama model, AdamW optimizer)
        {
            SftLoss.Mean(model, batch).backward();
            optimizer.Step(1e-3);
        }
    }

    [Fact]
    public void The_prompt_s_tokens_are_read_and_not_learned()
    {
        using var batch = SequenceBatch.Of([new([5, 6, 7], [8, 9]), new([3], [4])]);

        batch.Ids.Longs().ShouldBe([5, 6, 7, 8, 9, 3, 4]);
        batch.Targets.Longs().ShouldBe([-100, -100, 8, 9, -100, 4, -100]);
        batch.TargetTokens.ShouldBe(3);
        batch.ResponseLengths().Floats().ShouldBe([2, 1]);
    }

    [Fact]
    public void Dropout_is_a_function_of_its_key()
    {
        using var scope = torch.NewDisposeScope();
        using var off = torch.no_grad();
        using var model = Fixture.Tiny();
        using var batch = Batch();

        var first = Loss(new DropoutKey(0.1, 5));

        Loss(new DropoutKey(0.1, 5)).ShouldBe(first);
        Loss(new DropoutKey(0.1, 6)).ShouldNotBe(first);
        Loss(new DropoutKey(0, 5)).ShouldBe(SftLoss.Mean(model, batch).item<float>());

        float Loss(DropoutKey key) => SftLoss.Mean(model, batch, key).item<float>();
    }

    [Theory]
    [InlineData(LearningRateDecay.Constant, 0.5, 0.5)]
    [InlineData(LearningRateDecay.Linear, 0.3, 0.1)]
    [InlineData(LearningRateDecay.Cosine, 0.3, 0.1)]
    public void The_rate_warms_up_to_the_peak_and_ends_at_the_floor(LearningRateDecay decay, double middle, double last)
    {
        var schedule = new LearningRateSchedule(decay, Peak: 0.5, Floor: 0.1, WarmupSteps: 4, TotalSteps: 15);

        schedule.At(0).ShouldBe(0.125, 1e-12);
        schedule.At(3).ShouldBe(0.5, 1e-12);
        schedule.At(4).ShouldBe(0.5, 1e-12);
        schedule.At(9).ShouldBe(middle, 1e-12);
        schedule.At(14).ShouldBe(last, 1e-12);
        schedule.At(100).ShouldBe(last, 1e-12);
    }

    private static Llama Learning()
    {
        var model = Fixture.Tiny();
        model.Parameters.RequireGradients(true);
        return model;
    }

    /// <summary>The fixture's three rows of 40 tokens; what follows the labels of the second cannot be seen by them, so it is left out.</summary>
    private static SequenceBatch Batch()
    {
        var ids = Array.ConvertAll(Fixture.Expected("forward.input_ids").Longs(), id => (int)id);
        return SequenceBatch.Of([new(ids[..10], ids[10..40]), new(ids[40..43], ids[43..70]), new(ids[80..100], ids[100..120])]);
    }
}
