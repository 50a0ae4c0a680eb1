using SelfRewarding.Contracts;

namespace SelfRewarding.Datasets;

/// <summary>One line of the canonical dataset, in TRL's names.</summary>
public sealed record CanonicalPair(int Ordinal, string Prompt, string Chosen, string Rejected, double ScoreChosen, double ScoreRejected);

/// <summary>
/// The dataset of an iteration as bytes that are the same on every machine: JSON Lines in UTF-8, one line a pair, by ordinal, with
/// <c>ordinal</c>, <c>prompt</c>, <c>chosen</c>, <c>rejected</c>, <c>score_chosen</c>, <c>score_rejected</c> in this order.
/// </summary>
public static class CanonicalDataset
{
    /// <summary>Lower-case hex SHA-256 of the dataset's bytes.</summary>
    /// <exception cref="ArgumentException">Two pairs have the same ordinal.</exception>
    public static string Sha256(IEnumerable<PreferencePairBuilt> pairs)
    {
        using var hash = new CanonicalDatasetHash();
        foreach (var pair in pairs.OrderBy(pair => pair.Ordinal))
            hash.Add(pair);
        return hash.Sha256();
    }

    /// <summary>Writes the dataset.</summary>
    /// <returns>Its SHA-256.</returns>
    /// <exception cref="ArgumentException">Two pairs have the same ordinal.</exception>
    public static string Write(IEnumerable<PreferencePairBuilt> pairs, Stream stream) => CanonicalJson.Write(stream, Lines(pairs));

    /// <summary>Reads a dataset that <see cref="Write"/> wrote, one pair at a time.</summary>
    /// <exception cref="DataFileException">The file cannot be read or is no such dataset.</exception>
    public static IEnumerable<CanonicalPair> Read(string path) => Jsonl.Read(path).Select(line => new CanonicalPair(
        line.WholeNumber("ordinal", 0), line.Text("prompt"), line.Text("chosen"), line.Text("rejected"),
        line.Number("score_chosen"), line.Number("score_rejected")));

    private static IEnumerable<CanonicalJson> Lines(IEnumerable<PreferencePairBuilt> pairs)
    {
        var last = -1;
        foreach (var pair in pairs.OrderBy(pair => pair.Ordinal))
        {
            if (pair.Ordinal == last)
                throw new ArgumentException($"Two pairs have ordinal {last}, expected one of each prompt.", nameof(pairs));
            last = pair.Ordinal;
            yield return LineOf(pair);
        }
    }

    internal static CanonicalJson LineOf(PreferencePairBuilt pair) => new CanonicalJson()
        .Add("ordinal", pair.Ordinal).Add("prompt", pair.Prompt)
        .Add("chosen", pair.Chosen.Text).Add("rejected", pair.Rejected.Text)
        .Add("score_chosen", pair.Chosen.Score).Add("score_rejected", pair.Rejected.Score);
}
