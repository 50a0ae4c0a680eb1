using SelfRewarding.Contracts;
using SelfRewarding.Control;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>A fork shares its parent's log up to where it branches off, and is a run like any other from there.</summary>
[Collection(WholeRuns.Name)]
public sealed class ForkTests(QuietRun quiet)
{
    [Fact]
    public async Task A_fork_with_the_same_settings_makes_the_same_datasets_and_models()
    {
        foreach (var stage in (string[])["prompts", "candidates", "judgements", "pairs"])
        {
            var name = $"same-{stage}";
            await ForkAsync("--at", "1", "--from", stage, "--run", name);
            (await TinyRun.FingerprintAsync(quiet.Folder, name)).ShouldBe(quiet.Fingerprint, $"forked from {stage}");
        }
    }

    [Fact]
    public async Task A_fork_of_a_fork_goes_on_where_the_fork_branched_off()
    {
        await ForkAsync("--at", "1", "--from", "pairs", "--run", "other-beta", "--set", "dpo.beta=0.5");
        var otherBeta = await TinyRun.FingerprintAsync(quiet.Folder, "other-beta");
        otherBeta.Intersect(quiet.Fingerprint).ShouldContain(line => line.StartsWith("dataset 1"), "the pairs are the same");
        otherBeta.ShouldNotBe(quiet.Fingerprint, "the models are not");

        await ForkOfAsync("other-beta", "--at", "2", "--from", "judgements", "--run", "grandchild");
        (await TinyRun.FingerprintAsync(quiet.Folder, "grandchild")).ShouldBe(otherBeta);
    }

    [Fact]
    public async Task One_judgement_instead_of_three_needs_no_generating_and_no_copy()
    {
        await ForkAsync("--at", "1", "--from", "pairs", "--run", "one-judgement", "--judgements", "1");
        await using var log = await LogReader.OpenAsync(quiet.Folder, CancellationToken.None);
        var facts = new List<(object Fact, string Stream)>();
        await foreach (var recorded in log.Log.ReadAllAsync(0, "one-judgement", CancellationToken.None))
            facts.Add((recorded.Fact, recorded.Stream));

        facts.ShouldNotContain(entry => entry.Fact is CandidatesSampled && ((CandidatesSampled)entry.Fact).Iteration == 1, "the answers stay the parent's");
        facts.ShouldNotContain(entry => entry.Fact is ModelPublished && ((ModelPublished)entry.Fact).Model.Name == "M1", "and so does M1");
        facts.Select(entry => entry.Fact).OfType<PreferencePairBuilt>().Where(pair => pair.Iteration == 1).ShouldAllBe(pair => pair.Scores.All(score => score.Parsed <= 1));
        facts.Select(entry => entry.Fact).OfType<CandidatesJudged>().Where(judged => judged.Iteration == 2).ShouldAllBe(judged => judged.Judgements.All(j => j.Index == 0));
    }

    [Fact]
    public async Task Verifying_a_fork_says_what_of_its_parent_it_looked_at()
    {
        await ForkAsync("--at", "1", "--from", "pairs", "--run", "fewer", "--judgements", "1", "--prompts", "20");
        var (code, output, errors) = await SelfrewardProcess.RunAsync("verify", "fewer", "--data", quiet.Folder);
        code.ShouldBe(0, output + errors);
        output.ShouldContain("Everything agrees.");
        output.ShouldContain("Of run 'tiny' it shares M0, SFT, M1, iteration 1 (prompts to judgements):");
        output.ShouldContain("'selfreward verify tiny'");
        output.ShouldContain("refused drafts are refused");
    }

    [Fact]
    public async Task A_dry_run_says_what_would_change_and_records_nothing()
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync(
            "fork", TinyRun.Name, "--data", quiet.Folder, "--at", "1", "--from", "pairs", "--run", "never", "--dry-run", "--set", "pairs.min_margin=5");
        code.ShouldBe(0, errors);
        output.ShouldContain("24 prompts of iteration 1");
        output.ShouldContain("SmallMargin");
        await using var log = await LogReader.OpenAsync(quiet.Folder, CancellationToken.None);
        (await log.Runs.NamesAsync(CancellationToken.None)).ShouldNotContain("never");
    }

    [Fact]
    public async Task A_fork_that_has_no_prompts_to_compare_checkpoints_on_is_told_to_be_a_new_run_before_it_begins()
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync(
            "fork", TinyRun.Name, "--data", quiet.Folder, "--at", "1", "--from", "pairs", "--run", "never", "--dry-run", "--set", "dpo.early_stopping.every=2");
        code.ShouldBe(0, output + errors);
        errors.ShouldContain("start a new run to compare checkpoints");
    }

    [Theory]
    [InlineData("no run 'tinny'", "tinny", "--at", "1", "--from", "pairs")]
    [InlineData("has 2 iterations, expected 1 to 2", TinyRun.Name, "--at", "5", "--from", "pairs", "--iterations", "5")]
    [InlineData("expected 1 to 2", TinyRun.Name, "--at=-1", "--from", "prompts")]
    [InlineData("expected 1 to 2", TinyRun.Name, "--at", "0", "--from", "pairs")]
    [InlineData("judge.count is 4, but run 'tiny' recorded 3", TinyRun.Name, "--at", "1", "--from", "pairs", "--judgements", "4")]
    [InlineData("sft.steps is 9, but run 'tiny' has 120", TinyRun.Name, "--at", "1", "--from", "prompts", "--set", "sft.steps=9")]
    [InlineData("there is no setting 'dpo.betta'", TinyRun.Name, "--at", "1", "--from", "pairs", "--set", "dpo.betta=1")]
    [InlineData("judge.sampling.temperature is", TinyRun.Name, "--at", "2", "--from", "pairs", "--set", "judge.sampling.temperature=0.123")]
    [InlineData("engines.candidates.retries is 9, but this stage is shared", TinyRun.Name, "--at", "2", "--from", "judgements", "--set", "engines.candidates.retries=9")]
    [InlineData("judge.max_score is", TinyRun.Name, "--at", "2", "--from", "pairs", "--set", "dpo.early_stopping.every=2", "--set", "judge.max_score=6")]
    [InlineData("'tiny' exists and is not this fork", TinyRun.Name, "--at", "1", "--from", "pairs", "--run", TinyRun.Name)]
    public async Task A_fork_that_cannot_be_is_refused_with_a_sentence(string sentence, params string[] arguments)
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync(["fork", .. arguments, "--data", quiet.Folder]);
        code.ShouldBe(CommandLine.WrongInput, output);
        errors.ShouldContain(sentence);
        errors.Trim().Split('\n').Length.ShouldBe(1, errors);
    }

    private Task ForkAsync(params string[] arguments) => ForkOfAsync(TinyRun.Name, arguments);

    private async Task ForkOfAsync(string parent, params string[] arguments)
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync(["fork", parent, "--data", quiet.Folder, "--plain", .. arguments]);
        code.ShouldBe(0, output + errors);
    }
}
