using Npgsql;
using SelfRewarding.EventStore;
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
            "each epoch shows every pair once", "answers are generated again to the token", "judgements are generated again to the token"])
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
    [InlineData("model_evaluated", "{Following,MeanLength}", "1.25", "evaluation of tiny/M0")]
    public async Task A_changed_value_in_the_database_is_found_where_it_is(string type, string path, string value, string place) =>
        await ChangedAsync(
            $"update mt_events set data = jsonb_set(data, '{path}', '{value}') where seq_id = (select min(seq_id) from mt_events where type = '{type}' and stream_id not like '%-M1' and (stream_id like '%-tiny-%' or stream_id = 'run-tiny'))",
            place);

    [Fact]
    public async Task A_refused_draft_with_another_figure_is_found() =>
        await ChangedAsync(
            "update mt_events set data = jsonb_set(data, '{Rejected,0,Figure}', '0.123') where seq_id = (select min(seq_id) from mt_events where stream_id like 'prompt-tiny-%' and version = 1 and jsonb_array_length(data -> 'Rejected') > 0)",
            "draft 0 of prompt tiny/");

    [Fact]
    public async Task An_event_that_is_gone_is_found() =>
        await ChangedAsync("delete from mt_events where stream_id = 'prompt-tiny-1-3' and version = 4", "stream prompt-tiny-1-3");

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

    // Changes the quiet run's own database, and takes the change back: the events are put aside first.
    private async Task ChangedAsync(string change, string place)
    {
        await using var cluster = await PrivateCluster.StartAsync(Path.Combine(quiet.Folder, "postgres"), CancellationToken.None);
        await using var database = NpgsqlDataSource.Create(cluster.ConnectionString);
        await ExecuteAsync(database, "create table untouched as table mt_events");
        try
        {
            (await ExecuteAsync(database, change)).ShouldBe(1);
            var (code, output, errors) = await VerifyAsync();
            code.ShouldBe(1, output + errors);
            output.ShouldContain("First difference: ");
            output[output.IndexOf("First difference", StringComparison.Ordinal)..].ShouldContain(place);
        }
        finally
        {
            await ExecuteAsync(database, "delete from mt_events; insert into mt_events select * from untouched; drop table untouched");
        }
    }

    private static async Task<int> ExecuteAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return await command.ExecuteNonQueryAsync();
    }

    private Task<(int ExitCode, string Output, string Errors)> VerifyAsync(params string[] more) =>
        SelfrewardProcess.RunAsync(["verify", TinyRun.Name, "--data", quiet.Folder, .. more]);
}
