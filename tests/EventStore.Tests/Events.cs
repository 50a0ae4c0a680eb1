using System.Text;

namespace SelfRewarding.EventStore.Tests;

/// <summary>Events to append.</summary>
internal static class Events
{
    public static NewEvent Numbered(int number, string type = "number_noted") => new(type, null, Encoding.UTF8.GetBytes($$"""{"Number": {{number}}}"""), EventMetadata.Empty);

    public static NewEvent WithData(string json) => new("number_noted", null, Encoding.UTF8.GetBytes(json), EventMetadata.Empty);

    public static string Json(this StoredEvent e) => Encoding.UTF8.GetString(e.Data.Span);

    /// <summary>As many as asked for, or those that came within a minute: a test then fails on the difference instead of hanging.</summary>
    public static Task<List<StoredEvent>> TakeAsync(this IAsyncEnumerable<StoredEvent> source, int count)
    {
        var left = count;
        return source.TakeUntilAsync(_ => --left == 0);
    }

    /// <summary>Up to the first event of which it is true, or those that came within a minute.</summary>
    public static async Task<List<StoredEvent>> TakeUntilAsync(this IAsyncEnumerable<StoredEvent> source, Func<StoredEvent, bool> isLast)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        var taken = new List<StoredEvent>();
        try
        {
            await foreach (var e in source.WithCancellation(timeout.Token))
            {
                taken.Add(e);
                if (isLast(e))
                    break;
            }
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
        }

        return taken;
    }
}
