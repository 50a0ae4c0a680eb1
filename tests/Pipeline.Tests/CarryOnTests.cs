using SelfRewarding.Contracts;
using SelfRewarding.Control;
using SelfRewarding.Control.Commands;
using SelfRewarding.Control.Settings;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>What is said of a run's settings where it goes on, or another branches off from it.</summary>
public sealed class CarryOnTests : IAsyncLifetime
{
    private static readonly RunSettings s_settings = Presets.Meta with { Iterations = 1 };

    private readonly string _folder = Directory.CreateTempSubdirectory("selfreward-carry-on-").FullName;

    // A log in which a run was started and has ended.
    public async ValueTask InitializeAsync()
    {
        await using var log = await LogReader.OpenOrMakeAsync(_folder, CancellationToken.None);
        var stream = StreamNames.Run("mine");
        await log.Log.AppendOnceAsync(stream, RunStage.Started, new RunStarted("mine", s_settings, []), CancellationToken.None);
        await log.Log.AppendAsync(stream, RunStage.Started, [new RunStopped("mine", 1, "Enough.")], CancellationToken.None);
    }

    [Fact]
    public async Task A_run_that_has_ended_says_why_and_nothing_else()
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync("resume", "mine", "--data", _folder, "--plain");
        code.ShouldBe(1);
        output.ShouldContain("Enough.");
        errors.ShouldBeEmpty();
    }

    [Fact]
    public void A_run_that_was_recorded_before_its_preset_had_a_meta_judge_goes_on_without_and_says_so()
    {
        CarryOn.WithoutMetaJudge("mine", s_settings with { Judge = s_settings.Judge with { MetaIterations = null } }).ShouldNotBeNull().ShouldContain("'mine' compares no judgements");
        new[] { s_settings, Presets.Paper, Presets.Kata }.ShouldAllBe(settings => CarryOn.WithoutMetaJudge("mine", settings) == null);
    }

    [Theory]
    [InlineData("sft.steps is 9, but run 'mine' has 302")]
    [InlineData("has not published M0 yet", "--set", "sft.steps=302")]
    public async Task A_fork_takes_settings_of_the_environment_and_options_win(string sentence, params string[] options)
    {
        var (code, errors) = await ForkAsync("SELFREWARD__SFT__STEPS", "9", options);
        code.ShouldBe(CommandLine.WrongInput);
        errors.Trim().Split('\n').ShouldHaveSingleItem().ShouldContain(sentence);
    }

    [Theory]
    [InlineData("meta", "has not published M0 yet")]
    [InlineData("kata", "but run 'mine' has")]
    public async Task A_fork_has_its_parent_s_preset(string preset, string sentence) =>
        (await ForkAsync("SELFREWARD__PRESET", preset)).Errors.Trim().Split('\n').ShouldHaveSingleItem().ShouldContain(sentence);

    private async Task<(int Code, string Errors)> ForkAsync(string variable, string value, params string[] options)
    {
        using var process = SelfrewardProcess.StartProgram(
            "Control", new Dictionary<string, string> { [variable] = value }, ["fork", "mine", "--data", _folder, "--at", "1", "--from", "prompts", "--dry-run", .. options]);
        return (await process.WaitAsync(), process.Errors);
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}
