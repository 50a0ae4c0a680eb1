using SelfRewarding.Torch;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Joins tensors along a dimension that they have; the others must agree.</summary>
    public static Tensor cat(IList<Tensor> tensors, long dim = 0)
    {
        using var held = new HeldTensors([.. tensors]);
        return Tensor.Result(Native.sr_cat(held.Pointers, held.Pointers.Length, dim, out var result), result);
    }

    /// <summary>Joins tensors of one shape along a new dimension.</summary>
    public static Tensor stack(IEnumerable<Tensor> tensors, long dim = 0)
    {
        using var held = new HeldTensors([.. tensors]);
        return Tensor.Result(Native.sr_stack(held.Pointers, held.Pointers.Length, dim, out var result), result);
    }

    /// <summary>Elements of <paramref name="x"/> where the condition holds, of <paramref name="y"/> where not; shapes broadcast.</summary>
    public static Tensor where(Tensor condition, Tensor x, Tensor y) =>
        Tensor.Result(Native.sr_where(condition.Handle, x.Handle, y.Handle, out var result), result);
}
