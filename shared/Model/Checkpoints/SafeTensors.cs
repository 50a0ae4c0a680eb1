using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model;

/// <summary>
/// A safetensors file (github.com/huggingface/safetensors): a header of names, types, shapes and places, then the numbers, little-endian. Tensors are read one at a time through
/// small windows on the file, so that beside the tensor itself hardly any memory is taken; every place in the header is checked against the file before.
/// </summary>
public sealed class SafeTensors : IDisposable
{
    /// <summary>Numbers that are read, converted or written at once.</summary>
    internal const long PieceLength = 1 << 20;

    private readonly SafeFileHandle _file;
    private readonly MemoryMappedFile _map;
    private readonly SafeTensorHeader _header;

    private SafeTensors(string path, SafeFileHandle file, MemoryMappedFile map, SafeTensorHeader header) => (Path, _file, _map, _header) = (path, file, map, header);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>What is in it, by name.</summary>
    public IReadOnlyDictionary<string, SafeTensorEntry> Tensors => _header.Tensors;

    /// <summary>The texts that whoever wrote it put beside the tensors.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="CheckpointException">The file is missing, cut short, or its header contradicts itself or the file's length.</exception>
    public static SafeTensors Open(string path)
    {
        SafeFileHandle? file = null;
        try
        {
            file = File.OpenHandle(path);
            var header = SafeTensorHeader.Read(path, RandomAccess.GetLength(file), (buffer, offset) => ReadExactly(file, buffer, offset, path));
            return new SafeTensors(path, file, MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true), header);
        }
        catch (Exception e)
        {
            file?.Dispose();
            if (e is IOException or UnauthorizedAccessException) throw new CheckpointException($"'{path}' cannot be opened: {e.Message}", e);
            throw;
        }
    }

    /// <summary>The tensor of that name: F32, F16 and BF16 as float32 or what else is asked for, I64 as int64.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="floats">What floating-point numbers are to be in; one that cannot hold them all rounds to the nearest.</param>
    /// <exception cref="CheckpointException">There is none, or its type is another.</exception>
    public Tensor Read(string name, torch.ScalarType floats = torch.ScalarType.Float32)
    {
        if (!Tensors.TryGetValue(name, out var entry)) throw new CheckpointException($"'{Path}' has no tensor '{name}'.");
        var stored = entry.Type switch
        {
            "F32" => torch.ScalarType.Float32,
            "I64" => torch.ScalarType.Int64,
            "F16" => torch.ScalarType.Float16,
            "BF16" => torch.ScalarType.BFloat16,
            _ => throw new CheckpointException($"'{Path}': tensor '{name}' has type {entry.Type}; F32, F16, BF16 and I64 are read."),
        };
        var tensor = torch.empty([.. entry.Shape], dtype: stored == torch.ScalarType.Int64 ? torch.ScalarType.Int64 : floats);
        try
        {
            Fill(tensor, stored, _header.DataStart + entry.Begin, SafeTensorEntry.WidthOf(entry.Type));
            return tensor;
        }
        catch
        {
            tensor.Dispose();
            throw;
        }
    }

    /// <summary>Writes float32 and int64 tensors, sorted by name, whole or not at all (see <see cref="AtomicFile"/>), with the metadata that transformers expects and, where
    /// given, more.</summary>
    /// <returns>SHA-256 of the file in lower-case hexadecimal.</returns>
    /// <exception cref="CheckpointException">The file cannot be written, as when the disk is full.</exception>
    public static string Write(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        SafeTensorsWriter.Write(path, tensors, metadata: metadata);

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        _map.Dispose();
        _file.Dispose();
    }

    private void Fill(Tensor tensor, torch.ScalarType stored, long offset, int width)
    {
        // A window past the end of a file kills the process where a read would fail, so look again: who writes models here replaces files and never shortens one.
        var end = offset + tensor.numel() * width;
        if (RandomAccess.GetLength(_file) < end) throw new CheckpointException($"'{Path}' was cut short while it was read: it ends before byte {end}.");
        using var flat = tensor.view(-1);
        for (var at = 0L; at < flat.numel(); at += PieceLength)
        {
            var length = Math.Min(PieceLength, flat.numel() - at);
            using var piece = flat.narrow(0, at, length);
            if (stored == tensor.dtype)
            {
                Copy(offset + at * width, piece.bytes);
                continue;
            }

            using var read = torch.empty([length], dtype: stored);
            Copy(offset + at * width, read.bytes);
            piece.copy_(read); // exact into float32, which holds every number of both halves
        }
    }

    private unsafe void Copy(long offset, Span<byte> to)
    {
        using var window = _map.CreateViewAccessor(offset, to.Length, MemoryMappedFileAccess.Read);
        byte* start = null;
        window.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            new ReadOnlySpan<byte>(start + window.PointerOffset, to.Length).CopyTo(to);
        }
        finally
        {
            window.SafeMemoryMappedViewHandle.ReleasePointer();
        }
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
