using System.Buffers;
using System.Text;

namespace SelfRewarding.Model;

/// <summary>What each token stands for in bytes. Decoding is the same for both kinds of tokenizer: put the bytes together, then read them as UTF-8.</summary>
internal sealed class TokenBytes(byte[]?[] bytes)
{
    private static readonly byte[] ReplacementCharacter = [0xEF, 0xBF, 0xBD];

    public string Decode(ReadOnlySpan<int> ids)
    {
        var buffer = new ArrayBufferWriter<byte>(ids.Length * 4 + 1);
        foreach (var id in ids)
        {
            // Null is a special token, which has no text.
            if ((uint)id >= (uint)bytes.Length) buffer.Write(ReplacementCharacter);
            else if (bytes[id] is { } token) buffer.Write(token);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan).Replace('\0', '\uFFFD');
    }
}
