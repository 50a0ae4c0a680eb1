using System.Security.Cryptography;
using System.Text;
using SelfRewarding.Contracts;

namespace SelfRewarding.Datasets;

/// <summary>The hash of a <see cref="CanonicalDataset"/> whose pairs come one after the other, so that none has to be kept.</summary>
public sealed class CanonicalDatasetHash : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private int _last = -1;

    /// <summary>Takes the next pair.</summary>
    /// <exception cref="ArgumentException">Its ordinal is not above that of the pair before.</exception>
    public void Add(PreferencePairBuilt pair)
    {
        ArgumentNullException.ThrowIfNull(pair);
        if (pair.Ordinal == _last)
            throw new ArgumentException($"Two pairs have ordinal {_last}, expected one of each prompt.", nameof(pair));
        if (pair.Ordinal < _last)
            throw new ArgumentException($"The pair of ordinal {pair.Ordinal} comes after that of {_last}, expected them by ordinal.", nameof(pair));
        _last = pair.Ordinal;
        _hash.AppendData(Encoding.UTF8.GetBytes($"{CanonicalDataset.LineOf(pair)}\n"));
    }

    /// <summary>Lower-case hex SHA-256 of the bytes of the pairs so far.</summary>
    public string Sha256() => Convert.ToHexStringLower(_hash.GetCurrentHash());

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();
}
