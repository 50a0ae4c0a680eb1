using TorchSharp;

namespace SelfRewarding.Model;

/// <summary>What models compute in, by the name that Hugging Face has for it.</summary>
public static class ComputeType
{
    /// <summary>The names.</summary>
    public static readonly IReadOnlyList<string> Known = ["float32", "bfloat16"];

    /// <summary>The type of that name; null is float32.</summary>
    /// <exception cref="ArgumentException">Nothing computes in that.</exception>
    public static torch.ScalarType Named(string? name) => name switch
    {
        null or "float32" => torch.ScalarType.Float32,
        "bfloat16" => torch.ScalarType.BFloat16,
        _ => throw new ArgumentException($"'{name}' is no type to compute in, expected one of {string.Join(", ", Known)}.", nameof(name)),
    };

    /// <summary>Bytes of one number.</summary>
    public static int Bytes(torch.ScalarType type) => type == torch.ScalarType.BFloat16 ? 2 : sizeof(float);
}
