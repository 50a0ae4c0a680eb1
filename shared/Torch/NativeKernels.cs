using System.Runtime.InteropServices;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Torch;

/// <summary>
/// Fused operations on Float32 tensors in main memory, and on BFloat16 ones where a kernel says so: their numbers are widened, which is exact, the arithmetic is Float32's, and a result is
/// rounded once; of parameters beside them a Float32 master counts as the nearest BFloat16, and gets its gradient unrounded. Rows R are the tokens of all sequences, one after another, without padding. A row's result
/// has the same bits whatever the other rows are, however many there are, and on any number of threads. Differentiable unless said otherwise;
/// where no gradient is wanted nothing is kept. A wrong shape, type or index is an <see cref="ExternalException"/> that names the argument,
/// what was expected and what came.
/// </summary>
public static class NativeKernels
{
    /// <summary>The instruction set chosen for this processor: avx512, avx2 or baseline.</summary>
    public static string Instructions => Marshal.PtrToStringUTF8(Native.sr_kernel_instructions())!;

    /// <summary>x Wᵀ + b, in Float32 or BFloat16.</summary>
    /// <param name="x">(R, in)</param>
    /// <param name="weight">(out, in), of x's type or a Float32 master</param>
    /// <param name="bias">(out), likewise, or null</param>
    /// <returns>(R, out), of x's type</returns>
    public static Tensor Linear(Tensor x, Tensor weight, Tensor? bias = null) =>
        Tensor.Result(Native.sr_kernel_linear(x.Handle, weight.Handle, bias?.Handle ?? TensorHandle.None, scores: 0, out var result), result);

    /// <summary>x Wᵀ in Float32 whatever x's type: sums that are not rounded.</summary>
    /// <param name="x">(R, in)</param>
    /// <param name="weight">(out, in), of x's type or a Float32 master</param>
    /// <returns>(R, out) Float32</returns>
    public static Tensor Scores(Tensor x, Tensor weight) =>
        Tensor.Result(Native.sr_kernel_linear(x.Handle, weight.Handle, TensorHandle.None, scores: 1, out var result), result);

    /// <summary>The rows of a table, in Float32 or BFloat16. Its gradient adds up each id's rows in the order in which they stand.</summary>
    /// <param name="ids">(R) int64, each below V</param>
    /// <param name="weight">(V, d)</param>
    /// <returns>(R, d)</returns>
    public static Tensor Embedding(Tensor ids, Tensor weight) =>
        Tensor.Result(Native.sr_kernel_embedding(ids.Handle, weight.Handle, out var result), result);

    /// <summary>x / √(mean(x²) + eps) · weight, each row by itself (Zhang and Sennrich 2019), in Float32 or BFloat16.</summary>
    /// <param name="x">(R, d)</param>
    /// <param name="weight">(d)</param>
    /// <param name="eps">Added to the mean square.</param>
    /// <returns>(R, d)</returns>
    public static Tensor RmsNorm(Tensor x, Tensor weight, double eps) =>
        Tensor.Result(Native.sr_kernel_rms_norm(x.Handle, weight.Handle, eps, out var result), result);

    /// <summary>Rotary position embedding (Su et al. 2021), of Float32 or BFloat16, in Hugging Face's layout: element i is paired with i + D/2.</summary>
    /// <param name="x">(R, H, D)</param>
    /// <param name="cos">(P, D/2)</param>
    /// <param name="sin">(P, D/2)</param>
    /// <param name="positions">(R) int64, each below P</param>
    /// <returns>(R, H, D)</returns>
    public static Tensor Rotary(Tensor x, Tensor cos, Tensor sin, Tensor positions) =>
        Tensor.Result(Native.sr_kernel_rotary(x.Handle, cos.Handle, sin.Handle, positions.Handle, out var result), result);

    /// <summary>silu(gate) · up (Shazeer 2020), in Float32 or BFloat16.</summary>
    /// <param name="gate">Any shape.</param>
    /// <param name="up">The same shape.</param>
    public static Tensor SwiGlu(Tensor gate, Tensor up) => Tensor.Result(Native.sr_kernel_swiglu(gate.Handle, up.Handle, out var result), result);

    /// <summary>Causal softmax attention inside each sequence, in Float32 or BFloat16; H / K query heads share a key head.</summary>
    /// <param name="q">(R, H, D)</param>
    /// <param name="k">(R, K, D), K a divisor of H</param>
    /// <param name="v">(R, K, D)</param>
    /// <param name="offsets">(S + 1) int64: sequence i is rows offsets[i] to offsets[i + 1]</param>
    /// <param name="scale">Multiplies q · k, usually 1 / √D.</param>
    /// <param name="window">How many keys a row sees at most: its own and those right before it.</param>
    /// <returns>(R, H, D)</returns>
    public static Tensor Attention(Tensor q, Tensor k, Tensor v, Tensor offsets, double scale, long window = long.MaxValue) =>
        Tensor.Result(Native.sr_kernel_attention(q.Handle, k.Handle, v.Handle, offsets.Handle, scale, window, out var result), result);

    /// <summary>
    /// Stores each row's key and value at (slot, position), then each row attends to its slot's positions up to its own. Not differentiable. A row has the
    /// same bits as in <see cref="Attention"/> over the whole sequence.
    /// </summary>
    /// <param name="q">(R, H, D)</param>
    /// <param name="k">(R, K, D)</param>
    /// <param name="v">(R, K, D)</param>
    /// <param name="keyCache">(slots, length, K, D), written in place</param>
    /// <param name="valueCache">(slots, length, K, D), written in place</param>
    /// <param name="slots">(R) int64</param>
    /// <param name="positions">(R) int64, each below length</param>
    /// <param name="scale">Multiplies q · k.</param>
    /// <param name="window">How many keys a row sees at most: its own and those right before it.</param>
    /// <returns>(R, H, D)</returns>
    public static Tensor CachedAttention(
        Tensor q, Tensor k, Tensor v, Tensor keyCache, Tensor valueCache, Tensor slots, Tensor positions, double scale, long window = long.MaxValue) =>
        Tensor.Result(
            Native.sr_kernel_cached_attention(
                q.Handle, k.Handle, v.Handle, keyCache.Handle, valueCache.Handle, slots.Handle, positions.Handle, scale, window, out var result),
            result);

    /// <summary>Copies the first <paramref name="length"/> positions of one slot over another's.</summary>
    /// <param name="keyCache">(slots, length, K, D)</param>
    /// <param name="valueCache">(slots, length, K, D)</param>
    /// <param name="fromSlot">The slot to read.</param>
    /// <param name="toSlot">The slot to write.</param>
    /// <param name="length">How many positions.</param>
    public static void CopyCache(Tensor keyCache, Tensor valueCache, long fromSlot, long toSlot, long length) =>
        Native.Check(Native.sr_kernel_copy_cache(keyCache.Handle, valueCache.Handle, fromSlot, toSlot, length));

    /// <summary>Log-softmax of each row at its target; 0 where the target is -100.</summary>
    /// <param name="logits">(R, V)</param>
    /// <param name="targets">(R) int64, each below V or -100</param>
    /// <returns>(R)</returns>
    public static Tensor LogProbs(Tensor logits, Tensor targets) =>
        Tensor.Result(Native.sr_kernel_log_probs(logits.Handle, targets.Handle, out var result), result);

    /// <summary>
    /// Zeroes an element with probability p and scales the others by 1 / (1 − p). The mask is word i % 4 of Philox4x32-10's block i / 4 under
    /// (key, counter), drawn again for the gradient and never stored.
    /// </summary>
    /// <param name="x">Any shape.</param>
    /// <param name="p">At least 0, below 1.</param>
    /// <param name="key">Philox's key.</param>
    /// <param name="counter">The high half of Philox's counter; the low half is the block.</param>
    public static Tensor Dropout(Tensor x, double p, ulong key, ulong counter) =>
        Tensor.Result(Native.sr_kernel_dropout(x.Handle, p, key, counter, out var result), result);

    /// <summary>One AdamW step in place (Loshchilov and Hutter 2019), with PyTorch's arithmetic: decoupled decay first, then the bias-corrected step.</summary>
    /// <param name="param">The parameter, written in place.</param>
    /// <param name="grad">Its gradient, of the same shape.</param>
    /// <param name="expAvg">First moment, written in place.</param>
    /// <param name="expAvgSq">Second moment, written in place.</param>
    /// <param name="step">Counts from 1.</param>
    /// <param name="lr">Learning rate.</param>
    /// <param name="beta1">Decay of the first moment.</param>
    /// <param name="beta2">Decay of the second moment.</param>
    /// <param name="eps">Added to the root of the second moment.</param>
    /// <param name="weightDecay">Share of the parameter taken off per unit of learning rate.</param>
    /// <param name="gradScale">Multiplies the gradient: what clipping asks for.</param>
    public static void AdamW(
        Tensor param,
        Tensor grad,
        Tensor expAvg,
        Tensor expAvgSq,
        long step,
        double lr,
        double beta1,
        double beta2,
        double eps,
        double weightDecay,
        double gradScale = 1) =>
        Native.Check(Native.sr_kernel_adamw(
            param.Handle, grad.Handle, expAvg.Handle, expAvgSq.Handle, step, lr, beta1, beta2, eps, weightDecay, gradScale));

    /// <summary>The sum of the squares of all elements, in double precision and in one order on any number of threads.</summary>
    /// <param name="x">Any shape.</param>
    public static double SquaredNorm(Tensor x)
    {
        Native.Check(Native.sr_kernel_squared_norm(x.Handle, out var result));
        return result;
    }

    /// <summary>
    /// Draws one token a row. In this order: temperature; the topK likeliest; of these the smallest set whose share of their mass reaches topP, at least one;
    /// then, going through the ids upward, the first whose cumulative probability exceeds <paramref name="uniform"/>. Of equal logits the lower id is the likelier.
    /// </summary>
    /// <param name="logits">(R, V)</param>
    /// <param name="temperature">(R), 0 takes the likeliest token</param>
    /// <param name="topP">(R), 1 is off</param>
    /// <param name="topK">(R) int64, 0 is off</param>
    /// <param name="uniform">(R) Float64 in [0, 1)</param>
    /// <returns>The tokens (R) int64, and (R) their log-softmax under the logits as they came: no temperature, no filter.</returns>
    public static (Tensor Tokens, Tensor LogProbs) Sample(Tensor logits, Tensor temperature, Tensor topP, Tensor topK, Tensor uniform)
    {
        Native.Check(Native.sr_kernel_sample(
            logits.Handle, temperature.Handle, topP.Handle, topK.Handle, uniform.Handle, out var tokens, out var logProbs));
        return (Tensor.Wrap(tokens), Tensor.Wrap(logProbs));
    }
}
