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

    [Theory]
    [InlineData("run-kata", "kata")]
    [InlineData("run-kata-1", "kata-1")]
    [InlineData("eft-kata-1", "kata-1")]
    [InlineData("prompt-kata-1-3", "kata")]
    [InlineData("prompt-kata-1-1-3", "kata-1")]
    [InlineData("prompt-7-1-3", "7")]
    [InlineData("training-kata-1-M2", "kata-1")]
    [InlineData("evaluation-kata-SFT", "kata")]
    [InlineData("prompt-kata-1", null)]
    [InlineData("prompt-kata-1-x", null)]
    [InlineData("training-kata", null)]
    [InlineData("run-", null)]
    [InlineData("other-kata", null)]
    [InlineData("mt_tombstone", null)]
    public void A_stream_belongs_to_one_run_however_the_run_is_named(string stream, string? run) => StreamNames.RunOf(stream).ShouldBe(run);

    [Theory]
    [InlineData("kata")]
    [InlineData("kata-1")]
    public void Every_stream_of_a_run_begins_in_one_of_its_ways(string run)
    {
        string[] streams = [StreamNames.Run(run), StreamNames.Eft(run), StreamNames.Prompt(run, 2, 17), StreamNames.Training(run, "M2"), StreamNames.Evaluation(run, "SFT")];
        streams.ShouldAllBe(stream => StreamNames.RunOf(stream) == run && StreamNames.Prefixes(run).Any(stream.StartsWith));
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
