using System.Buffers;
using System.Text;

namespace SelfRewarding.Model;

/// <summary>What each token stands for in bytes. Decoding is the same for both kinds of tokenizer: put the bytes together, then read them as UTF-8.</summary>
internal sealed class TokenBytes
{
    private static readonly byte[] ReplacementCharacter = [0xEF, 0xBF, 0xBD];

    private readonly byte[]?[] _bytes;

    /// <param name="vocabulary">The tokens.</param>
    /// <param name="bytes">What a token that is not an added one stands for.</param>
    public TokenBytes(BpeVocabulary vocabulary, Func<string, byte[]> bytes)
    {
        _bytes = new byte[]?[vocabulary.Size];
        Array.Fill(_bytes, ReplacementCharacter); // ids that no token has
        foreach (var (token, id) in vocabulary.Ids) _bytes[id] = bytes(token);

        // A special token has no text, another added one stands for itself.
        foreach (var token in vocabulary.Added) _bytes[token.Id] = token.Special ? null : Encoding.UTF8.GetBytes(token.Content);
    }

    public string Decode(ReadOnlySpan<int> ids)
    {
        var buffer = new ArrayBufferWriter<byte>(ids.Length * 4 + 1);
        foreach (var id in ids)
        {
            if ((uint)id >= (uint)_bytes.Length) buffer.Write(ReplacementCharacter);
            else if (_bytes[id] is { } token) buffer.Write(token);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan).Replace('\0', '\uFFFD');
    }
}
