using SelfRewarding.Control.View;

namespace SelfRewarding.Control.Export;

/// <summary>
/// The event export: JSON Lines, gzipped where the name ends in <c>.gz</c>. The first line says what it is, then comes a line an event in
/// global order, and the last line has their number and the SHA-256 of all lines before it, so that a file that was cut off or changed is recognised.
/// <code>
/// {"format":"selfreward-events","format_version":1,"runs":["fork","parent"]}
/// {"stream":"run-parent","version":1,"id":"…","type":"run_started","dotnet_type":"…","timestamp":"…","correlation_id":"…","causation_id":"…","headers":{…},"data":{…}}
/// {"events":1,"streams":1,"sha256":"…"}
/// </code>
/// Positions in the global order are not in it: an import draws new ones, in this order, so an import's export has the same lines. <c>data</c> and <c>headers</c> are
/// as PostgreSQL prints them, which is a matter of its version; what an event says is held to the hash in its <c>headers</c>, which is over values.
/// </summary>
public static class EventFile
{
    /// <summary>How the first line names this format.</summary>
    public const string Format = "selfreward-events";

    /// <summary>Counts up when a reader has to know more.</summary>
    public const int Version = 1;
}

/// <summary>An event of an export, and where it stands there (<c>file:line</c>).</summary>
public sealed record EventLine(string Location, EventStore.EventCopy Event);

/// <summary>What an event export holds.</summary>
/// <param name="Runs">The run, then those that it comes from.</param>
public sealed record EventFileSummary(IReadOnlyList<string> Runs, long Events, long Streams)
{
    /// <summary>In words.</summary>
    public override string ToString() =>
        $"{Figures.Count(Events)} events in {Figures.Count(Streams)} streams of run '{Runs[0]}'{(Runs.Count > 1 ? $" and of what it comes from ({string.Join(", ", Runs.Skip(1))})" : "")}";
}
