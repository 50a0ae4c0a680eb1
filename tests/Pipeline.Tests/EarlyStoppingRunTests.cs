using System.Globalization;
using System.Text.Json.Nodes;
using SelfRewarding.Contracts;
using SelfRewarding.Control;
using SelfRewarding.Datasets;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>A run in bfloat16 that compares checkpoints by its own judge, and learns so fast from its pairs that the model unlearns to answer.</summary>
public sealed class StoppedRun : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("selfreward-stopping-").FullName;

    /// <summary>How many prompts checkpoints are compared on.</summary>
    public const int Prompts = 12;

    /// <summary>Its data folder. Forks may be added.</summary>
    public string Folder => _folder;

    /// <summary>Arguments of <c>selfreward run</c>.</summary>
    public string[] Arguments => TinyRun.Arguments(_folder,
        ["--iterations", "1", .. new[] { "model.compute_dtype=bfloat16", "dpo.learning_rate=0.005", "dpo.final_learning_rate=0.005", "dpo.early_stopping.every=2", $"dpo.early_stopping.prompts={Prompts}", "dpo.early_stopping.judgements=2", "evaluation.prompts=10" }
            .SelectMany(setting => (string[])["--set", setting])]);

    public async ValueTask InitializeAsync()
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync(Arguments);
        code.ShouldBe(0, output + errors);
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}

/// <summary>Early stopping inside of runs, in the real command: one that stops, and forks from its pairs: one whose checkpoints win to the end, and adapters that are stopped, killed and not.</summary>
[Collection(WholeRuns.Name)]
public sealed class EarlyStoppingRunTests(StoppedRun run) : IClassFixture<StoppedRun>
{
    private const int Prompts = StoppedRun.Prompts;

    private readonly string _data = run.Folder;

    [Fact]
    public async Task A_training_stops_where_a_checkpoint_does_not_win_publishes_the_one_before_and_what_came_after_that_is_told_apart()
    {
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
        var verified = await RunAsync("verify", TinyRun.Name, "--data", _data, "--regenerate", "30");
        foreach (var check in (string[])["comparisons follow from the raw judgements", "checkpoints answer again, to the token", "checkpoints are judged again, to the token", "their weights are not kept"])
            verified.ShouldContain(check);
        await ChangedIsFoundAsync(compared[^1]);
        await ChangedAnswerIsFoundAsync(compared.Single(one => one.Step == published.Steps), all: compared.Count * Prompts);
        await GivenUpIsToldAsync(compared[^1].Step, published.Steps);
    }

    [Fact]
    public async Task A_training_whose_checkpoints_all_win_makes_the_model_that_training_to_the_end_makes_and_an_adapter_is_stopped_too_and_at_the_same_when_it_is_killed_at_every_turn()
    {
        var judge = new ArrivalJudge();
        await using var server = await ProtocolServer.StartAsync(judge.AnswerAsync);
        string[] served = ["--set", $"engines.judgements.url={server.Url}", "--set", "engines.judgements.model=lab-7b"]; // answers of checkpoints, and nothing else
        string[] slow = ["--set", "dpo.learning_rate=0.002", "--set", "dpo.final_learning_rate=0.000005"];
        judge.Begin(Validation(), later: +1);
        await RunAsync(Fork("served", [.. served, .. slow]));
        var (plan, compared, published) = await TrainedAsync("served");

        compared[^1].Step.ShouldBe(plan.Steps);
        compared.ShouldAllBe(one => !one.Stops && (one.Against == null || one.Wins > one.Losses) && one.Server!.Requests == 2 * Prompts);
        published.Steps.ShouldBe(plan.Steps);
        (await RunAsync("verify", "served", "--data", _data, "--regenerate", "3")).ShouldContain("a server judged them");
        await RunAsync(Fork("whole", [.. slow, "--set", "dpo.early_stopping.every=0"]));
        var (_, none, whole) = await TrainedAsync("whole");
        none.ShouldBeEmpty();
        whole.Model.Sha256.ShouldBe(published.Model.Sha256);

        judge.Begin(Validation(), later: -1);
        string[] adapter = [.. served, "--set", "lora.r=4", "--set", "dpo.learning_rate=0.02", "--set", "dpo.final_learning_rate=0.000005"]; // beside weights in bfloat16, which it is merged with in float32
        await RunAsync(Fork("adapter", adapter));
        var (_, adapted, merged) = await TrainedAsync("adapter");
        adapted[^1].Stops.ShouldBeTrue();
        (merged.Steps, merged.Model.Sha256).ShouldBe((adapted[^2].Step, adapted[^2].Sha256));
        (await RunAsync("verify", "adapter", "--data", _data)).ShouldContain("the model before and the adapter make the model");

        judge.Begin(Validation(), later: -1);
        await KilledAsync(judge, Fork("killed", adapter), adapted);
        (await TrainedAsync("killed")).Published.Model.Sha256.ShouldBe(merged.Model.Sha256);
        (await FactsAsync("killed")).OfType<CheckpointCompared>().Select(Told).ShouldBe(adapted.Select(Told));
        Directory.Exists(Path.Combine(_data, "runs", "killed", "checkpoints", "M2")).ShouldBeFalse();
        (await RunAsync("verify", "killed", "--data", _data)).ShouldContain("the model before and the adapter make the model");
    }

    // Ends a training before and after each comparison, and where it cannot publish, and lets it go on to its end. The judge holds back what would take it further before it is killed.
    private async Task KilledAsync(ArrivalJudge judge, string[] fork, IReadOnlyList<CheckpointCompared> undisturbed)
    {
        var (first, last) = (undisturbed[^2].Step, undisturbed[^1].Step);
        undisturbed.Count.ShouldBe(2, "each comparison is one of the turns");
        undisturbed[^1].Losses.ShouldBeGreaterThan(0, "else the second checkpoint answers nothing that could be held back");
        (int HeldFrom, bool UntilHeld, Func<object, bool> Next)[] turns =
        [
            (0, true, fact => fact is CheckpointCompared), // the first checkpoint answers
            (1, false, fact => fact is CheckpointCompared compared && compared.Step == last), // decided, and going on
            (1, true, fact => fact is CheckpointCompared compared && compared.Step == last), // the second answers
        ];
        foreach (var (heldFrom, untilHeld, next) in turns)
        {
            var held = judge.HoldFrom(heldFrom);
            using var process = SelfrewardProcess.Start(fork);
            if (untilHeld)
                (await Task.WhenAny(held, process.WaitAsync())).ShouldBe(held, "it ended before");
            else
                (await TinyRun.ReachesAsync(process, _data, recorded => recorded.Fact is CheckpointCompared { Run: "killed" })).ShouldBeTrue(process.Output + process.Errors);
            await process.KillAsync();
            (await FactsAsync("killed")).ShouldNotContain(fact => next(fact));
        }

        // Decided, not published: there is something in the way, and then the model that is to be published is damaged.
        _ = judge.HoldFrom(null);
        var inTheWay = Directory.CreateDirectory(Path.Combine(_data, "runs", "killed", "models", "M2", "model.safetensors"));
        await FailsAsync("cannot be written", fork);
        inTheWay.Delete();
        var facts = await FactsAsync("killed");
        facts.OfType<CheckpointCompared>().Last().Stops.ShouldBeTrue();
        facts.OfType<ModelPublished>().ShouldNotContain(published => published.Model.Name == "M2");
        var kept = Path.Combine(_data, "runs", "killed", "checkpoints", "M2", $"kept-{first}", "M2", "model.safetensors");
        var whole = await File.ReadAllBytesAsync(kept);
        await File.WriteAllBytesAsync(kept, [.. whole.SkipLast(1), (byte)(whole[^1] ^ 1)]);
        await FailsAsync($"compared at step {first}", "verify", "killed", "--data", _data);
        await FailsAsync($"remove the folder '{Path.Combine(_data, "runs", "killed", "checkpoints", "M2")}'", fork);
        await File.WriteAllBytesAsync(kept, whole);
        await RunAsync(fork);
    }

    // Steps after the published one are in the log, and nobody who asks takes them for what the model learnt.
    private async Task GivenUpIsToldAsync(int last, int published)
    {
        var steps = (await FactsAsync(TinyRun.Name)).OfType<TrainingStepped>().Where(step => step.Model == "M2").ToList();
        steps.Count.ShouldBe(last);
        var training = Child(await LineageAsync("M2"), "training")["facts"]!;
        (training["steps"]!.GetValue<int>(), training["steps not in the published model"]!.GetValue<int>()).ShouldBe((published, last - published));
        (await LineageAsync($"M2/step/{last}"))["facts"]!["in the published model"]!.GetValue<string>().ShouldBe("no");
        (await LineageAsync($"M2/step/{published}"))["facts"]!["in the published model"].ShouldBeNull();

        var ordinal = steps[^1].Examples[0];
        var (learnt, all) = (steps.Count(step => step.Step <= published && step.Examples.Contains(ordinal)), steps.Count(step => step.Examples.Contains(ordinal)));
        var pair = Child(await LineageAsync($"1/{ordinal}"), "trained");
        (pair["facts"]!["steps that saw the pair"]!.GetValue<int>(), pair["facts"]!["steps not in the published model"]!.GetValue<int>()).ShouldBe((learnt, all - learnt));
        pair["children"]!.AsArray().Count.ShouldBe(all);
        pair["children"]!.AsArray()[^1]!["facts"]!["in the published model"]!.GetValue<string>().ShouldBe("no");

        async Task<JsonNode> LineageAsync(string id) => JsonNode.Parse(await RunAsync("lineage", $"{TinyRun.Name}/{id}", "--data", _data, "--json"))!;
        static JsonNode Child(JsonNode tree, string kind) => tree["children"]!.AsArray().Single(node => node!["kind"]!.GetValue<string>() == kind)!;
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

    // What the published model answered is all answered again, and one answer is another.
    private Task ChangedAnswerIsFoundAsync(CheckpointCompared published, int all) => ChangedLog.WhileAsync(_data, async database =>
    {
        await using var command = database.CreateCommand($"update mt_events set data = jsonb_set(data, '{{Answers,0,Text}}', '\"zzz\"') where stream_id = 'training-tiny-M2' and type = 'checkpoint_compared' and data ->> 'Step' = '{published.Step}'");
        (await command.ExecuteNonQueryAsync()).ShouldBe(1);
        var (_, output, _) = await SelfrewardProcess.RunAsync("verify", TinyRun.Name, "--data", _data, "--regenerate", $"{all}");
        output.ShouldMatch($@"checkpoints answer again, to the token\s+{Prompts}\s+1\b");
    });

    private string[] Fork(string name, params string[] more) => ["fork", TinyRun.Name, "--data", _data, "--plain", "--at", "1", "--from", "pairs", "--run", name, .. more];

    private static async Task FailsAsync(string sentence, params string[] arguments)
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync(arguments);
        code.ShouldNotBe(0, output + errors);
        (output + errors).ShouldContain(sentence);
    }

    private static async Task<string> RunAsync(params string[] arguments)
    {
        var (code, output, errors) = await SelfrewardProcess.RunAsync(arguments);
        code.ShouldBe(0, output + errors);
        return output;
    }

    private async Task<(TrainingStarted Plan, IReadOnlyList<CheckpointCompared> Compared, ModelPublished Published)> TrainedAsync(string name)
    {
        var facts = await FactsAsync(name);
        return (facts.OfType<TrainingStarted>().Single(plan => plan.Model == "M2"), [.. facts.OfType<CheckpointCompared>()], facts.OfType<ModelPublished>().Single(published => published.Model.Name == "M2"));
    }

    private async Task<IReadOnlyList<object>> FactsAsync(string name)
    {
        var facts = new List<object>();
        await using var log = await LogReader.OpenAsync(_data, CancellationToken.None);
        await foreach (var recorded in log.Runs.ReadAllAsync(0, name, CancellationToken.None))
            facts.Add(recorded.Fact);
        return facts;
    }

    private IReadOnlyList<string> Validation() => [.. ValidationPrompts.Of(SeedData.For(PlanTests.Settings(run.Arguments[1..])), PlanTests.Settings(run.Arguments[1..])).Select(prompt => prompt.Prompt)];

    private static string Told(CheckpointCompared compared) =>
        string.Create(CultureInfo.InvariantCulture, $"{compared.Step} {compared.Sha256} {compared.Wins} {compared.Ties} {compared.Losses} {compared.Stops} {string.Join("|", compared.Answers.Select(answer => answer.Text + string.Join(",", answer.Judgements.Select(judgement => judgement.Raw))))}");

    /// <summary>Judges answers to the prompts that checkpoints are compared on by whether they are new: each new answer to one is better, or worse, than those before it. All others it judges rightly.</summary>
    private sealed class ArrivalJudge
    {
        private readonly Lock _lock = new();
        private readonly Dictionary<string, List<string>> _answers = new(StringComparer.Ordinal);
        private HashSet<string> _prompts = [];
        private int _later;
        private int? _heldFrom;
        private TaskCompletionSource _gate = new(TaskCreationOptions.RunContinuationsAsynchronously), _held = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Begin(IEnumerable<string> prompts, int later)
        {
            lock (_lock)
            {
                (_prompts, _later) = ([.. prompts], later);
                _answers.Clear();
            }
        }

        /// <summary>Judges no answer to such a prompt before this is called again, but the first so many; null holds none.</summary>
        /// <returns>Ends when one is held.</returns>
        public Task HoldFrom(int? place)
        {
            lock (_lock)
            {
                _heldFrom = place;
                _gate.SetResult();
                (_gate, _held) = (new(TaskCreationOptions.RunContinuationsAsynchronously), new(TaskCreationOptions.RunContinuationsAsynchronously));
                return _held.Task;
            }
        }

        public async Task<string> AnswerAsync(Asked asked)
        {
            var (score, held) = Answer(asked);
            await held;
            return score;
        }

        private (string Score, Task Held) Answer(Asked asked)
        {
            var (prompt, answer) = asked.Prompt["judge ".Length..].TrimEnd('\n').Split(" -> ", 2) is [var before, var after] ? (before, after) : ("", "");
            lock (_lock)
            {
                if (!_prompts.Contains(prompt))
                    return (KataServer.Answer(asked), Task.CompletedTask);
                if (!_answers.TryGetValue(prompt, out var answers))
                    _answers[prompt] = answers = [];
                if (!answers.Contains(answer))
                    answers.Add(answer);
                var place = answers.IndexOf(answer);
                var score = string.Create(CultureInfo.InvariantCulture, $"Score: {2.5 + (_later * 0.01 * place):0.00}");
                if (!(place >= _heldFrom))
                    return (score, Task.CompletedTask);
                _held.TrySetResult();
                return (score, _gate.Task);
            }
        }
    }
}
