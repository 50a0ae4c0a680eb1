using Shouldly;
using Xunit;

namespace SelfRewarding.EventStore.Tests;

/// <summary>What every implementation of <see cref="IEventStore"/> does. A derived class gives the store, empty.</summary>
public abstract class EventStoreCompliance
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    protected abstract Task<IEventStore> CreateAsync();

    [Fact]
    public async Task Appended_events_are_read_in_order_with_versions_from_one()
    {
        var store = await CreateAsync();
        var appended = await store.AppendAsync("a", 0, [Events.Numbered(1), Events.Numbered(2), Events.Numbered(3)], Token);
        await store.AppendAsync("a", 3, [Events.Numbered(4)], Token);

        var read = await store.ReadStreamAsync("a", 1, Token);

        read.Select(e => e.Version).ShouldBe([1, 2, 3, 4]);
        read.Select(e => e.Json()).ShouldBe(["""{"Number": 1}""", """{"Number": 2}""", """{"Number": 3}""", """{"Number": 4}"""]);
        read.Select(e => e.Position).ShouldBeInOrder();
        read.Take(3).Select(e => (e.Position, e.Id, e.Stream, e.Version, e.Type, e.Timestamp)).ShouldBe(
            appended.Select(e => (e.Position, e.Id, e.Stream, e.Version, e.Type, e.Timestamp)));
        (await store.GetVersionAsync("a", Token)).ShouldBe(4);
    }

    [Fact]
    public async Task A_stream_is_read_from_a_version_on()
    {
        var store = await CreateAsync();
        await store.AppendAsync("a", 0, [.. Enumerable.Range(1, 5).Select(i => Events.Numbered(i))], Token);

        (await store.ReadStreamAsync("a", 4, Token)).Select(e => e.Version).ShouldBe([4, 5]);
        (await store.ReadStreamAsync("a", 6, Token)).ShouldBeEmpty();
        (await store.ReadStreamAsync("nowhere", 1, Token)).ShouldBeEmpty();
        (await store.GetVersionAsync("nowhere", Token)).ShouldBe(0);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task An_append_at_another_version_is_refused_and_leaves_nothing(long expected)
    {
        var store = await CreateAsync();
        await store.AppendAsync("a", 0, [Events.Numbered(1), Events.Numbered(2)], Token);

        var conflict = await Should.ThrowAsync<VersionConflictException>(() => store.AppendAsync("a", expected, [Events.Numbered(9)], Token));

        (conflict.Stream, conflict.Expected, conflict.Actual).ShouldBe(("a", expected, 2));
        (await store.ReadStreamAsync("a", 1, Token)).Count.ShouldBe(2);
    }

    [Fact]
    public async Task Appending_to_a_stream_that_does_not_exist_is_refused()
    {
        var store = await CreateAsync();
        var conflict = await Should.ThrowAsync<VersionConflictException>(() => store.AppendAsync("a", 2, [Events.Numbered(1)], Token));
        conflict.Actual.ShouldBe(0);
        (await store.FindStreamsAsync("", Token)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Of_many_writers_at_one_version_one_wins()
    {
        var store = await CreateAsync();
        for (var version = 0; version < 5; version++)
        {
            var outcomes = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Task.Run(() => TryAppendAsync(version, i))));
            outcomes.Count(won => won).ShouldBe(1);
        }

        (await store.ReadStreamAsync("a", 1, Token)).Select(e => e.Version).ShouldBe([1, 2, 3, 4, 5]);

        async Task<bool> TryAppendAsync(long version, int writer)
        {
            try
            {
                await store.AppendAsync("a", version, [Events.Numbered(writer)], Token);
                return true;
            }
            catch (VersionConflictException)
            {
                return false;
            }
        }
    }

    [Fact]
    public async Task Append_once_returns_to_every_racing_task_the_one_event_that_is_there()
    {
        var store = await CreateAsync();
        for (var version = 1; version <= 4; version++)
        {
            var events = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(() => store.AppendOnceAsync("a", version, Events.Numbered(i), Token))));
            events.Select(e => (e.Position, e.Version, Number: e.Json().Replace(" ", ""))).Distinct().Count().ShouldBe(1);
        }

        (await store.GetVersionAsync("a", Token)).ShouldBe(4);
        (await store.AppendOnceAsync("a", 2, Events.Numbered(99), Token)).Version.ShouldBe(2);
        (await store.GetVersionAsync("a", Token)).ShouldBe(4);
    }

    [Fact]
    public async Task Append_once_past_the_end_of_a_stream_is_refused()
    {
        var store = await CreateAsync();
        await store.AppendOnceAsync("a", 1, Events.Numbered(1), Token);
        var conflict = await Should.ThrowAsync<VersionConflictException>(() => store.AppendOnceAsync("a", 3, Events.Numbered(3), Token));
        (conflict.Expected, conflict.Actual).ShouldBe((2, 1));
    }

    [Fact]
    public async Task Metadata_comes_back()
    {
        var store = await CreateAsync();
        var metadata = new EventMetadata("run-7", "prompt-7-1-3", new Dictionary<string, string> { ["traceparent"] = "00-ab-cd-01", ["quote"] = "\"ü\u2028" });
        await store.AppendAsync("a", 0, [Events.Numbered(1) with { Metadata = metadata, DotNetType = "Some.Type, Some" }, Events.Numbered(2)], Token);

        var read = await store.ReadStreamAsync("a", 1, Token);

        read[0].Metadata.CorrelationId.ShouldBe("run-7");
        read[0].Metadata.CausationId.ShouldBe("prompt-7-1-3");
        read[0].Metadata.Headers.ShouldNotBeNull().ToDictionary().ShouldBe(metadata.Headers!.ToDictionary(), ignoreOrder: true);
        read[1].Metadata.ShouldBe(EventMetadata.Empty);
    }

    [Fact]
    public async Task Any_text_but_U_0000_survives()
    {
        var store = await CreateAsync();
        var text = string.Concat(Enumerable.Range(1, 0xFFFF).Where(c => !char.IsSurrogate((char)c)).Select(c => (char)c)) + "😀\\u0000";
        var json = System.Text.Json.JsonSerializer.Serialize(new { Text = text });

        await store.AppendAsync("a", 0, [Events.WithData(json)], Token);

        using var read = System.Text.Json.JsonDocument.Parse((await store.ReadStreamAsync("a", 1, Token))[0].Data);
        read.RootElement.GetProperty("Text").GetString().ShouldBe(text);
    }

    [Theory]
    [InlineData("""{"Text": "a\u0000b"}""", "property 'Text'")]
    [InlineData("""{"List": [{"Inner": "\\\u0000"}]}""", "property 'Inner'")]
    [InlineData("""{"a\u0000b": 1}""", "name of a property")]
    public async Task U_0000_is_refused_with_its_place(string json, string place)
    {
        var store = await CreateAsync();
        var refusal = await Should.ThrowAsync<ArgumentException>(() => store.AppendAsync("a", 0, [Events.WithData(json)], Token));
        refusal.Message.ShouldContain("U+0000");
        refusal.Message.ShouldContain(place);
        (await store.GetVersionAsync("a", Token)).ShouldBe(0);
    }

    [Fact]
    public async Task What_cannot_be_stored_is_refused_whole()
    {
        var store = await CreateAsync();
        await Should.ThrowAsync<ArgumentException>(() => store.AppendAsync("a", 0, [Events.Numbered(1), Events.WithData("{")], Token));
        await Should.ThrowAsync<ArgumentException>(() => store.AppendAsync("a", 0, [Events.Numbered(1, type: new string('x', 501))], Token));
        await Should.ThrowAsync<ArgumentException>(() => store.AppendAsync("a", 0, [Events.Numbered(1, type: "")], Token));
        await Should.ThrowAsync<ArgumentException>(() => store.AppendAsync("a", 0, [], Token));
        await Should.ThrowAsync<ArgumentException>(() => store.AppendAsync("", 0, [Events.Numbered(1)], Token));
        (await store.ReadAllAsync(0, Token).ToListAsync(Token)).ShouldBeEmpty();
    }

    [Fact]
    public async Task All_events_are_read_in_global_order_from_a_position()
    {
        var store = await CreateAsync();
        for (var i = 1; i <= 4; i++)
        {
            await store.AppendAsync($"s{i}", 0, [Events.Numbered(i), Events.Numbered(10 + i)], Token);
            await Should.ThrowAsync<VersionConflictException>(() => store.AppendAsync("s1", 0, [Events.Numbered(0)], Token));
        }

        var all = await store.ReadAllAsync(0, Token).ToListAsync(Token);

        all.Select(e => (e.Stream, e.Version)).ShouldBe([("s1", 1), ("s1", 2), ("s2", 1), ("s2", 2), ("s3", 1), ("s3", 2), ("s4", 1), ("s4", 2)]);
        all.Select(e => e.Position).ShouldBeInOrder();
        (await store.ReadAllAsync(all[4].Position, Token).ToListAsync(Token)).Select(e => e.Position).ShouldBe(all.Skip(5).Select(e => e.Position));
        (await store.ReadAllAsync(all[^1].Position, Token).ToListAsync(Token)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_log_of_many_pages_is_read_once_and_in_order()
    {
        var store = await CreateAsync();
        for (var i = 0; i < 5; i++)
            await store.AppendAsync($"s{i}", 0, [.. Enumerable.Range(0, 700).Select(n => Events.Numbered(n))], Token);

        var all = await store.ReadAllAsync(0, Token).ToListAsync(Token);

        all.Select(e => (e.Stream, e.Version)).ShouldBe(Enumerable.Range(0, 5).SelectMany(i => Enumerable.Range(1, 700).Select(v => ($"s{i}", (long)v))));
    }

    [Fact]
    public async Task Followers_get_what_was_there_and_then_what_comes()
    {
        var store = await CreateAsync();
        var first = await store.AppendAsync("a", 0, [Events.Numbered(1), Events.Numbered(2)], Token);
        var fromStart = store.FollowAsync(0, Token).TakeAsync(100);
        var fromSecond = store.FollowAsync(first[0].Position, Token).TakeAsync(99);

        for (var i = 0; i < 98; i++)
            await store.AppendAsync($"b{i % 7}", i / 7, [Events.Numbered(i)], Token);

        var all = await store.ReadAllAsync(0, Token).ToListAsync(Token);
        (await fromStart).Select(e => e.Position).ShouldBe(all.Select(e => e.Position));
        (await fromSecond).Select(e => e.Position).ShouldBe(all.Skip(1).Select(e => e.Position));
    }

    [Fact]
    public async Task Followers_lose_nothing_beside_many_writers()
    {
        var store = await CreateAsync();
        const int writers = 8, each = 60;
        var following = store.FollowAsync(0, Token).TakeAsync(writers * each);

        await Task.WhenAll(Enumerable.Range(0, writers).Select(w => Task.Run(async () =>
        {
            for (var i = 0; i < each; i++)
                await store.AppendAsync($"w{w}", i, [Events.Numbered(i)], Token);
        })));

        var followed = await following;
        followed.Count.ShouldBe(writers * each);
        followed.Select(e => e.Position).ShouldBeInOrder();
        followed.Select(e => (e.Stream, e.Version)).Distinct().Count().ShouldBe(writers * each);
    }

    [Fact]
    public async Task Streams_are_found_by_the_beginning_of_their_names()
    {
        var store = await CreateAsync();
        foreach (var name in (string[])["run_a", "run%a", "runXa", "run_b", "Run_a", "übung"])
            await store.AppendAsync(name, 0, [Events.Numbered(1), Events.Numbered(2)], Token);

        (await store.FindStreamsAsync("run_", Token)).ShouldBe([new("run_a", 2), new("run_b", 2)]);
        (await store.FindStreamsAsync("run%", Token)).ShouldBe([new("run%a", 2)]);
        (await store.FindStreamsAsync("üb", Token)).Count.ShouldBe(1);
        (await store.FindStreamsAsync("", Token)).Count.ShouldBe(6);
    }

    [Fact]
    public async Task An_event_id_belongs_to_its_place()
    {
        var store = await CreateAsync();
        await store.AppendAsync("a", 0, [Events.Numbered(1), Events.Numbered(2)], Token);
        (await store.ReadStreamAsync("a", 1, Token)).Select(e => e.Id).ShouldBe([EventId.Of("a", 1), EventId.Of("a", 2)]);
        EventId.Of("a", 1).ShouldNotBe(EventId.Of("b", 1));
    }
}
