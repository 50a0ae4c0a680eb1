using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using SelfRewarding.Contracts;
using SelfRewarding.EventStore;
using Shouldly;
using Xunit;

namespace SelfRewarding.Hosting.Tests;

public sealed class FactJsonTests
{
    private sealed record RunPaused(string Run, double Minutes);

    private static readonly FactVersions s_versions = new(
        new Dictionary<Type, string> { [typeof(RunPaused)] = "run_paused_v2" },
        [
            new Upcast("run_paused", "run_paused_v2", json => new JsonObject
            {
                ["Run"] = json["Run"]!.DeepClone(), ["Minutes"] = TimeSpan.Parse(json["For"]!.GetValue<string>(), CultureInfo.InvariantCulture).TotalMinutes,
            }),
        ]);

    [Fact]
    public void An_event_of_an_older_shape_is_read_as_the_fact_of_today() =>
        FactJson.FromEvent(Stored("run_paused", """{"Run": "r", "For": "00:30:00"}"""), s_versions).ShouldBe(new RunPaused("r", 30));

    [Fact]
    public void A_fact_is_written_in_its_newest_shape_and_read_back()
    {
        var written = FactJson.ToEvent(new RunPaused("r", 30), EventMetadata.Empty, s_versions);
        written.Type.ShouldBe("run_paused_v2");
        FactJson.FromEvent(Stored(written.Type, Encoding.UTF8.GetString(written.Data.Span)), s_versions).ShouldBe(new RunPaused("r", 30));
    }

    [Fact]
    public void An_older_shape_that_cannot_be_upcast_says_where_it_is() =>
        Should.Throw<InvalidDataException>(() => FactJson.FromEvent(Stored("run_paused", """{"Run": "r", "For": "long"}"""), s_versions))
            .Message.ShouldStartWith("Event 1 of stream 'run-r' is not a readable run_paused:");

    [Fact]
    public void An_unknown_name_is_carried_along() =>
        FactJson.FromEvent(Stored("run_paused_v3", "{}"), s_versions).ShouldBe(new UnknownFact("run_paused_v3"));

    [Fact]
    public void A_fact_carries_the_hash_of_its_content_beside_its_trace()
    {
        var metadata = new EventMetadata("trace", "span", new Dictionary<string, string> { ["traceparent"] = "00-ab-cd-01" });
        var written = FactJson.ToEvent(new RunStopped("r", 1, "why"), metadata);
        written.Metadata.Headers!["traceparent"].ShouldBe("00-ab-cd-01");
        written.Metadata.Headers[ContentHash.Header].ShouldBe(ContentHash.Of("run_stopped", written.Data));
    }

    [Theory]
    [InlineData("""{"A":1E-05,"B":[0.5,-0,1e+16],"C":"\u00e4"}""", """{"C": "ä", "B": [0.50, 0, 10000000000000000], "A": 0.00001}""")]
    [InlineData("""{"Seed":18446744073709551615}""", """{"Seed": 18446744073709551615}""")]
    public void The_hash_is_of_the_value_and_not_of_its_bytes(string written, string kept) => Hash(written).ShouldBe(Hash(kept));

    [Theory]
    [InlineData("""{"A":1}""", """{"A":2}""")]
    [InlineData("""{"A":1}""", """{"A":"1"}""")]
    [InlineData("""{"A":1}""", """{"A":10}""")]
    [InlineData("""{"A":1}""", """{"A":-1}""")]
    [InlineData("""{"A":0.1}""", """{"A":0.01}""")]
    [InlineData("""{"A":null}""", """{"A":false}""")]
    [InlineData("""{"A":["x","y"]}""", """{"A":["xy"]}""")]
    [InlineData("""{"A":"x"}""", """{"B":"x"}""")]
    [InlineData("""{"Seed":18446744073709551615}""", """{"Seed":18446744073709551614}""")]
    public void Another_value_has_another_hash(string one, string other) => Hash(one).ShouldNotBe(Hash(other));

    [Fact]
    public async Task An_unknown_name_is_told_once()
    {
        var logger = new ListLogger();
        var log = new FactLog(new FixedStore([Stored("moon_risen", "{}"), Stored("moon_risen", "{}"), Stored("sun_set", "{}")]), logger);
        (await log.ReadAsync("run-r", TestContext.Current.CancellationToken)).ShouldAllBe(fact => fact is UnknownFact);
        await log.ReadAsync("run-r", TestContext.Current.CancellationToken);
        logger.Lines.Count.ShouldBe(2);
        logger.Lines[0].ShouldContain("moon_risen");
        logger.Lines[1].ShouldContain("sun_set");
    }

    private static string Hash(string json) => ContentHash.Of("name", Encoding.UTF8.GetBytes(json));

    private static StoredEvent Stored(string type, string json) =>
        new(1, Guid.Empty, "run-r", 1, type, Encoding.UTF8.GetBytes(json), DateTimeOffset.UnixEpoch, EventMetadata.Empty);

    private sealed class ListLogger : ILogger<FactLog>
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, Microsoft.Extensions.Logging.EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add(formatter(state, exception));
    }

    /// <summary>A log that only reads, and always the same.</summary>
    private sealed class FixedStore(IReadOnlyList<StoredEvent> events) : IEventStore
    {
        public Task<IReadOnlyList<T>> ReadStreamAsync<T>(string stream, long fromVersion, Func<StoredEvent, T> read, CancellationToken cancellationToken = default) =>
            Task.FromResult<IReadOnlyList<T>>([.. events.Select(read)]);

        public Task<IReadOnlyList<StoredEvent>> ReadStreamAsync(string stream, long fromVersion = 1, CancellationToken cancellationToken = default) => Task.FromResult(events);

        public Task<IReadOnlyList<StoredEvent>> ReadStreamsAsync(
            IReadOnlyCollection<string> streams, long fromVersion = 1, long toVersion = long.MaxValue, CancellationToken cancellationToken = default) => Task.FromResult(events);

        public Task<IReadOnlyList<StoredEvent>> AppendAsync(string stream, long expectedVersion, IReadOnlyList<NewEvent> newEvents, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task<StoredEvent> AppendOnceAsync(string stream, long version, NewEvent newEvent, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public IAsyncEnumerable<StoredEvent> ReadAllAsync(long afterPosition = 0, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public IAsyncEnumerable<StoredEvent> FollowAsync(long afterPosition = 0, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task<long> GetVersionAsync(string stream, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task<IReadOnlyList<StreamVersion>> FindStreamsAsync(string prefix, CancellationToken cancellationToken = default) => throw new NotSupportedException();
    }
}
