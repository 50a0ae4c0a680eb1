using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace SelfRewarding.EventStore;

/// <summary>An event's id is derived from where it stands, so that a repeated append or an import into another database gives it the same one.</summary>
public static class EventId
{
    // RFC 9562, 5.5: a name-based UUID needs a namespace, any fixed one.
    private static readonly byte[] _namespace = new Guid("3b6f27a4-6a54-4b0c-9d4b-9f2f3f0a7c11").ToByteArray(bigEndian: true);

    /// <summary>The id of the event at this version of this stream: a UUID of version 5 (SHA-1 over the version, then the name).</summary>
    public static Guid Of(string stream, long version)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var length = _namespace.Length + sizeof(long) + Encoding.UTF8.GetByteCount(stream);
        var name = length <= 512 ? stackalloc byte[length] : new byte[length];
        _namespace.CopyTo(name);
        BinaryPrimitives.WriteInt64BigEndian(name[_namespace.Length..], version);
        Encoding.UTF8.GetBytes(stream, name[(_namespace.Length + sizeof(long))..]);

        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
#pragma warning disable CA5350 // SHA-1 is what a version 5 UUID is made of; nothing is protected by it.
        SHA1.HashData(name, hash);
#pragma warning restore CA5350
        hash[6] = (byte)((hash[6] & 0x0F) | 0x50);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }
}
