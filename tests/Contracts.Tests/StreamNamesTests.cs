using Shouldly;
using Xunit;

namespace SelfRewarding.Contracts.Tests;

public sealed class StreamNamesTests
{
    [Fact]
    public void Streams_are_named_by_what_they_tell()
    {
        StreamNames.Run("kata-1").ShouldBe("run-kata-1");
        StreamNames.Prompt("kata-1", 2, 1023).ShouldBe("prompt-kata-1-2-1023");
        StreamNames.Training("kata-1", "M2").ShouldBe("training-kata-1-M2");
        StreamNames.Evaluation("kata-1", "SFT").ShouldBe("evaluation-kata-1-SFT");
        StreamNames.Eft("kata-1").ShouldBe("eft-kata-1");
    }

    [Fact]
    public void A_run_of_two_iterations_publishes_five_models() => ModelNames.All(2).ShouldBe(["M0", "SFT", "M1", "M2", "M3"]);

    [Theory]
    [InlineData("M0", null)]
    [InlineData("SFT", null)]
    [InlineData("M1", 1)]
    [InlineData("M12", 12)]
    [InlineData("M", null)]
    [InlineData("Mx", null)]
    public void A_model_samples_in_the_iteration_of_its_number(string model, int? iteration) => ModelNames.Iteration(model).ShouldBe(iteration);

    [Fact]
    public void A_run_s_stream_has_a_version_for_each_model_between_its_start_and_its_end()
    {
        RunStage.Started.ShouldBe(1);
        ModelNames.All(2).Select(model => RunStage.Published(model, 2)).ShouldBe([2, 3, 4, 5, 6]);
        RunStage.Ended(2).ShouldBe(7);
    }

    [Fact]
    public void A_model_that_the_run_never_makes_has_no_version() =>
        Should.Throw<ArgumentException>(() => RunStage.Published("M4", 2)).Message.ShouldStartWith("Model 'M4' is none of this run's (M0, SFT, M1, M2, M3).");

    [Fact]
    public void Stages_are_versions() =>
        (PromptStage.Generated, PromptStage.Sampled, PromptStage.Judged, PromptStage.Settled, EvaluationStage.Answered, EvaluationStage.Judged, EvaluationStage.Evaluated)
            .ShouldBe((1, 2, 3, 4, 1, 2, 3));
}
