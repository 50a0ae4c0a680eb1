using Shouldly;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model.Tests;

/// <summary>Preference losses against PyTorch's, and the arithmetic worked by hand.</summary>
public sealed class DpoLossTests
{
    [Fact]
    public void Log_probabilities_losses_rewards_and_every_gradient_equal_the_reference()
    {
        using var scope = torch.NewDisposeScope();
        using var policy = Fixture.Tiny();
        using var reference = Fixture.Tiny("reference.safetensors");
        policy.Parameters.RequireGradients(true);
        var chosen = Side("chosen", policy, reference);
        var rejected = Side("rejected", policy, reference);

        var result = DpoLoss.Of(chosen, rejected, new DpoParameters());
        result.Losses.mean([0L]).backward();

        // Sums of up to 33 float32 terms of size 5 to 10.
        chosen.Policy.ShouldBeCloseTo(Fixture.Expected("dpo.policy_chosen_logps"), 1e-3);
        rejected.Policy.ShouldBeCloseTo(Fixture.Expected("dpo.policy_rejected_logps"), 1e-3);
        chosen.Reference.ShouldBeCloseTo(Fixture.Expected("dpo.reference_chosen_logps"), 1e-3);
        rejected.Reference.ShouldBeCloseTo(Fixture.Expected("dpo.reference_rejected_logps"), 1e-3);
        result.Losses.ShouldBeCloseTo(Fixture.Expected("dpo.losses"), 1e-5);
        result.ChosenRewards.ShouldBeCloseTo(Fixture.Expected("dpo.chosen_rewards"), 1e-4);
        result.RejectedRewards.ShouldBeCloseTo(Fixture.Expected("dpo.rejected_rewards"), 1e-4);
        foreach (var (name, tensor) in policy.Parameters) tensor.grad!.ShouldBeCloseTo(Fixture.Expected("dpo.grad." + name), 1e-4, name, relative: true);
    }

    [Fact]
    public void Every_variant_equals_the_reference()
    {
        using var scope = torch.NewDisposeScope();
        var (chosen, rejected) = (Stored("chosen"), Stored("rejected"));

        Losses(new(LabelSmoothing: 0.1)).ShouldBeCloseTo(Fixture.Expected("loss.cdpo_eps0.1"), 1e-5, "cdpo");
        Losses(new("ipo")).ShouldBeCloseTo(Fixture.Expected("loss.ipo_sum"), 1e-5, "ipo", relative: true);
        Losses(new("ipo_mean")).ShouldBeCloseTo(Fixture.Expected("loss.ipo_mean"), 1e-5, "ipo_mean", relative: true);
        Losses(new("simpo", Beta: 2, SimpoGamma: 1)).ShouldBeCloseTo(Fixture.Expected("loss.simpo_beta2_gamma1"), 1e-5, "simpo");
        Losses(new(RpoAlpha: 1)).ShouldBeCloseTo(Fixture.Expected("loss.rpo_alpha1"), 1e-5, "rpo");

        Tensor Losses(DpoParameters parameters) => DpoLoss.Of(chosen, rejected, parameters).Losses;
    }

    [Fact]
    public void A_policy_that_is_its_reference_has_loss_ln_2_and_no_reward()
    {
        using var scope = torch.NewDisposeScope();
        using var off = torch.no_grad();
        using var model = Fixture.Tiny();
        using var reference = model.Clone();

        var result = DpoLoss.Of(Side("chosen", model, reference), Side("rejected", model, reference), new DpoParameters());

        result.Losses.Floats().ShouldAllBe(loss => Math.Abs(loss - Math.Log(2)) < 1e-6);
        result.ChosenRewards.Floats().ShouldAllBe(reward => reward == 0);
        result.RejectedRewards.Floats().ShouldAllBe(reward => reward == 0);
    }

    [Fact]
    public void One_pair_worked_by_hand()
    {
        using var scope = torch.NewDisposeScope();
        var chosen = new SideLogProbs(One(-10), One(-12), One(4));
        var rejected = new SideLogProbs(One(-9), One(-8), One(2));

        // Delta = (-10 + 9) - (-12 + 8) = 3
        Loss(new(Beta: 0.5)).ShouldBe(Math.Log(1 + Math.Exp(-1.5)), 1e-6);
        Loss(new(Beta: 0.5, LabelSmoothing: 0.25)).ShouldBe((0.75 * Math.Log(1 + Math.Exp(-1.5))) + (0.25 * Math.Log(1 + Math.Exp(1.5))), 1e-6);
        // (-10 + 12) / 4 - (-9 + 8) / 2 = 1
        Loss(new("sigmoid_norm", Beta: 5)).ShouldBe(Math.Log(1 + Math.Exp(-5)), 1e-6);
        Loss(new("sigmoid_norm", Beta: 5, LabelSmoothing: 0.25)).ShouldBe((0.75 * Math.Log(1 + Math.Exp(-5))) + (0.25 * Math.Log(1 + Math.Exp(5))), 1e-5);
        Loss(new("ipo", Beta: 0.5)).ShouldBe(4, 1e-6);
        Loss(new("ipo_mean", Beta: 0.25)).ShouldBe(1, 1e-6); // ((-2.5 + 4.5) - (-3 + 4) - 2)^2
        Loss(new("simpo", Beta: 2, SimpoGamma: 1)).ShouldBe(Math.Log(1 + Math.Exp(-3)), 1e-6); // 2 * (-2.5 + 4.5) - 1 = 3
        Loss(new(Beta: 0.5, RpoAlpha: 2)).ShouldBe(Math.Log(1 + Math.Exp(-1.5)) + (2 * 2.5), 1e-6);
        DpoLoss.Of(chosen, rejected, new(Beta: 0.5)).ChosenRewards.item<float>().ShouldBe(1);
        DpoLoss.Of(chosen, rejected, new(Beta: 0.5)).RejectedRewards.item<float>().ShouldBe(-0.5f);
        Should.Throw<ArgumentException>(() => Loss(new("kto"))).Message.ShouldStartWith("Loss 'kto' is unknown, expected sigmoid, sigmoid_norm, ipo, ipo_mean or simpo.");

        double Loss(DpoParameters parameters) => DpoLoss.Of(chosen, rejected, parameters).Losses.item<float>();
        static Tensor One(float value) => torch.tensor([value]);
    }

    private static SideLogProbs Side(string side, Llama policy, Llama reference)
    {
        var ids = Fixture.Expected($"dpo.{side}_ids").Longs();
        var labels = Fixture.Expected($"dpo.{side}_labels").Longs();
        var sequences = new List<TrainingSequence>();
        for (var pair = 0; pair < 4; pair++)
        {
            var row = Enumerable.Range(pair * 40, 40).ToArray();
            var prompt = row.TakeWhile(i => labels[i] == -100).Select(i => (int)ids[i]);
            var response = row.Where(i => labels[i] != -100).Select(i => (int)ids[i]);
            sequences.Add(new TrainingSequence([.. prompt], [.. response]));
        }

        using var batch = SequenceBatch.Of(sequences);
        return new SideLogProbs(batch.ResponseLogProbs(policy), batch.ResponseLogProbs(reference).detach(), batch.ResponseLengths());
    }

    private static SideLogProbs Stored(string side)
    {
        var lengths = Fixture.Expected($"dpo.{side}_labels").ne(-100).to_type(torch.ScalarType.Float32).sum([1L]);
        return new SideLogProbs(Fixture.Expected($"dpo.policy_{side}_logps"), Fixture.Expected($"dpo.reference_{side}_logps"), lengths);
    }
}
