using System.Text;
using SelfRewarding.Contracts;
using SelfRewarding.Control.Export;
using SelfRewarding.Control.Import;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;
using Shouldly;
using Xunit;

namespace SelfRewarding.Pipeline.Tests;

/// <summary>What the whole process holds can be told only while no other test allocates.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "alone";
}

/// <summary>However long a log is, export and import hold a page of it.</summary>
[Collection(Alone.Name)]
public sealed class CarryMemoryTests(LogDatabase database) : IClassFixture<LogDatabase>, IDisposable
{
    private const int Count = 40_000;
    private const long Limit = 8 << 20; // of 40 MB of events

    private readonly EventFiles _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Memory_stays_flat_from_the_log_to_a_file_and_into_another_log()
    {
        await using var log = await database.CreateAsync();
        foreach (var events in Events().Chunk(1000))
        {
            await using var bulk = await BulkAppend.BeginAsync(log.Database);
            await bulk.AppendAsync(events);
            await bulk.CommitAsync();
        }

        var memory = new Probe();
        await OutputFile.WriteAsync(_files.Path("long.ndjson.gz"), stream => EventFileWriter.WriteAsync(
            stream, ["long"], EventFileWriter.EventsOf(log.Database, ["long"], CancellationToken.None).Select(memory.Pass), CancellationToken.None));
        (memory.Passed, memory.Most).ShouldSatisfyAllConditions(() => memory.Passed.ShouldBe(Count), () => memory.Most.ShouldBeLessThan(Limit));

        await using var other = await database.CreateAsync();
        var file = EventFileReader.Open(_files.Path("long.ndjson.gz"));
        memory = new Probe();
        EventImport.Check(file, CancellationToken.None).File.ShouldSatisfyAllConditions(found => found.Events.ShouldBe(Count), found => found.Streams.ShouldBe(Count / 4));
        await EventImport.WriteAsync(file.Path, file.Read().Select(memory.Pass), other.Database, CancellationToken.None);
        (memory.Passed, memory.Most).ShouldSatisfyAllConditions(() => memory.Passed.ShouldBe(Count), () => memory.Most.ShouldBeLessThan(Limit));
        (await other.AskAsync<long>("select count(*) from mt_events")).ShouldBe(Count);
    }

    private static IEnumerable<EventCopy> Events()
    {
        var text = new string('x', 1000);
        for (var i = 0; i < Count; i++)
        {
            var (stream, version) = (StreamNames.Prompt("long", 1, i / 4), (i % 4) + 1);
            var data = Encoding.UTF8.GetBytes($$"""{"Ordinal": {{i}}, "Text": "{{text}}"}""");
            var headers = Encoding.UTF8.GetBytes($$"""{"{{ContentHash.Header}}": "{{ContentHash.Of("long_noted", data)}}"}""");
            yield return new EventCopy(stream, version, EventId.Of(stream, version), "long_noted", null, DateTimeOffset.UnixEpoch.AddSeconds(i), null, null, headers, data);
        }
    }

    private sealed class Probe
    {
        private readonly long _before = GC.GetTotalMemory(forceFullCollection: true);

        public int Passed { get; private set; }

        public long Most { get; private set; }

        public T Pass<T>(T e)
        {
            if (++Passed % (Count / 4) == 0)
                Most = Math.Max(Most, GC.GetTotalMemory(forceFullCollection: true) - _before);
            return e;
        }
    }
}
