using SelfRewarding.Contracts;
using SelfRewarding.Control.Verify;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>What is changed behind the log's back is found, and named.</summary>
[Collection(WholeRuns.Name)]
public sealed class VerifyTests(QuietRun quiet)
{
    [Fact]
    public async Task A_run_that_nobody_touched_verifies_and_its_texts_are_generated_again()
    {
        var (code, output, errors) = await VerifyAsync("--regenerate", "4");
        code.ShouldBe(0, output + errors);
        output.ShouldContain("Everything agrees.");
        foreach (var check in (string[])["scores follow from the raw judgements", "pairs and discards follow from the scores", "accepted prompts pass the filters",
            "refused drafts are refused", "datasets hash to what was frozen", "model files hash to what is recorded", "figures follow from answers and judgements",
            "each epoch shows every pair once", "examples shown for drafting follow from seed", "seed data are those that the run began with", "training data and steps are those of the plan",
            "examples of steps follow from seed and step", "replayed examples follow from seed and step", "learning rates follow from the schedule",
            "every pair of a step has its rewards", "means follow from the pairs' rewards", "answers are generated again to the token", "judgements are generated again to the token"])
            output.ShouldContain(check);
    }

    [Theory]
    [InlineData("candidates_judged", "{Judgements,0,Score}", "4.5", "judgement 0 of answer 0")]
    [InlineData("candidates_judged", "{Judgements,1,Raw}", "\"no score at all\"", "judgement 1 of answer 0")]
    [InlineData("preference_pair_built", "{Chosen,Text}", "\"another text\"", "prompt tiny/")]
    [InlineData("preference_pair_built", "{Chosen,Score}", "0.25", "prompt tiny/")]
    [InlineData("dataset_frozen", "{Sha256}", "\"0000\"", "dataset of tiny/M2")]
    [InlineData("dataset_frozen", "{Statistics,Candidates}", "1", "dataset of tiny/M2")]
    [InlineData("training_stepped", "{Step}", "77", "training of tiny/")]
    [InlineData("model_published", "{Model,Sha256}", "\"0000\"", "model tiny/M0")]
    [InlineData("training_stepped", "{Loss}", "1.25", "event 2 of stream training-tiny-SFT")]
    [InlineData("prompt_generated", "{Examples,0}", "\"copy: abc\"", "of prompt tiny/1/")]
    [InlineData("prompt_generated", "{Model,Path}", "\"elsewhere\"", "of stream prompt-tiny-1-")]
    [InlineData("model_evaluated", "{Following,MeanLength}", "1.25", "evaluation of tiny/M0")]
    // Which answer is judged first is a matter of timing: one whose judgement had no score anyway would say nothing else without one.
    public async Task A_changed_value_in_the_database_is_found_where_it_is(string type, string path, string value, string place) =>
        await ChangedAsync(
            $"update mt_events set data = jsonb_set(data, '{path}', '{value}') where seq_id = (select min(seq_id) from mt_events where type = '{type}' and stream_id not like '%-M1' and (stream_id like '%-tiny-%' or stream_id = 'run-tiny') and (type <> 'candidates_judged' or data #>> '{{Judgements,1,Score}}' is not null))",
            place);

    [Theory]
    [InlineData("run-tiny", "run_started", "{Seeds,0,Sha256}", "\"0000\"", "ift of run tiny", "seed data are those that the run began with")]
    [InlineData("run-tiny", "run_started", "{Seeds,1,Examples}", "1501", "eft of run tiny", "seed data are those that the run began with")]
    [InlineData("training-tiny-M1", "training_started", "{DatasetSha256}", "\"0000\"", "training of tiny/M1", "training data and steps are those of the plan")]
    [InlineData("training-tiny-SFT", "training_started", "{Examples}", "7", "training of tiny/SFT", "training data and steps are those of the plan")]
    [InlineData("training-tiny-M2", "training_started", "{TooLong}", "1", "training of tiny/M2", "training data and steps are those of the plan")]
    [InlineData("training-tiny-M1", "training_stepped", "{Examples,0}", "-1", "training of tiny/M1, step 1", "examples of steps follow from seed and step")]
    [InlineData("training-tiny-M3", "training_stepped", "{Examples,0}", "999", "training of tiny/M3, step 1", "examples of steps follow from seed and step")]
    [InlineData("training-tiny-M2", "training_stepped", "{Replayed,0}", "-1", "training of tiny/M2, step 1", "replayed examples follow from seed and step")]
    [InlineData("training-tiny-SFT", "training_stepped", "{LearningRate}", "0.25", "training of tiny/SFT, step 1", "learning rates follow from the schedule")]
    [InlineData("training-tiny-M2", "training_stepped", "{Rewards,0,Chosen}", "0.25", "training of tiny/M2, step 1", "means follow from the pairs' rewards")]
    [InlineData("training-tiny-M3", "training_stepped", "{Preference,RewardsMargins}", "0.25", "training of tiny/M3, step 1", "means follow from the pairs' rewards")]
    [InlineData("training-tiny-M2", "training_stepped", "{Rewards}", "[]", "training of tiny/M2, step 1", "every pair of a step has its rewards")]
    [InlineData("evaluation-tiny-M1", "held_out_judged", "{Judgements,0,Judgements,0,Raw}", "\"no score at all\"", "evaluation of tiny/M1, prompt 0", "scores follow from the raw judgements")]
    public async Task A_changed_value_breaks_the_rule_that_it_follows_from(string stream, string type, string path, string value, string place, string rule) =>
        await ChangedAsync(
            $"update mt_events set data = jsonb_set(data, '{path}', '{value}') where seq_id = (select min(seq_id) from mt_events where stream_id = '{stream}' and type = '{type}')", place, rule);

    [Fact]
    public async Task An_event_whose_name_is_unknown_is_named() =>
        await ChangedAsync(
            "update mt_events set type = 'moon_risen' where stream_id = 'training-tiny-M1' and version = (select max(version) from mt_events where stream_id = 'training-tiny-M1')",
            "of stream training-tiny-M1", "stored names are known", "moon_risen");

    [Fact]
    public async Task A_shape_that_facts_had_before_is_upcast_and_verified_as_it_was_stored()
    {
        await ChangedLog.WhileAsync(quiet.Folder, async database =>
        {
            // Forks that other tests leave in this folder have steps of their own, which are not this run's.
            string[] training = [.. ((string[])["SFT", "M1", "M2", "M3"]).Select(model => StreamNames.Training(TinyRun.Name, model))];
            var rewritten = (await OlderSteps.RewriteAsync(database)).Count(training.Contains);
            rewritten.ShouldBeGreaterThan(100);
            (await VerifyAsync()).ExitCode.ShouldBe(1, "today's version knows of no such shape");

            await using var store = new NpgsqlEventStore(database, TimeProvider.System);
            var log = new FactLog(store, logger: null, OlderSteps.Versions);
            var catalog = new RunCatalog(log);
            var ancestry = await catalog.AncestryOfAsync(TinyRun.Name, CancellationToken.None);
            var report = new VerifyReport();
            var verifier = new RunVerifier(
                new RunLog(log, catalog), log, store, new WorkerOptions { Data = quiet.Folder, Postgres = "" }, ancestry, SeedChecks.Load(report, ancestry), report);
            await verifier.CheckAsync(CancellationToken.None);

            report.First.ShouldBeNull();
            report.Counts.ShouldContain(count => count.Check == "means follow from the pairs' rewards" && count.Checked > 0);
            report.Counts.ShouldContain(count => count.Check == "events hash to what was recorded" && count.Checked > rewritten);
        });
    }

    [Fact]
    public async Task A_checkpoint_that_training_would_go_on_from_is_held_to_its_hashes()
    {
        var data = Directory.CreateTempSubdirectory("selfreward-checkpoint-").FullName;
        try
        {
            using (var process = SelfrewardProcess.Start(TinyRun.Arguments(data)))
            {
                (await TinyRun.ReachesAsync(process, data, recorded => recorded.Fact is CheckpointSaved { Model: "M1", Step: 50 })).ShouldBeTrue();
                await process.KillAsync();
            }

            var (code, output, errors) = await SelfrewardProcess.RunAsync("verify", TinyRun.Name, "--data", data);
            code.ShouldBe(0, output + errors);
            output.ShouldContain("checkpoints on disk hash to what is recorded");
            output.ShouldContain("the run is not finished");

            var state = Directory.GetFiles(Path.Combine(data, "runs", TinyRun.Name, "checkpoints", "M1"), "optimizer.safetensors", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Last();
            var bytes = await File.ReadAllBytesAsync(state);
            bytes[^5] ^= 1;
            await File.WriteAllBytesAsync(state, bytes);
            (code, output, _) = await SelfrewardProcess.RunAsync("verify", TinyRun.Name, "--data", data);
            code.ShouldBe(1);
            output.ShouldContain("First difference: tiny/M1, checkpoint ");
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    [Fact]
    public async Task A_refused_draft_with_another_figure_is_found() =>
        await ChangedAsync(
            "update mt_events set data = jsonb_set(data, '{Rejected,0,Figure}', '0.123') where seq_id = (select min(seq_id) from mt_events where stream_id like 'prompt-tiny-%' and version = 1 and jsonb_array_length(data -> 'Rejected') > 0)",
            "draft 0 of prompt tiny/");

    [Fact]
    public async Task An_event_that_is_gone_is_found() =>
        await ChangedAsync("delete from mt_events where stream_id = 'prompt-tiny-1-3' and version = 4", "stream prompt-tiny-1-3");

    [Theory]
    [InlineData("training-tiny-M1", "training of tiny/M1")]
    [InlineData("training-tiny-M2", "dataset of tiny/M2")]
    [InlineData("evaluation-tiny-M2", "evaluation of tiny/M2")]
    public async Task A_stream_that_is_gone_without_a_trace_is_found(string stream, string named) => await ChangedLog.WhileAsync(quiet.Folder, async database =>
    {
        await using var delete = database.CreateCommand($"with events as (delete from mt_events where stream_id = '{stream}' returning stream_id) delete from mt_streams where id in (select stream_id from events)");
        await delete.ExecuteNonQueryAsync();
        var (code, output, errors) = await VerifyAsync();
        code.ShouldBe(1, output + errors);
        output.ShouldContain(named);
    });

    [Fact]
    public async Task A_changed_byte_of_a_model_is_found()
    {
        var file = Path.Combine(quiet.Folder, "runs", TinyRun.Name, "models", "M2", "model.safetensors");
        var (bytes, changed) = (await File.ReadAllBytesAsync(file), await File.ReadAllBytesAsync(file));
        changed[^5] ^= 1;
        await File.WriteAllBytesAsync(file, changed);
        try
        {
            var (code, output, _) = await VerifyAsync();
            code.ShouldBe(1);
            output.ShouldContain("First difference: model tiny/M2");
        }
        finally
        {
            await File.WriteAllBytesAsync(file, bytes);
        }
    }

    private async Task ChangedAsync(string change, params string[] named) => await ChangedLog.WhileAsync(quiet.Folder, async database =>
    {
        await using var command = database.CreateCommand(change);
        (await command.ExecuteNonQueryAsync()).ShouldBe(1);
        var (code, output, errors) = await VerifyAsync();
        code.ShouldBe(1, output + errors);
        output.ShouldContain("First difference: ");
        foreach (var text in named)
            output[output.IndexOf("First difference", StringComparison.Ordinal)..].ShouldContain(text);
    });

    private Task<(int ExitCode, string Output, string Errors)> VerifyAsync(params string[] more) =>
        SelfrewardProcess.RunAsync(["verify", TinyRun.Name, "--data", quiet.Folder, .. more]);
}
