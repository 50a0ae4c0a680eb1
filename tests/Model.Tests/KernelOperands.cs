using System.Runtime.InteropServices;
using Shouldly;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model.Tests;

/// <summary>What the tests of the kernels share: operands from a seed, comparison with the oracle, comparison of bits.</summary>
internal static class KernelOperands
{
    /// <summary>Numbers in [-1, 1).</summary>
    public static Tensor Random(ulong seed, params long[] shape)
    {
        var values = new float[shape.Aggregate(1L, (product, size) => product * size)];
        for (var i = 0; i < values.Length; i++) values[i] = (float)(2 * Philox.Uniform(seed, 0, (ulong)i) - 1);
        return torch.tensor(values, shape.AsSpan());
    }

    /// <summary>Integers from 0 to below <paramref name="bound"/>.</summary>
    public static Tensor Integers(ulong seed, int count, int bound) =>
        torch.tensor([.. Enumerable.Range(0, count).Select(i => (long)(Philox.Uniform(seed, 1, (ulong)i) * bound))], torch.ScalarType.Int64);

    /// <summary>Cosines and sines of a rotary table, (positions, half).</summary>
    public static (Tensor Cos, Tensor Sin) Angles(int positions, int half)
    {
        var angles = Enumerable.Range(0, positions).SelectMany(p => Enumerable.Range(0, half).Select(j => p * Math.Pow(10000, -(double)j / half))).ToArray();
        return (
            torch.tensor([.. angles.Select(angle => (float)Math.Cos(angle))], [positions, half]),
            torch.tensor([.. angles.Select(angle => (float)Math.Sin(angle))], [positions, half]));
    }

    /// <summary>Values of both, and the gradients of all operands under one random loss, differ by at most 1e-5 of the largest.</summary>
    public static void ShouldAgree(Func<Tensor[], Tensor> kernel, Func<Tensor[], Tensor> oracle, params Tensor[] operands)
    {
        var (value, gradients) = ForwardAndBackward(kernel, operands);
        var (expectedValue, expectedGradients) = ForwardAndBackward(oracle, operands);
        ShouldBeNear(value, expectedValue, "the value");
        for (var i = 0; i < operands.Length; i++) ShouldBeNear(gradients[i], expectedGradients[i], $"the gradient of operand {i}");
    }

    /// <summary>The result, and the gradient of Σ result · random for each operand.</summary>
    public static (Tensor Value, Tensor[] Gradients) ForwardAndBackward(Func<Tensor[], Tensor> operation, params Tensor[] operands)
    {
        Tensor[] leaves = [.. operands.Select(operand => operand.detach().clone().requires_grad_())];
        var value = operation(leaves);
        (value * Random(99, value.shape)).sum().backward();
        return (value, [.. leaves.Select(leaf => leaf.grad!)]);
    }

    public static void ShouldBeNear(Tensor actual, Tensor expected, string what, float tolerance = 1e-5f)
    {
        actual.shape.ShouldBe(expected.shape, what);
        var (a, b) = (Floats(actual), Floats(expected));
        var largest = b.Aggregate(1f, (most, x) => Math.Max(most, Math.Abs(x)));
        for (var i = 0; i < a.Length; i++)
            if (!(Math.Abs(a[i] - b[i]) <= tolerance * largest)) throw new ShouldAssertException($"{what}: element {i} is {a[i]:R}, expected {b[i]:R} to within {tolerance * largest}");
    }

    /// <summary>The floats as integers, so that -0 and 0 differ and NaN equals itself.</summary>
    public static int[] Bits(Tensor tensor) => MemoryMarshal.Cast<float, int>(Floats(tensor)).ToArray();

    public static float[] Floats(Tensor tensor)
    {
        using var data = tensor.detach().contiguous();
        return MemoryMarshal.Cast<byte, float>(data.bytes).ToArray();
    }

    /// <summary>Runs on a number of threads, and sets the number back.</summary>
    public static T OnThreads<T>(int threads, Func<T> run)
    {
        var before = torch.get_num_threads();
        torch.set_num_threads(threads);
        try
        {
            return run();
        }
        finally
        {
            torch.set_num_threads(before);
        }
    }
}
