namespace SelfRewarding.EventStore;

/// <summary>The events of one stream among those that are appended together.</summary>
internal sealed class StreamStretch
{
    private StreamStretch(EventCopy first) => (Stream, First, BegunAt, Last, EndedAt) = (first.Stream, first.Version, first.Timestamp, first.Version, first.Timestamp);

    public string Stream { get; }

    /// <summary>The version of the first of them.</summary>
    public long First { get; }

    public DateTimeOffset BegunAt { get; }

    /// <summary>The version of the last of them.</summary>
    public long Last { get; private set; }

    public DateTimeOffset EndedAt { get; private set; }

    /// <summary>The stretches of some events, by their first ones.</summary>
    /// <exception cref="ArgumentException">An event cannot be stored, or does not follow the one before it in its stream.</exception>
    public static IReadOnlyCollection<StreamStretch> Of(IReadOnlyList<EventCopy> events)
    {
        var stretches = new OrderedDictionary<string, StreamStretch>(StringComparer.Ordinal);
        foreach (var e in events)
        {
            EventText.Check(e);
            if (!stretches.TryGetValue(e.Stream, out var stretch))
            {
                ArgumentOutOfRangeException.ThrowIfLessThan(e.Version, 1, nameof(events));
                stretches.Add(e.Stream, new StreamStretch(e));
                continue;
            }

            if (e.Version != stretch.Last + 1)
                throw new ArgumentException($"Event {e.Version} of stream '{e.Stream}' follows event {stretch.Last}, expected versions without gaps.", nameof(events));
            (stretch.Last, stretch.EndedAt) = (e.Version, e.Timestamp);
        }

        return stretches.Values;
    }
}
