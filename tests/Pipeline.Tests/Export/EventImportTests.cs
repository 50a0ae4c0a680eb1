using System.Text;
using SelfRewarding.Contracts;
using SelfRewarding.Control;
using SelfRewarding.Control.Export;
using SelfRewarding.Control.Import;
using SelfRewarding.Datasets;
using SelfRewarding.EventStore;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>What cannot be imported is refused with a sentence, and nothing of it is in the log.</summary>
public sealed class EventImportTests(LogDatabase database) : IClassFixture<LogDatabase>, IDisposable
{
    private const string CutOff = "the file is cut off or was changed; copy it again, or export again.";

    private readonly EventFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task A_file_that_was_cut_off_is_refused_wherever_it_was_cut()
    {
        var lines = await ExportAsync();
        _files.Write("no-end.ndjson", lines.SkipLast(1));
        await RefusedAsync("no-end.ndjson", $"{_files.Path("no-end.ndjson")}: ends after {lines.Count - 2} events without the last line of an export, which has their number and hash: {CutOff}");
        _files.Write("first.ndjson", lines.Take(1));
        await RefusedAsync("first.ndjson", $"{_files.Path("first.ndjson")}: ends after 0 events without");

        var bytes = await File.ReadAllBytesAsync(_files.Path("export.ndjson"));
        foreach (var length in Enumerable.Range(1, 20).Select(part => bytes.Length * part / 21))
        {
            await File.WriteAllBytesAsync(_files.Path("cut.ndjson"), bytes[..length]);
            await RefusedAsync("cut.ndjson", CutOff);
        }
    }

    [Fact]
    public async Task A_gzipped_file_that_was_cut_off_or_damaged_is_refused()
    {
        await ExportAsync("export.ndjson.gz");
        var bytes = await File.ReadAllBytesAsync(_files.Path("export.ndjson.gz"));
        foreach (var length in (int[])[bytes.Length / 2, bytes.Length * 9 / 10])
        {
            await File.WriteAllBytesAsync(_files.Path("cut.ndjson.gz"), bytes[..length]);
            await RefusedAsync("cut.ndjson.gz", CutOff);
        }

        bytes[bytes.Length / 2] ^= 0x55;
        await File.WriteAllBytesAsync(_files.Path("damaged.ndjson.gz"), bytes);
        // What of it is found first, JSON, an event or the end, is a matter of the byte.
        await RefusedAsync("damaged.ndjson.gz", _files.Path("damaged.ndjson.gz"));
    }

    [Fact]
    public async Task A_file_in_which_anything_was_changed_is_refused_by_its_hash()
    {
        var lines = await ExportAsync();
        // A time is in no event's own hash.
        _files.Write("time.ndjson", lines.Select((line, i) => i == 5 ? line.Replace("\"timestamp\":\"2", "\"timestamp\":\"3", StringComparison.Ordinal) : line));
        await RefusedAsync("time.ndjson", "but the lines before it hash to");
        _files.Write("missing.ndjson", lines.Where((_, i) => i != lines.Count - 3));
        await RefusedAsync("missing.ndjson", $"says {lines.Count - 2} events in");
        _files.Write("more.ndjson", [.. lines, lines[1]]);
        await RefusedAsync("more.ndjson", $"{_files.Path("more.ndjson")}:{lines.Count + 1}: follows the export's last line");
    }

    [Fact]
    public async Task A_change_that_was_sealed_again_is_found_by_the_event_s_own_hash_id_or_version()
    {
        var lines = await ExportAsync();
        var pair = lines.Index().First(line => line.Item.Contains("\"type\":\"preference_pair_built\"", StringComparison.Ordinal)).Index;
        string At(string name) => $"{_files.Path(name)}:{pair + 1}: event 4 of stream 'prompt-kata-7-1-0'";

        Change("content.ndjson", line => line.Replace("\"0ba\"", "\"0bb\"", StringComparison.Ordinal));
        await RefusedAsync("content.ndjson", $"{At("content.ndjson")} says what hashes to ");
        Change("type.ndjson", line => line.Replace("preference_pair_built", "preference_pair_made", StringComparison.Ordinal));
        await RefusedAsync("type.ndjson", $"{At("type.ndjson")} says what hashes to ");
        Change("id.ndjson", line => line.Replace("\"id\":\"", "\"id\":\"00000000-0000-5000-8000-000000000000\",\"was\":\"", StringComparison.Ordinal));
        await RefusedAsync("id.ndjson", $"{At("id.ndjson")} has id 00000000-0000-5000-8000-000000000000, expected {EventId.Of("prompt-kata-7-1-0", 4)}");
        Change("stream.ndjson", line => line.Replace("prompt-kata-7-1-0", "prompt-kata-8-1-0", StringComparison.Ordinal));
        await RefusedAsync("stream.ndjson", "event 4 of stream 'prompt-kata-8-1-0' belongs to none of the export's runs (kata-7).");

        _files.WriteSealed("gap.ndjson", lines.Where(line => !line.Contains("\"prompt-kata-7-1-0\",\"version\":3,", StringComparison.Ordinal)));
        await RefusedAsync("gap.ndjson", "event 4 of stream 'prompt-kata-7-1-0' follows event 2, expected versions from 1 without gaps.");
        _files.WriteSealed("late.ndjson", lines.Where(line => !line.Contains("\"run-kata-7\",\"version\":1,", StringComparison.Ordinal)));
        await RefusedAsync("late.ndjson", "event 2 of stream 'run-kata-7' follows no event, expected versions from 1 without gaps.");
        _files.WriteSealed("twice.ndjson", [.. lines.Take(2), .. lines.Skip(1)]);
        await RefusedAsync("twice.ndjson", "event 1 of stream 'run-kata-7' follows event 1");

        void Change(string name, Func<string, string> change)
        {
            var changed = change(lines[pair]);
            changed.ShouldNotBe(lines[pair]);
            _files.WriteSealed(name, lines.Select((line, i) => i == pair ? changed : line));
        }
    }

    [Theory]
    [InlineData("""{"prompt": "a", "response": "b"}""", ":1: does not begin with \"format\" \"selfreward-events\", expected an event export, as 'selfreward export --events FILE' writes it.")]
    [InlineData("""{"format":"selfreward-events","format_version":2,"runs":["a"]}""", ":1: \"format_version\" is 2, expected 1 at most: import it with the version of selfreward that wrote it, or a newer one.")]
    [InlineData("""{"format":"selfreward-events","format_version":1,"runs":[]}""", ":1: \"runs\" has 0 entries, expected at least 1.")]
    [InlineData("", ": is empty, expected an event export")]
    [InlineData("no JSON", ":1: not JSON: ")]
    [InlineData("{\"format\":\"selfreward-events\",\"format_version\":1,\"runs\":[\"a\"]}\n{\"stream\":\"run-a\"", ":2: not JSON: ")]
    [InlineData("{\"format\":\"selfreward-events\",\"format_version\":1,\"runs\":[\"a\"]}\n{\"stream\":\"run-a\"}", ":2: \"version\" is missing")]
    [InlineData("{\"format\":\"selfreward-events\",\"format_version\":1,\"runs\":[\"a\"]}\n{\"stream\":\"run-a\",\"version\":0}", ":2: \"version\" is the number 0, expected a whole number from 1.")]
    [InlineData("{\"format\":\"selfreward-events\",\"format_version\":1,\"runs\":[\"a\"]}\n{\"stream\":\"run-a\",\"version\":1,\"id\":\"7\"}", ":2: \"id\" is \"7\", expected a UUID.")]
    [InlineData("{\"format\":\"selfreward-events\",\"format_version\":1,\"runs\":[\"a\"]}\n{\"stream\":\"run-a\",\"version\":1,\"id\":\"31167941-3f6d-56d0-84c3-9fb31265dd7a\",\"timestamp\":\"noon\"}", ":2: \"timestamp\" is \"noon\", expected a moment to the microsecond")]
    public async Task What_is_no_event_export_is_refused_with_its_place(string text, string sentence)
    {
        await File.WriteAllTextAsync(_files.Path("foreign.ndjson"), text);
        await RefusedAsync("foreign.ndjson", _files.Path("foreign.ndjson") + sentence);
    }

    [Fact]
    public async Task Streams_that_are_there_already_are_counted_and_the_first_is_named()
    {
        await ExportAsync();
        await using var log = await database.CreateAsync();
        await log.Events.AppendAsync("prompt-kata-7-1-2", 0, [NumberNoted]);
        await log.Events.AppendAsync("training-kata-7-M2", 0, [NumberNoted]);
        var before = await log.AskAsync<string>("select string_agg(id || version, ',' order by id) from mt_streams");

        var refusal = await Should.ThrowAsync<UserException>(() => _files.ImportAsync(log, "export.ndjson"));

        refusal.Message.ShouldBe($"{_files.Path("export.ndjson")}: 2 of its streams are in this log already, the first is 'prompt-kata-7-1-2'; nothing was imported. Import into another folder (--data), where these runs are not.");
        (await log.AskAsync<string>("select string_agg(id || version, ',' order by id) from mt_streams")).ShouldBe(before);
        (await log.AskAsync<long>("select count(*) from mt_events")).ShouldBe(2);

        await using var twice = await database.CreateAsync();
        await _files.ImportAsync(twice, "export.ndjson");
        (await Should.ThrowAsync<UserException>(() => _files.ImportAsync(twice, "export.ndjson"))).Message.ShouldContain("the first is 'run-kata-7'");
    }

    [Fact]
    public async Task A_file_that_changes_while_it_is_imported_leaves_nothing()
    {
        var lines = await ExportAsync();
        await using var log = await database.CreateAsync();
        var file = EventFileReader.Open(_files.Path("export.ndjson"));
        EventImport.Check(file, CancellationToken.None);
        _files.Write("export.ndjson", lines.SkipLast(1));

        await Should.ThrowAsync<DataFileException>(() => EventImport.WriteAsync(file.Path, file.Read(), log.Database, CancellationToken.None));
        (await log.AskAsync<long>("select count(*) from mt_streams")).ShouldBe(0);
    }

    [Fact]
    public async Task Followers_see_all_of_an_import_at_once_and_nothing_that_others_append_meanwhile_is_lost()
    {
        // More than are written at once.
        await using (var source = await database.CreateAsync())
        {
            await source.Log.AppendAsync(StreamNames.Training("kata-7", "M1"), 0, [.. SummaryExample.Training("M1", "sft", 1099)], CancellationToken.None);
            await _files.ExportAsync(source, "export.ndjson", "kata-7");
        }

        await using var log = await database.CreateAsync();
        var following = log.Events.FollowAsync();
        await log.Events.AppendAsync("before", 0, [NumberNoted]);
        var file = EventFileReader.Open(_files.Path("export.ndjson"));
        await EventImport.WriteAsync(file.Path, file.Read().Concat(AppendBeside(log)), log.Database, CancellationToken.None);

        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        string[] expected = ["before", .. Enumerable.Repeat("training-kata-7-M1", 1000), "beside", .. Enumerable.Repeat("training-kata-7-M1", 100)];
        (await following.Take(expected.Length).Select(e => e.Stream).ToListAsync(deadline.Token)).ShouldBe(expected);
    }

    // No events, but something that is done when the sequence has come to its end: the first thousand are written then, and nothing is committed.
    private static IEnumerable<EventLine> AppendBeside(LogUnderTest log)
    {
        log.Events.AppendAsync("beside", 0, [NumberNoted]).GetAwaiter().GetResult();
        log.Events.ReadAllAsync().ToBlockingEnumerable().Select(e => e.Stream).ShouldBe(["before"]);
        yield break;
    }

    private static NewEvent NumberNoted { get; } = new("number_noted", null, "{}"u8.ToArray(), EventMetadata.Empty);

    private async Task<IReadOnlyList<string>> ExportAsync(string name = "export.ndjson")
    {
        await using var log = await database.CreateAsync();
        await RecordedRuns.AppendAsync(log.Log, RecordedRuns.Named("kata-7"));
        return await _files.ExportAsync(log, name, "kata-7");
    }

    private async Task RefusedAsync(string name, string sentence)
    {
        await using var log = await database.CreateAsync();
        var refusal = await Should.ThrowAsync<DataFileException>(() => _files.ImportAsync(log, name));
        refusal.Message.ShouldContain(sentence);
        refusal.Message.ShouldStartWith(_files.Path(name));
        Encoding.UTF8.GetByteCount(refusal.Message).ShouldBeLessThan(1000);
        refusal.Message.ShouldNotContain('\n');
        (await log.AskAsync<long>("select count(*) from mt_streams")).ShouldBe(0);
    }
}
