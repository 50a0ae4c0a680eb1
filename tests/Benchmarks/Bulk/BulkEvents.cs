using System.Globalization;
using System.Text;
using SelfRewarding.Contracts;
using SelfRewarding.EventStore;
using SelfRewarding.Hosting;

namespace SelfRewarding.Benchmarks;

/// <summary>Events as a run has them: some to a stream, about half a kilobyte of JSON each, with the hash of their content.</summary>
internal static class BulkEvents
{
    /// <summary>The run that they belong to.</summary>
    public const string Run = "bulk";

    private static readonly DateTimeOffset Start = new(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly string _text = new('x', 420);

    /// <summary>New streams, one after another.</summary>
    /// <param name="first">The number of the first stream.</param>
    /// <param name="count">How many events.</param>
    /// <param name="eachStream">How many of them a stream has.</param>
    public static IEnumerable<EventCopy> Make(int first, int count, int eachStream)
    {
        for (var i = 0; i < count; i++)
        {
            var (stream, version) = (StreamNames.Prompt(Run, 1, first + (i / eachStream)), (i % eachStream) + 1);
            var data = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $$"""{"Run": "{{Run}}", "Text": "{{_text}}", "Score": 4.5, "Ordinal": {{i}}}"""));
            var headers = Encoding.UTF8.GetBytes($$"""{"{{ContentHash.Header}}": "{{ContentHash.Of("prompt_generated", data)}}"}""");
            yield return new EventCopy(stream, version, EventId.Of(stream, version), "prompt_generated", null, Start.AddMilliseconds(i), null, null, headers, data);
        }
    }
}
