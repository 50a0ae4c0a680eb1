namespace SelfRewarding.Contracts;

/// <summary>What a server did in place of the run's own model, and what it cost.</summary>
/// <param name="Url">Its address, as in the settings.</param>
/// <param name="Models">The model that it says answered; more than one where it was changed in between. By name.</param>
/// <param name="Requests">Answers that it gave.</param>
/// <param name="InputTokens">Tokens that it counted as read, of its own tokenizer; null where it counted none.</param>
/// <param name="OutputTokens">Tokens that it counted as written; null where it counted none.</param>
public sealed record ServedBy(string Url, IReadOnlyList<string> Models, int Requests, long? InputTokens, long? OutputTokens)
{
    /// <summary>All together; null where no server did anything.</summary>
    public static ServedBy? Sum(IEnumerable<ServedBy?> parts)
    {
        var served = parts.OfType<ServedBy>().ToList();
        return served.Count == 0
            ? null
            : new ServedBy(
                served[0].Url, [.. served.SelectMany(part => part.Models).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)],
                served.Sum(part => part.Requests), Total(served.Select(part => part.InputTokens)), Total(served.Select(part => part.OutputTokens)));
    }

    private static long? Total(IEnumerable<long?> counts)
    {
        var counted = counts.OfType<long>().ToList();
        return counted.Count == 0 ? null : counted.Sum();
    }
}
