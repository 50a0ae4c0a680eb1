namespace SelfRewarding.Datasets;

/// <summary>
/// The dataset of an iteration as bytes that are the same on every machine: JSON Lines in UTF-8, one line a pair, by ordinal, with
/// <c>ordinal</c>, <c>prompt</c>, <c>chosen</c>, <c>rejected</c>, <c>score_chosen</c>, <c>score_rejected</c> in this order. A pair of judgements comes behind
/// its prompt's pair of answers, and has the judged answer, <c>response</c>, behind <c>prompt</c>.
/// </summary>
public static class CanonicalDataset
{
    /// <summary>Lower-case hex SHA-256 of the dataset's bytes.</summary>
    /// <exception cref="ArgumentException">Two pairs of the same kind have the same ordinal.</exception>
    public static string Sha256(IEnumerable<CanonicalPair> pairs)
    {
        using var hash = new CanonicalDatasetHash();
        foreach (var pair in Ordered(pairs))
            hash.Add(pair);
        return hash.Sha256();
    }

    /// <summary>Writes the dataset.</summary>
    /// <returns>Its SHA-256.</returns>
    /// <exception cref="ArgumentException">Two pairs of the same kind have the same ordinal.</exception>
    public static string Write(IEnumerable<CanonicalPair> pairs, Stream stream) => CanonicalJson.Write(stream, Lines(pairs));

    /// <summary>Reads a dataset that <see cref="Write"/> wrote, one pair at a time.</summary>
    /// <exception cref="DataFileException">The file cannot be read or is no such dataset.</exception>
    public static IEnumerable<CanonicalPair> Read(string path) => Jsonl.Read(path).Select(line => new CanonicalPair(
        line.WholeNumber("ordinal", 0), line.Text("prompt"), line.Text("chosen"), line.Text("rejected"),
        line.Number("score_chosen"), line.Number("score_rejected"), line.Has("response") ? line.Text("response") : null));

    private static IEnumerable<CanonicalJson> Lines(IEnumerable<CanonicalPair> pairs)
    {
        CanonicalPair? last = null;
        foreach (var pair in Ordered(pairs))
        {
            RequireBehind(last, pair);
            last = pair;
            yield return LineOf(pair);
        }
    }

    internal static CanonicalJson LineOf(CanonicalPair pair)
    {
        var line = new CanonicalJson().Add("ordinal", pair.Ordinal).Add("prompt", pair.Prompt);
        if (pair.Response is { } response)
            line.Add("response", response);
        return line.Add("chosen", pair.Chosen).Add("rejected", pair.Rejected).Add("score_chosen", pair.ScoreChosen).Add("score_rejected", pair.ScoreRejected);
    }

    /// <summary>Refuses a pair that does not stand behind the one before it.</summary>
    /// <exception cref="ArgumentException">It stands in the same place, or before it.</exception>
    internal static void RequireBehind(CanonicalPair? last, CanonicalPair pair)
    {
        if (last is null)
            return;
        if (pair.Place == last.Place)
            throw new ArgumentException($"Two pairs have ordinal {pair.Ordinal}, expected one of each prompt.", nameof(pair));
        if (pair.Place.CompareTo(last.Place) < 0)
            throw new ArgumentException($"The pair of ordinal {pair.Ordinal} comes after that of {last.Ordinal}, expected them by ordinal.", nameof(pair));
    }

    private static IOrderedEnumerable<CanonicalPair> Ordered(IEnumerable<CanonicalPair> pairs) => pairs.OrderBy(pair => pair.Place);
}
