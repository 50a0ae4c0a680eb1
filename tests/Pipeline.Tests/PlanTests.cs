using System.CommandLine;
using SelfRewarding.Contracts;
using SelfRewarding.Control;
using SelfRewarding.Control.Plan;
using SelfRewarding.Control.Settings;
using SelfRewarding.Datasets;
using SelfRewarding.DpoTrainer;
using SelfRewarding.Hosting;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>What is said before a run, held to what the log says after it.</summary>
[Collection(WholeRuns.Name)]
public sealed class PlanTests(QuietRun quiet)
{
    private static readonly RunSettings s_tiny = Settings(TinyRun.Arguments("unused")[1..]);

    [Fact]
    public async Task Tokens_of_supervised_training_are_exact_and_all_others_a_bound_from_above()
    {
        var plan = TokenPlan.Of(Run(s_tiny));
        var (trained, candidates, judgements, held) = (new Dictionary<string, (int Steps, long Tokens)>(), (Texts: 0L, Written: 0L), (Texts: 0L, Written: 0L), (Texts: 0L, Written: 0L));
        await using (var log = await LogReader.OpenAsync(quiet.Folder, CancellationToken.None))
        {
            await foreach (var recorded in log.Runs.ReadAllAsync(0, TinyRun.Name, CancellationToken.None))
            {
                switch (recorded.Fact)
                {
                    case TrainingStepped step:
                        var before = trained.GetValueOrDefault(step.Model);
                        trained[step.Model] = (before.Steps + 1, before.Tokens + step.Tokens);
                        break;
                    case CandidatesSampled sampled:
                        candidates = (candidates.Texts + sampled.Candidates.Count, candidates.Written + sampled.Candidates.Sum(candidate => candidate.Tokens.Count));
                        break;
                    case CandidatesJudged judged:
                        judgements = (judgements.Texts + judged.Judgements.Count, judgements.Written + judged.Judgements.Sum(judgement => judgement.TokenCount));
                        break;
                    case HeldOutJudged measured:
                        held = (held.Texts + measured.Judgements.Sum(one => one.Judgements.Count), held.Written + measured.Judgements.Sum(one => one.Judgements.Sum(judgement => judgement.TokenCount)));
                        break;
                    default:
                        break;
                }
            }
        }

        plan.Trained.Select(model => (model.Model, model.IsExact)).ShouldBe([("SFT", true), ("M1", true), ("M2", false), ("M3", false)]);
        foreach (var model in plan.Trained)
        {
            if (model.IsExact)
                trained[model.Model].ShouldBe((model.Steps, model.Tokens));
            trained[model.Model].Steps.ShouldBeInRange(1, model.Steps);
            trained[model.Model].Tokens.ShouldBeInRange(1, model.Tokens);
        }

        ShouldBound("answers", candidates);
        ShouldBound("judgements", judgements);
        ShouldBound("judgements of held-out answers", held);
        Of("judgements of held-out answers").Texts.ShouldBe(held.Texts);

        GeneratedTokens Of(string what) => plan.Generated.Single(work => work.What == what);
        void ShouldBound(string what, (long Texts, long Written) actual)
        {
            actual.Texts.ShouldBeInRange(1, Of(what).Texts);
            actual.Written.ShouldBeInRange(1, Of(what).Written);
        }
    }

    [Fact]
    public void Tokens_follow_from_counts_and_limits()
    {
        var settings = s_tiny with { Iterations = 3, Prompts = s_tiny.Prompts with { PerIteration = 10 }, Candidates = new() { Count = 5, Sampling = new() { MaxNewTokens = 7 } }, Judge = new() { Count = 2, Sampling = new() { MaxNewTokens = 11 } } };
        var run = Run(settings);
        var plan = TokenPlan.Of(run);

        var answers = plan.Generated.Single(work => work.What == "answers");
        (answers.Texts, answers.Written).ShouldBe((3 * 10 * 5, 3 * 10 * 5 * 7));
        answers.Read.ShouldBe((long)(3 * 10 * run.Lengths.Prompt)); // once for all five
        var judgements = plan.Generated.Single(work => work.What == "judgements");
        (judgements.Texts, judgements.Written).ShouldBe((3 * 10 * 5 * 2, 3 * 10 * 5 * 2 * 11));
        judgements.Read.ShouldBe((long)(3 * 10 * 5 * (run.Lengths.JudgeText + 7)));
        plan.Generated.Single(work => work.What == "answers to held-out prompts").Texts.ShouldBe(2 * 6 * settings.Evaluation.Prompts); // M0, SFT, M1 to M4, greedy and sampled
        plan.Trained.Select(model => model.Model).ShouldBe(["SFT", "M1", "M2", "M3", "M4"]);
        plan.Trained[^1].Steps.ShouldBe(settings.Dpo.Epochs * (int)Math.Ceiling(10.0 / settings.Dpo.Batch));
        plan.Trained[^1].ReferenceTokens.ShouldBe((long)(10 * 2 * (run.Lengths.Prompt + 8)));
    }

    [Fact]
    public void Comparing_checkpoints_is_counted_as_if_no_training_stopped_and_prompts_that_are_measured_on_are_not_compared_on()
    {
        var settings = s_tiny with { Dpo = s_tiny.Dpo with { EarlyStopping = new() { Every = 5, Prompts = 7, Judgements = 2 } } };
        var run = Run(settings);
        var plan = TokenPlan.Of(run);

        plan.Trained[^1].Steps.ShouldBe(12); // 2 epochs of 24 pairs, 4 at a time: compared are steps 5, 10 and 12
        (plan.Generated.Single(work => work.What == "answers of checkpoints").Texts, plan.Generated.Single(work => work.What == "judgements of these").Texts).ShouldBe((2 * 3 * 7, 2 * 3 * 7 * 2));
        run.Warnings().ShouldBe(Run(s_tiny).Warnings());
        TokenPlan.Of(Run(s_tiny)).Generated.ShouldNotContain(work => work.What == "answers of checkpoints");

        var none = run with { Seed = run.Seed with { HeldOutPrompts = [.. run.Seed.HeldOutPrompts.Take(settings.Evaluation.Prompts)] } };
        none.Warnings().ShouldContain(warning => warning.StartsWith("Early stopping has nothing to compare checkpoints on, so each training on pairs goes to its end: of 20 held-out prompts 0 are left"));
        TokenPlan.Of(none).Generated.ShouldNotContain(work => work.What == "answers of checkpoints");
    }

    [Fact]
    public void Comparing_judgements_takes_each_two_in_both_orders_and_trains_on_a_pair_more_of_each_prompt()
    {
        var plain = s_tiny with { Iterations = 2, Prompts = s_tiny.Prompts with { PerIteration = 10 }, Judge = new() { Count = 4, Sampling = new() { MaxNewTokens = 11 } }, Candidates = new() { Count = 5, Sampling = new() { MaxNewTokens = 7 } } };
        var run = Run(plain with { Judge = plain.Judge with { MetaIterations = 1 }, Format = plain.Format with { MetaJudge = MetaJudgeFormat.Kata } });
        var (plan, without) = (TokenPlan.Of(run), TokenPlan.Of(Run(plain)));

        var compared = plan.Generated.Single(work => work.What == "comparisons of judgements");
        (compared.Texts, compared.Written).ShouldBe((10 * 4 * 3, 10 * 4 * 3 * 11));
        compared.Read.ShouldBe((long)(10 * 4 * 3 * (run.Lengths.MetaJudgeText + 7 + (2 * 11))));
        without.Generated.ShouldBe(plan.Generated.Where(work => work != compared));
        plan.Trained[2].ReferenceTokens.ShouldBe((long)((10 * 2 * run.Side) + (10 * 2 * (run.Lengths.JudgeText + 7 + 11 + 1))));
        plan.Trained.Where(model => model.Model != "M2").ShouldBe(without.Trained.Where(model => model.Model != "M2"));
        plan.Trained[2].Steps.ShouldBe(plain.Dpo.Epochs * (int)Math.Ceiling(20.0 / plain.Dpo.Batch));
    }

    [Fact]
    public void Messages_of_the_judge_that_a_broker_would_take_back_are_said_with_what_helps()
    {
        var settings = s_tiny with { Iterations = 2, Judge = new() { Count = 4, Sampling = new() { MaxNewTokens = 11 }, MetaIterations = 1 }, Candidates = new() { Count = 5, Sampling = new() { MaxNewTokens = 7 } }, Format = s_tiny.Format with { MetaJudge = MetaJudgeFormat.Kata } };
        var run = Run(settings);
        var plan = TokenPlan.Of(run);

        var (read, written) = plan.OfJudging(settings);
        written.ShouldBe((5 * 4 * 11) + (4 * 3 * 11));
        read.ShouldBe((5 * (run.Lengths.JudgeText + 7)) + (4 * 3 * (run.Lengths.MetaJudgeText + 7 + (2 * 11))), 1);
        Speed Taking(int minutes) => new(1e12, written / (minutes * 60), 1);
        PlanReport.LongMessages(settings, plan, Taking(3), 5, TimeSpan.FromMinutes(30)).ShouldBeNull();
        PlanReport.LongMessages(settings, plan, Taking(8), 5, TimeSpan.FromMinutes(30)).ShouldNotBeNull().ShouldMatch(@"is 20 judgements and 12 comparisons: 5 at once, .* may take 40\.0 minutes, .*: SELFREWARD_PREFETCH=2 for the judges would do\.$");
        PlanReport.LongMessages(settings, plan, Taking(8), 5, PrivateBroker.TakesBackAfter).ShouldBeNull();
        PlanReport.LongMessages(settings, plan, Taking(21), 1, TimeSpan.FromMinutes(30)).ShouldNotBeNull().ShouldEndWith("set SELFREWARD_PREFETCH=1 for the judges, and a longer consumer_timeout.");
        var served = settings with { Engines = new() { Judgements = new ServerSettings { Url = "http://localhost/v1", Model = "m" } } };
        PlanReport.LongMessages(served, TokenPlan.Of(Run(served)), Taking(500), 5, TimeSpan.FromMinutes(30)).ShouldBeNull("nobody knows how fast the server is");
    }

    [Fact]
    public void What_a_server_does_costs_this_machine_no_time_and_prompts_of_a_file_are_not_drafted()
    {
        var server = new ServerSettings { Url = "http://localhost/v1", Model = "m" };
        var run = Run(s_tiny with { Engines = new() { Judgements = server }, Prompts = s_tiny.Prompts with { Source = "/some/file" } });
        var plan = TokenPlan.Of(run);

        plan.Generated.ShouldNotContain(work => work.What == "drafts of prompts");
        plan.Generated.Single(work => work.What == "judgements").Server.ShouldBeTrue();
        plan.Own.Written.ShouldBe(plan.Generated.Where(work => work.What != "judgements").Sum(work => work.Written));
        new Speed(10, 5, 2).For(new TokenPlan([new("a", 1, 100, 50, false), new("b", 1, 1_000, 1_000, true)], [new("M2", 3, 40, 20, false)])).TotalSeconds.ShouldBe((120 / 10.0) + (50 / 5.0) + (40 / 2.0));
    }

    [Fact]
    public async Task A_plan_says_tokens_memory_disk_and_time_and_records_nothing()
    {
        var folder = Path.Combine(quiet.Folder, "planned");
        var (code, output, errors) = await SelfrewardProcess.RunAsync(["plan", "--data", folder, .. Without(TinyRun.Arguments("unused"), "--data", "unused")]);

        code.ShouldBe(0, output + errors);
        foreach (var model in TokenPlan.Of(Run(s_tiny)).Trained)
            output.ShouldMatch($@"\n  {model.Model} .*{model.Tokens:N0}");
        output.ShouldContain("all in one process");
        output.ShouldMatch(@"\nDisk: [0-9.]+ GiB of [0-9,.]+ GiB that are free");
        output.ShouldMatch(@"\nTime: about [0-9.,]+ (minutes|hours) on this machine .*measured just now: [0-9,]+ tokens/s read, [0-9,]+ tokens/s written, [0-9,]+ tokens/s trained\)\.\n");
        Directory.Exists(folder).ShouldBeFalse();
    }

    [Fact]
    public async Task What_does_not_fit_is_refused_with_what_would()
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync(["plan", "--memory", "0.1", .. TinyRun.Arguments("unused")[1..]]);
        code.ShouldBe(1, errors);
        output.ShouldContain("of memory in one process, and there are 0.10 GiB: even with lora.r=16, train.micro_batch=1 and train.checkpoint_activations=true it needs");
        output.ShouldNotContain("Time:");

        (code, output, _) = await SelfrewardProcess.RunAsync(["plan", "--no-probe", .. TinyRun.Arguments("unused")[1..], "--set", $"format.judge={new string('x', 400)}{{prompt}}{{response}}"]);
        code.ShouldBe(1);
        output.ShouldContain("tokens before the answer is in it, and the model's context is 160: no answer could be judged.");
    }

    /// <summary>A run with a fresh model that has not begun.</summary>
    internal static PlannedRun Run(RunSettings settings)
    {
        var (config, chat) = BaseModel.FreshShape(settings);
        return PlannedRun.Of(settings, SeedData.For(settings), config, chat);
    }

    internal static RunSettings Settings(string[] args)
    {
        var command = new RootCommand();
        RunOptions.AddTo(command);
        return RunOptions.Bind(command.Parse(args));
    }

    private static IEnumerable<string> Without(string[] args, params string[] gone) => args[1..].Where(argument => !gone.Contains(argument));
}
