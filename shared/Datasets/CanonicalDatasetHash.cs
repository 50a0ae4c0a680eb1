using System.Security.Cryptography;
using System.Text;

namespace SelfRewarding.Datasets;

/// <summary>The hash of a <see cref="CanonicalDataset"/> whose pairs come one after the other, so that none has to be kept.</summary>
public sealed class CanonicalDatasetHash : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private CanonicalPair? _last;

    /// <summary>Takes the next pair.</summary>
    /// <exception cref="ArgumentException">It is not behind the pair before.</exception>
    public void Add(CanonicalPair pair)
    {
        ArgumentNullException.ThrowIfNull(pair);
        CanonicalDataset.RequireBehind(_last, pair);
        _last = pair;
        _hash.AppendData(Encoding.UTF8.GetBytes($"{CanonicalDataset.LineOf(pair)}\n"));
    }

    /// <summary>Lower-case hex SHA-256 of the bytes of the pairs so far.</summary>
    public string Sha256() => Convert.ToHexStringLower(_hash.GetCurrentHash());

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();
}
