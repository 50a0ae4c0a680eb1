using System.Text.Json.Nodes;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Export;
using SelfRewarding.EventStore;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>What is exported of a log, and that it is the same log where it is imported.</summary>
public sealed class EventExportTests(LogDatabase database) : IClassFixture<LogDatabase>, IDisposable
{
    private readonly EventFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task An_import_is_exported_again_to_the_same_lines_and_its_read_models_are_the_same()
    {
        await using var log = await database.CreateAsync();
        // Streams of several runs lie between one another; run kata-7 is exported, not what is only named like it.
        await RecordedRuns.AppendAsync(log.Log, RecordedRuns.Interleaved("kata-7", "kata", "kata-7-1"));
        var lines = await _files.ExportAsync(log, "first.ndjson", "kata-7");

        await using var other = await database.CreateAsync();
        await RecordedRuns.AppendAsync(other.Log, RecordedRuns.Named("kata"));
        var found = await _files.ImportAsync(other, "first.ndjson");

        found.File.ToString().ShouldBe($"{lines.Count - 2} events in {await log.AskAsync<long>("select count(*) from mt_streams where id ~ '^[a-z]+-kata-7(-[12]-[0-9]|-(M|S)[0-9FT]+)?$'")} streams of run 'kata-7'");
        (await _files.ExportAsync(other, "second.ndjson", "kata-7")).ShouldBe(lines);
        (await RowsAsync(other, "mt_events", "seq_id, tenant_id, is_archived")).ShouldBe(await RowsAsync(log, "mt_events", "seq_id, tenant_id, is_archived"));
        (await RowsAsync(other, "mt_streams", "tenant_id, is_archived")).ShouldBe(await RowsAsync(log, "mt_streams", "tenant_id, is_archived"));
        foreach (var one in (LogUnderTest[])[log, other])
            await one.ReadModels.CatchUpAsync(CancellationToken.None);
        (await other.DumpAsync("kata-7")).Select(WithoutPositions).ShouldBe((await log.DumpAsync("kata-7")).Select(WithoutPositions));
    }

    [Fact]
    public async Task A_gzipped_export_has_the_same_lines()
    {
        await using var log = await database.CreateAsync();
        await RecordedRuns.AppendAsync(log.Log, RecordedRuns.Named("kata-7"));
        var lines = await _files.ExportAsync(log, "plain.ndjson", "kata-7");
        await _files.ExportAsync(log, "zipped.ndjson.gz", "kata-7");
        new FileInfo(_files.Path("zipped.ndjson.gz")).Length.ShouldBeLessThan(new FileInfo(_files.Path("plain.ndjson")).Length / 4);

        await using var other = await database.CreateAsync();
        await _files.ImportAsync(other, "zipped.ndjson.gz");
        (await _files.ExportAsync(other, "again.ndjson", "kata-7")).ShouldBe(lines);
    }

    [Fact]
    public async Task A_fork_is_exported_with_the_runs_that_it_comes_from_and_works_where_it_is_imported()
    {
        await using var log = await database.CreateAsync();
        await RecordedRuns.AppendAsync(log.Log, RecordedRuns.Interleaved("parent", "other"));
        await RecordedRuns.AppendAsync(log.Log, [
            new RunStarted("child", SummaryExample.Settings, [], new RunOrigin("parent", 2, ForkStage.Pairs)),
            .. SummaryExample.Iteration(2).OfType<PreferencePairBuilt>().Select(pair => RecordedRuns.Rename(pair, "child")),
        ]);
        await _files.ExportAsync(log, "fork.ndjson", "child", "parent");

        await using var elsewhere = await database.CreateAsync();
        var found = await _files.ImportAsync(elsewhere, "fork.ndjson");

        found.File.ToString().ShouldEndWith("of run 'child' and of what it comes from (parent)");
        (await elsewhere.Runs.NamesAsync(CancellationToken.None)).ShouldBe(["parent", "child"]);
        (await elsewhere.Runs.ReadRunAsync("child", CancellationToken.None)).OfType<ModelPublished>().Select(model => model.Model.Name).ShouldBe(["M0", "SFT", "M1", "M2"]);
        (await elsewhere.Runs.ReadPromptAsync("child", 1, 0, CancellationToken.None)).Outcome.ShouldBeOfType<PreferencePairBuilt>().Run.ShouldBe("child");
    }

    [Fact]
    public async Task Whatever_another_version_or_another_writer_recorded_is_carried_along()
    {
        await using var log = await database.CreateAsync();
        await RecordedRuns.AppendAsync(log.Log, RecordedRuns.Named("kata-7"));
        var stream = StreamNames.Run("kata-7");
        var version = await log.Events.GetVersionAsync(stream);
        var metadata = new EventMetadata("corr", "caus", new Dictionary<string, string> { ["traceparent"] = "00-1", ["ü"] = "é\n" });
        await log.Events.AppendAsync(stream, version, [new NewEvent("run_praised_v3", null, "{\"Words\": \"naïve \\u2028 😀 <&> \\\\\", \"Small\": 1E-7}"u8.ToArray(), metadata)]);
        await log.ExecuteAsync($"update mt_events set headers = headers || '{{\"n\": 1}}' where stream_id = '{stream}' and version = {version + 1}");
        var lines = await _files.ExportAsync(log, "first.ndjson", "kata-7");

        await using var other = await database.CreateAsync();
        var found = await _files.ImportAsync(other, "first.ndjson");

        found.UnknownNames.ShouldBe(["run_praised_v3"]);
        found.Unhashed.ShouldBe(1);
        (await _files.ExportAsync(other, "second.ndjson", "kata-7")).ShouldBe(lines);
        (await RowsAsync(other, "mt_events", "seq_id")).ShouldBe(await RowsAsync(log, "mt_events", "seq_id"));
        JsonNode.Parse(lines[^2])!["headers"]!["n"]!.GetValue<int>().ShouldBe(1);
    }

    [Fact]
    public async Task An_export_beside_a_writer_is_of_one_moment()
    {
        await using var log = await database.CreateAsync();
        await RecordedRuns.AppendAsync(log.Log, SummaryExample.Training("M1", "sft", 3));
        var first = true;
        var events = EventFileWriter.EventsOf(log.Database, ["kata-7"], CancellationToken.None).Select(async (EventCopy e, CancellationToken _) =>
        {
            if (first)
                await RecordedRuns.AppendAsync(log.Log, SummaryExample.Training("M2", "sft", 3));
            first = false;
            return e;
        });
        var summary = await EventFileWriter.WriteAsync(Stream.Null, ["kata-7"], events, CancellationToken.None);
        (summary.Events, summary.Streams).ShouldBe((4, 1));
    }

    // A row as text, but for what each database has of its own; in the order of the log.
    private static async Task<string> RowsAsync(LogUnderTest log, string table, string but)
    {
        var (run, order) = table == "mt_events" ? ("stream_id", "seq_id") : ("id", "id");
        var left = string.Concat(but.Split(", ").Select(column => $" - '{column}'"));
        return await log.AskAsync<string>($"select string_agg((to_jsonb(t){left})::text, E'\\n' order by {order}) from {table} t where {run} like '%-kata-7%' and {run} not like '%kata-7-1-%-%' and {run} !~ 'kata-7-1(-[A-Z0-9]+)?$'");
    }

    private static string WithoutPositions(Control.ReadModels.ReadModelLine line)
    {
        // The last column of every table, and the one before it in rm_runs; rm_state keeps its position inside, too.
        var row = System.Text.RegularExpressions.Regex.Replace(line.Row, @"(,\d+){1,2}\)$|""+(Started)?Position""+:\d+", "");
        return $"{line.Table} {line.Key} {row}";
    }
}
