using System.Security.Cryptography;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model;

/// <summary>Writes safetensors files a piece at a time, rounding to half precision where that is asked for.</summary>
internal static class SafeTensorsWriter
{
    private static readonly Dictionary<string, string> None = [];

    /// <summary>
    /// Writes tensors, sorted by name, those of half precision last so that all stand at multiples of their width; whole or not at all (see <see cref="AtomicFile"/>).
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">Float32 and int64.</param>
    /// <param name="types">F16 or BF16 for float32 tensors that are to be rounded, to the nearest and in a tie to the even; null for none.</param>
    /// <param name="metadata">Texts to put beside them; null for none.</param>
    /// <param name="all">Is fed the file's bytes, too; null for nobody.</param>
    /// <returns>SHA-256 of the file in lower-case hexadecimal.</returns>
    /// <exception cref="CheckpointException">The file cannot be written, or a number is too large for its type.</exception>
    public static string Write(
        string path,
        IEnumerable<KeyValuePair<string, Tensor>> tensors,
        IReadOnlyDictionary<string, string>? types = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        IncrementalHash? all = null)
    {
        var ordered = tensors.Select(tensor => (Name: tensor.Key, Tensor: tensor.Value, Type: (types ?? None).GetValueOrDefault(tensor.Key) ?? TypeOf(tensor.Key, tensor.Value)))
            .OrderBy(tensor => SafeTensorEntry.WidthOf(tensor.Type) < 4).ThenBy(tensor => tensor.Name, StringComparer.Ordinal).ToArray();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        AtomicFile.Write(path, stream =>
        {
            Append(SafeTensorHeader.Write(ordered.Select(tensor => (tensor.Name, tensor.Type, tensor.Tensor.shape)), metadata ?? None));
            foreach (var (name, tensor, type) in ordered)
            {
                using var dense = tensor.detach().contiguous();
                using var flat = dense.view(-1);
                for (var at = 0L; at < flat.numel(); at += SafeTensors.PieceLength)
                {
                    using var slice = flat.narrow(0, at, Math.Min(SafeTensors.PieceLength, flat.numel() - at));
                    using var piece = slice.cpu();
                    using var stored = type switch { "F16" => Rounded(path, name, piece, torch.ScalarType.Float16), "BF16" => Rounded(path, name, piece, torch.ScalarType.BFloat16), _ => null };
                    Append((stored ?? piece).bytes);
                }
            }

            void Append(ReadOnlySpan<byte> bytes)
            {
                hash.AppendData(bytes);
                all?.AppendData(bytes);
                stream.Write(bytes);
            }
        });
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static string TypeOf(string name, Tensor tensor) => tensor.dtype switch
    {
        torch.ScalarType.Float32 => "F32",
        torch.ScalarType.Int64 => "I64",
        _ => throw new ArgumentException($"Tensor '{name}' has type {tensor.dtype}; Float32 and Int64 are written.", nameof(tensor)),
    };

    private static Tensor Rounded(string path, string name, Tensor piece, torch.ScalarType type)
    {
        var rounded = piece.to_type(type);
        using var read = rounded.to_type(torch.ScalarType.Float32);
        if (double.IsFinite(Kernels.SquaredNorm(read)) || !double.IsFinite(Kernels.SquaredNorm(piece))) return rounded;
        rounded.Dispose();
        throw new CheckpointException($"'{path}' cannot be written: tensor '{name}' has a number that is too large for {type}. Train with a lower learning rate, or from a model whose weights are F32.");
    }
}
