using System.Buffers.Binary;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model;

/// <summary>
/// The safetensors format (github.com/huggingface/safetensors): eight bytes of header length, a JSON header of names, types, shapes and places, then the numbers, little-endian.
/// An open file reads one tensor at a time, straight into the tensor's memory; every place in the header is checked against the file before.
/// </summary>
public sealed class SafeTensors : IDisposable
{
    private const int LongestHeader = 100_000_000; // the limit of the reference implementation

    private readonly SafeFileHandle _file;
    private readonly long _dataStart;

    private SafeTensors(string path, SafeFileHandle file, long dataStart, IReadOnlyDictionary<string, SafeTensorEntry> tensors)
    {
        Path = path;
        _file = file;
        _dataStart = dataStart;
        Tensors = tensors;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>What is in it, by name.</summary>
    public IReadOnlyDictionary<string, SafeTensorEntry> Tensors { get; }

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="CheckpointException">The file is missing, cut short, or its header contradicts itself or the file's length.</exception>
    public static SafeTensors Open(string path)
    {
        SafeFileHandle file;
        try
        {
            file = File.OpenHandle(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"'{path}' cannot be opened: {e.Message}", e);
        }

        try
        {
            var length = RandomAccess.GetLength(file);
            var prefix = new byte[8];
            if (length < 8) throw new CheckpointException($"'{path}' has {length} bytes, too few for a safetensors file.");
            ReadExactly(file, prefix, 0, path);
            var headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
            if (headerLength > LongestHeader || (long)headerLength > length - 8)
                throw new CheckpointException($"'{path}' says that its header has {headerLength} bytes, but the file has {length}: it is cut short, or no safetensors file.");
            var header = new byte[headerLength];
            ReadExactly(file, header, 8, path);
            var dataStart = 8 + (long)headerLength;
            return new SafeTensors(path, file, dataStart, SafeTensorEntry.Parse(path, header, length - dataStart));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of that name: F32, F16 and BF16 as float32, I64 as int64.</summary>
    /// <exception cref="CheckpointException">There is none, or its type is another.</exception>
    public Tensor Read(string name)
    {
        if (!Tensors.TryGetValue(name, out var entry)) throw new CheckpointException($"'{Path}' has no tensor '{name}'.");
        long[] shape = [.. entry.Shape];
        switch (entry.Type)
        {
            case "F32":
            case "I64":
                var tensor = torch.empty(shape, dtype: entry.Type == "I64" ? torch.ScalarType.Int64 : torch.ScalarType.Float32);
                ReadExactly(_file, tensor.bytes, _dataStart + entry.Begin, Path);
                return tensor;
            case "F16":
            case "BF16":
                return ReadHalves(entry, shape);
            default:
                throw new CheckpointException($"'{Path}': tensor '{name}' has type {entry.Type}; F32, F16, BF16 and I64 are read.");
        }
    }

    /// <summary>Writes float32 and int64 tensors, sorted by name, whole or not at all (see <see cref="AtomicFile"/>), with the metadata that transformers expects.</summary>
    /// <returns>SHA-256 of the file in lower-case hexadecimal.</returns>
    /// <exception cref="CheckpointException">The file cannot be written, as when the disk is full.</exception>
    public static string Write(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        var sorted = tensors.OrderBy(tensor => tensor.Key, StringComparer.Ordinal).ToArray();
        var header = SafeTensorEntry.Header(sorted);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        AtomicFile.Write(path, stream =>
        {
            var prefix = new byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(prefix, header.Length);
            Append(prefix);
            Append(header);
            foreach (var (_, tensor) in sorted)
            {
                using var contiguous = tensor.detach().contiguous();
                Append(contiguous.bytes);
            }

            void Append(ReadOnlySpan<byte> bytes)
            {
                hash.AppendData(bytes);
                stream.Write(bytes);
            }
        });
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();

    private Tensor ReadHalves(SafeTensorEntry entry, long[] shape)
    {
        var raw = new byte[entry.End - entry.Begin];
        ReadExactly(_file, raw, _dataStart + entry.Begin, Path);
        var values = new float[raw.Length / 2];
        for (var i = 0; i < values.Length; i++)
        {
            // BF16 is the upper half of a float32.
            var bits = BinaryPrimitives.ReadUInt16LittleEndian(raw.AsSpan(2 * i));
            values[i] = entry.Type == "BF16" ? BitConverter.UInt32BitsToSingle((uint)bits << 16) : (float)BitConverter.UInt16BitsToHalf(bits);
        }

        return torch.tensor(values, shape.AsSpan());
    }

    private static void ReadExactly(SafeFileHandle file, Span<byte> buffer, long offset, string path)
    {
        while (buffer.Length > 0)
        {
            var read = RandomAccess.Read(file, buffer, offset);
            if (read == 0) throw new CheckpointException($"'{path}' ends at byte {offset}, {buffer.Length} bytes before its header says.");
            buffer = buffer[read..];
            offset += read;
        }
    }
}
