namespace TorchSharp;

/// <summary>
/// libtorch, under the names and signatures of TorchSharp 0.107: a strict subset of them (torchsharp-api.txt), so that the package can take
/// this project's place.
/// </summary>
public static partial class torch
{
    /// <summary>Opens a scope: every tensor that this thread makes until it is disposed is freed with it, but for those moved out.</summary>
    public static DisposeScope NewDisposeScope() => new();
}
