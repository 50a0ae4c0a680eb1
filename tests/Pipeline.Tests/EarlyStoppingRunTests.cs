using System.Globalization;
using System.Text.Json.Nodes;
using SelfRewarding.Contracts;
using SelfRewarding.Control;
using SelfRewarding.Datasets;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>Early stopping inside of runs, in the real command: one that stops, killed and not, and one whose checkpoints win to the end.</summary>
[Collection(WholeRuns.Name)]
public sealed class EarlyStoppingRunTests : IDisposable
{
    private const int Prompts = 12;

    private readonly string _data = Directory.CreateTempSubdirectory("selfreward-stopping-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public async Task A_training_stops_where_a_checkpoint_does_not_win_publishes_the_one_before_and_does_so_too_when_it_is_killed_at_every_turn()
    {
        // So fast that the model unlearns to answer.
        await RunAsync(Arguments("--set", "dpo.learning_rate=0.005", "--set", "dpo.final_learning_rate=0.005"));
        var (plan, compared, published) = await TrainedAsync(TinyRun.Name);

        compared.Select(one => one.Step).ShouldBe(Enumerable.Range(1, compared.Count).Select(n => 2 * n));
        compared.Select(one => one.Against).ShouldBe([null, .. compared.SkipLast(1).Select(one => (int?)one.Step)]);
        compared.Select(one => one.Stops).ShouldBe([.. Enumerable.Repeat(false, compared.Count - 1), true]);
        compared[^1].Step.ShouldBeLessThan(plan.Steps, "else nothing was spared");
        compared.ShouldAllBe(one => one.Judge.Name == "M1" && one.Answers.Count == Prompts && one.Answers.All(answer => answer.Judgements.Count == 2));
        (published.Steps, published.Model.Sha256).ShouldBe((compared[^2].Step, compared[^2].Sha256));
        var measured = (await FactsAsync(TinyRun.Name)).OfType<HeldOutAnswered>().SelectMany(answered => answered.Answers).Select(answer => answer.Prompt).ToHashSet();
        compared.SelectMany(one => one.Answers).ShouldAllBe(answer => !measured.Contains(answer.Prompt));

        (await RunAsync("show", TinyRun.Name, "--data", _data)).ShouldContain($"{published.Steps} of {plan.Steps}");
        var lineage = JsonNode.Parse(await RunAsync("lineage", $"{TinyRun.Name}/M2", "--data", _data, "--json"))!;
        var why = lineage["children"]!.AsArray().Single(node => node!["kind"]!.GetValue<string>() == "checkpoints compared")!;
        (why["facts"]!["stopped at step"]!.GetValue<int>(), why["facts"]!["published step"]!.GetValue<int>(), why["facts"]!["judged by"]!.GetValue<string>()).ShouldBe((compared[^1].Step, published.Steps, "M1"));
        why["children"]!.AsArray()[^1]!["facts"]!["so training"]!.GetValue<string>().ShouldBe("stopped");
        (await RunAsync("verify", TinyRun.Name, "--data", _data)).ShouldContain("comparisons follow from the raw judgements");
        await ChangedIsFoundAsync(compared[^1]);

        var killed = Fork("killed");
        Func<object, bool>[] moments =
        [
            fact => fact is CheckpointSaved { Step: 2 }, // while the first checkpoint answers
            fact => fact is CheckpointCompared { Step: 2 }, // decided, and going on
            fact => fact is CheckpointSaved { Step: 4 }, // while the second answers or is judged
            fact => fact is CheckpointCompared { Stops: true }, // decided, not published
        ];
        foreach (var moment in moments)
        {
            using var process = SelfrewardProcess.Start(killed);
            await TinyRun.ReachesAsync(process, _data, recorded => moment(recorded.Fact) && SelfRewarding.Control.Summary.RunSummary.RunOf(recorded.Fact) == "killed");
            await process.KillAsync();
        }

        await RunAsync(killed);
        (await TrainedAsync("killed")).Published.Model.Sha256.ShouldBe(published.Model.Sha256);
        (await FactsAsync("killed")).OfType<CheckpointCompared>().Select(Told).ShouldBe(compared.Select(Told));
        Directory.Exists(Path.Combine(_data, "runs", "killed", "checkpoints", "M2")).ShouldBeFalse();
        await RunAsync("verify", "killed", "--data", _data);
    }

    [Fact]
    public async Task A_training_whose_checkpoints_all_win_makes_the_model_that_training_to_the_end_makes_and_an_adapter_can_be_stopped_too()
    {
        var judge = new ArrivalJudge();
        await using var server = await ProtocolServer.StartAsync(judge.Answer);
        string[] served = ["--set", $"engines.judgements.url={server.Url}", "--set", "engines.judgements.model=lab-7b", "--set", "dpo.learning_rate=0.002"];
        judge.Begin(Validation(), later: +1);
        await RunAsync(Arguments(served));
        var (plan, compared, published) = await TrainedAsync(TinyRun.Name);

        compared[^1].Step.ShouldBe(plan.Steps);
        compared.ShouldAllBe(one => !one.Stops && (one.Against == null || one.Wins > one.Losses) && one.Server!.Requests == 2 * Prompts);
        published.Steps.ShouldBe(plan.Steps);
        await RunAsync("verify", TinyRun.Name, "--data", _data);
        await RunAsync(Fork("whole", "--set", "dpo.early_stopping.every=0"));
        var (_, none, whole) = await TrainedAsync("whole");
        none.ShouldBeEmpty();
        whole.Model.Sha256.ShouldBe(published.Model.Sha256);

        judge.Begin(Validation(), later: -1);
        await RunAsync(Fork("adapter", "--set", "lora.r=4", "--set", "dpo.learning_rate=0.02"));
        var (_, adapted, merged) = await TrainedAsync("adapter");
        adapted[^1].Stops.ShouldBeTrue();
        (merged.Steps, merged.Model.Sha256).ShouldBe((adapted[^2].Step, adapted[^2].Sha256));
        (await RunAsync("verify", "adapter", "--data", _data)).ShouldContain("the model before and the adapter make the model");
    }

    private async Task ChangedIsFoundAsync(CheckpointCompared last)
    {
        string[] changes = ["jsonb_set(data, '{Wins}', '12')", "jsonb_set(data, '{Stops}', 'false')", "jsonb_set(data, '{Answers,0,Judgements,0,Raw}', '\"Score: 0.5\"')", "jsonb_set(data, '{Answers,3,Prompt}', '\"another\"')"];
        foreach (var change in changes)
        {
            await ChangedLog.WhileAsync(_data, async database =>
            {
                await using var command = database.CreateCommand($"update mt_events set data = {change} where stream_id = 'training-tiny-M2' and type = 'checkpoint_compared' and data ->> 'Step' = '{last.Step}'");
                (await command.ExecuteNonQueryAsync()).ShouldBe(1);
                var (code, output, errors) = await SelfrewardProcess.RunAsync("verify", TinyRun.Name, "--data", _data);
                code.ShouldBe(1, output + errors);
                output.ShouldContain($"First difference: training of tiny/M2, step {last.Step} compared", customMessage: change);
            });
        }
    }

    private string[] Arguments(params string[] more) => TinyRun.Arguments(
        _data, ["--iterations", "1", "--set", "dpo.early_stopping.every=2", "--set", $"dpo.early_stopping.prompts={Prompts}", "--set", "dpo.early_stopping.judgements=2", "--set", "evaluation.prompts=10", .. more]);

    private string[] Fork(string run, params string[] more) => ["fork", TinyRun.Name, "--data", _data, "--plain", "--at", "1", "--from", "pairs", "--run", run, .. more];

    private static async Task<string> RunAsync(params string[] arguments)
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync(arguments);
        code.ShouldBe(0, output + errors);
        return output;
    }

    private async Task<(TrainingStarted Plan, IReadOnlyList<CheckpointCompared> Compared, ModelPublished Published)> TrainedAsync(string run)
    {
        var facts = await FactsAsync(run);
        return (facts.OfType<TrainingStarted>().Single(plan => plan.Model == "M2"), [.. facts.OfType<CheckpointCompared>()], facts.OfType<ModelPublished>().Single(published => published.Model.Name == "M2"));
    }

    private async Task<IReadOnlyList<object>> FactsAsync(string run)
    {
        var facts = new List<object>();
        await using var log = await LogReader.OpenAsync(_data, CancellationToken.None);
        await foreach (var recorded in log.Runs.ReadAllAsync(0, run, CancellationToken.None))
            facts.Add(recorded.Fact);
        return facts;
    }

    private IReadOnlyList<string> Validation() => [.. ValidationPrompts.Of(SeedData.For(PlanTests.Settings(Arguments()[1..])), PlanTests.Settings(Arguments()[1..])).Select(prompt => prompt.Prompt)];

    private static string Told(CheckpointCompared compared) =>
        string.Create(CultureInfo.InvariantCulture, $"{compared.Step} {compared.Sha256} {compared.Wins} {compared.Ties} {compared.Losses} {compared.Stops} {string.Join("|", compared.Answers.Select(answer => answer.Text + string.Join(",", answer.Judgements.Select(judgement => judgement.Raw))))}");

    /// <summary>Judges answers to the prompts that checkpoints are compared on by whether they are new: each new answer to one is better, or worse, than those before it. All others it judges rightly.</summary>
    private sealed class ArrivalJudge
    {
        private readonly Lock _lock = new();
        private readonly Dictionary<string, List<string>> _answers = new(StringComparer.Ordinal);
        private HashSet<string> _prompts = [];
        private int _later;

        public void Begin(IEnumerable<string> prompts, int later)
        {
            lock (_lock)
            {
                (_prompts, _later) = ([.. prompts], later);
                _answers.Clear();
            }
        }

        public string Answer(Asked asked)
        {
            var (prompt, answer) = asked.Prompt["judge ".Length..].TrimEnd('\n').Split(" -> ", 2) is [var before, var after] ? (before, after) : ("", "");
            lock (_lock)
            {
                if (!_prompts.Contains(prompt))
                    return KataServer.Answer(asked);
                if (!_answers.TryGetValue(prompt, out var answers))
                    _answers[prompt] = answers = [];
                if (!answers.Contains(answer))
                    answers.Add(answer);
                return string.Create(CultureInfo.InvariantCulture, $"Score: {2.5 + (_later * 0.01 * answers.IndexOf(answer)):0.00}");
            }
        }
    }
}
