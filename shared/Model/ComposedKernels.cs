using System.Runtime.InteropServices;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace SelfRewarding.Model;

/// <summary>
/// The operations of <see cref="Kernels"/> composed of tensor operations: for any device and floating-point type, and the oracle of the native ones. Rows R are the
/// tokens of all sequences, one after another, without padding. Where an operand is BFloat16, parameters kept as Float32 masters are rounded to it; norms, softmax, rotation and scores
/// are Float32's, as transformers has them.
/// </summary>
public static class ComposedKernels
{
    private const long Ignored = -100;

    /// <summary>Bytes that cached attention takes at most beside the cache: for the keys and values that it gathers and for scores. A single row takes what it takes.</summary>
    public const long CachedAttentionBytes = 128L << 20;

    /// <summary>x Wᵀ + b.</summary>
    /// <param name="x">(R, in)</param>
    /// <param name="weight">(out, in), of x's type or a Float32 master</param>
    /// <param name="bias">(out), likewise, or null</param>
    /// <returns>(R, out), of x's type</returns>
    public static Tensor Linear(Tensor x, Tensor weight, Tensor? bias = null) =>
        bias is null ? torch.nn.functional.linear(x, As(x, weight)) : torch.nn.functional.linear(x, As(x, weight), As(x, bias));

    /// <summary>x Wᵀ in Float32 whatever x's type.</summary>
    /// <param name="x">(R, in)</param>
    /// <param name="weight">(out, in), of x's type or a Float32 master</param>
    /// <returns>(R, out) Float32</returns>
    public static Tensor Scores(Tensor x, Tensor weight)
    {
        var scores = Linear(x, weight);
        return scores.dtype == torch.ScalarType.Float32 ? scores : scores.to_type(torch.ScalarType.Float32);
    }

    /// <summary>The rows of a table.</summary>
    /// <param name="ids">(R) int64, each below V</param>
    /// <param name="weight">(V, d)</param>
    /// <returns>(R, d)</returns>
    public static Tensor Embedding(Tensor ids, Tensor weight) => weight.index_select(0, ids);

    /// <summary>x / √(mean(x²) + eps) · weight, each row by itself (Zhang and Sennrich 2019).</summary>
    /// <param name="x">(R, d)</param>
    /// <param name="weight">(d)</param>
    /// <param name="eps">Added to the mean square.</param>
    /// <returns>(R, d)</returns>
    public static Tensor RmsNorm(Tensor x, Tensor weight, double eps)
    {
        using var scope = torch.NewDisposeScope();
        var wide = x.to_type(torch.ScalarType.Float32);
        var scale = (wide.pow(2).mean([-1L], keepdim: true) + eps).rsqrt(); // (R, 1)
        return ((wide * scale).to_type(x.dtype) * As(x, weight)).MoveToOuterDisposeScope();
    }

    /// <summary>Rotary position embedding (Su et al. 2021) in Hugging Face's layout: element i is paired with i + D/2.</summary>
    /// <param name="x">(R, H, D)</param>
    /// <param name="cos">(P, D/2)</param>
    /// <param name="sin">(P, D/2)</param>
    /// <param name="positions">(R) int64, each below P</param>
    /// <returns>(R, H, D)</returns>
    public static Tensor Rotary(Tensor x, Tensor cos, Tensor sin, Tensor positions)
    {
        using var scope = torch.NewDisposeScope();
        var half = x.shape[2] / 2;
        var c = cos.index_select(0, positions).unsqueeze(1); // (R, 1, D/2)
        var s = sin.index_select(0, positions).unsqueeze(1);
        var first = x.narrow(2, 0, half);
        var second = x.narrow(2, half, half);
        return torch.cat([first * c - second * s, second * c + first * s], 2).to_type(x.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>silu(gate) · up (Shazeer 2020).</summary>
    /// <param name="gate">Any shape.</param>
    /// <param name="up">The same shape.</param>
    public static Tensor SwiGlu(Tensor gate, Tensor up)
    {
        using var scope = torch.NewDisposeScope();
        return (gate.silu() * up).MoveToOuterDisposeScope();
    }

    /// <summary>Causal softmax attention inside each sequence; H / K query heads share a key head.</summary>
    /// <param name="q">(R, H, D)</param>
    /// <param name="k">(R, K, D), K a divisor of H</param>
    /// <param name="v">(R, K, D)</param>
    /// <param name="offsets">(S + 1) int64: sequence i is rows offsets[i] to offsets[i + 1]</param>
    /// <param name="scale">Multiplies q · k, usually 1 / √D.</param>
    /// <param name="window">How many keys a row sees at most: its own and those right before it.</param>
    /// <returns>(R, H, D)</returns>
    public static Tensor Attention(Tensor q, Tensor k, Tensor v, Tensor offsets, double scale, long window = long.MaxValue)
    {
        using var scope = torch.NewDisposeScope();
        var bounds = Integers(offsets);
        var parts = new List<Tensor>(bounds.Length);
        for (var i = 0; i + 1 < bounds.Length; i++)
        {
            var (begin, rows) = (bounds[i], bounds[i + 1] - bounds[i]);
            if (rows > 0) parts.Add(Attend(q.narrow(0, begin, rows), k.narrow(0, begin, rows), v.narrow(0, begin, rows), scale, window));
        }

        return torch.cat(parts).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Stores each row's key and value at (slot, position), then each row attends to its slot's positions up to its own. Not differentiable.
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
        CachedAttention(q, k, v, keyCache, valueCache, slots, positions, scale, window, CachedAttentionBytes);

    internal static Tensor CachedAttention(
        Tensor q, Tensor k, Tensor v, Tensor keyCache, Tensor valueCache, Tensor slots, Tensor positions, double scale, long window, long bytes)
    {
        using var gradients = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var shape = keyCache.shape;
        var places = slots * shape[1] + positions; // (R), rows of the cache seen as (slots * length, K, D)
        keyCache.view(-1, shape[2], shape[3]).index_copy_(0, places, k);
        valueCache.view(-1, shape[2], shape[3]).index_copy_(0, places, v);
        var parts = new List<Tensor>();
        foreach (var (start, rows, keys) in Parts(Integers(positions), BytesOfKey(q, keyCache), bytes))
        {
            using var part = torch.NewDisposeScope();
            var (queries, own, at) = (q.narrow(0, start, rows), slots.narrow(0, start, rows), positions.narrow(0, start, rows));
            parts.Add(AttendCached(queries, keyCache.narrow(1, 0, keys), valueCache.narrow(1, 0, keys), own, at, scale, window).MoveToOuterDisposeScope());
        }

        return torch.cat(parts).MoveToOuterDisposeScope();
    }

    /// <summary>Rows one after another that attend at once, and how many keys they see at most: as many rows as the bytes allow, and one at least.</summary>
    internal static IEnumerable<(int Start, int Rows, long Keys)> Parts(long[] positions, long bytesOfKey, long bytes)
    {
        for (var start = 0; start < positions.Length;)
        {
            var (rows, keys) = (1, positions[start] + 1);
            while (start + rows < positions.Length && Math.Max(keys, positions[start + rows] + 1) is var more && (rows + 1) * more * bytesOfKey <= bytes)
                (rows, keys) = (rows + 1, more);
            yield return (start, rows, keys);
            start += rows;
        }
    }

    // What a row takes for each key that it sees: its key and value, gathered and laid out for the products, and a score of each head, masked twice and made a weight.
    private static long BytesOfKey(Tensor q, Tensor cache) =>
        (4 * cache.shape[2] * cache.shape[3] * cache.element_size()) + (5 * q.shape[1] * Math.Max(sizeof(float), q.element_size()));

    /// <summary>Copies the first <paramref name="length"/> positions of one slot over another's.</summary>
    /// <param name="keyCache">(slots, length, K, D)</param>
    /// <param name="valueCache">(slots, length, K, D)</param>
    /// <param name="fromSlot">The slot to read.</param>
    /// <param name="toSlot">The slot to write.</param>
    /// <param name="length">How many positions.</param>
    public static void CopyCache(Tensor keyCache, Tensor valueCache, long fromSlot, long toSlot, long length)
    {
        using var gradients = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        foreach (var cache in (Tensor[])[keyCache, valueCache])
            cache.narrow(0, toSlot, 1).narrow(1, 0, length).copy_(cache.narrow(0, fromSlot, 1).narrow(1, 0, length));
    }

    /// <summary>Log-softmax of each row at its target, in Float32; 0 where the target is -100.</summary>
    /// <param name="logits">(R, V)</param>
    /// <param name="targets">(R) int64, each below V or -100</param>
    /// <returns>(R)</returns>
    public static Tensor LogProbs(Tensor logits, Tensor targets)
    {
        using var scope = torch.NewDisposeScope();
        var ignored = targets.eq(Ignored);
        var some = targets.masked_fill(ignored, 0).unsqueeze(1); // (R, 1)
        var logProbs = logits.log_softmax(-1, torch.ScalarType.Float32).gather(1, some).squeeze(1);
        return logProbs.masked_fill(ignored, 0).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Zeroes an element with probability p and scales the others by 1 / (1 − p). Element i takes word i % 4 of <see cref="Philox"/>'s block i / 4 under
    /// (key, counter), and is dropped where that word is below p · 2³².
    /// </summary>
    /// <param name="x">Any shape.</param>
    /// <param name="p">At least 0, below 1.</param>
    /// <param name="key">The generator's key.</param>
    /// <param name="counter">The high half of the generator's counter; the low half is the block.</param>
    public static Tensor Dropout(Tensor x, double p, ulong key, ulong counter)
    {
        using var scope = torch.NewDisposeScope();
        var threshold = (uint)Math.Min(p * 4294967296.0, uint.MaxValue);
        var scale = (float)(1 / (1 - p));
        var mask = new float[(x.numel() + 3) / 4 * 4];
        for (var i = 0; i < mask.Length; i += 4)
        {
            var (a, b, c, d) = Philox.Block(key, counter, (ulong)i / 4);
            mask[i] = a >= threshold ? scale : 0;
            mask[i + 1] = b >= threshold ? scale : 0;
            mask[i + 2] = c >= threshold ? scale : 0;
            mask[i + 3] = d >= threshold ? scale : 0;
        }

        return (x * torch.tensor(mask[..(int)x.numel()], x.shape.AsSpan()).to(x.device).to_type(x.dtype)).MoveToOuterDisposeScope();
    }

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
        double gradScale = 1)
    {
        using var gradients = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var g = grad * gradScale;
        param.mul_(1 - lr * weightDecay);
        expAvg.mul_(beta1).add_(g * (1 - beta1));
        expAvgSq.mul_(beta2).add_(g * g * (1 - beta2));
        var root = expAvgSq.sqrt() / Math.Sqrt(1 - Math.Pow(beta2, step)) + eps;
        param.add_(expAvg / root * (-lr / (1 - Math.Pow(beta1, step))));
    }

    /// <summary>The sum of the squares of all elements, in double precision.</summary>
    /// <param name="x">Any shape.</param>
    public static double SquaredNorm(Tensor x)
    {
        using var gradients = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        return x.to_type(torch.ScalarType.Float64).pow(2).sum().cpu().item<double>();
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
        using var gradients = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        var size = logits.shape[1];
        var (sorted, ids) = logits.to_type(torch.ScalarType.Float64).sort(-1, descending: true, stable: true); // likeliest first (R, V)
        var greedy = temperature.eq(0).unsqueeze(1); // (R, 1)
        var heat = temperature.to_type(torch.ScalarType.Float64).unsqueeze(1).masked_fill(greedy, 1);
        var rank = torch.arange(size, torch.ScalarType.Int64, logits.device).unsqueeze(0); // (1, V)
        var limit = topK.masked_fill(topK.eq(0), size).unsqueeze(1).masked_fill(greedy, 1);

        var p = (sorted / heat).softmax(-1).masked_fill(rank.ge(limit), 0);
        p = p / p.sum([-1L], keepdim: true);
        var before = p.cumsum(-1) - p;
        var nucleus = topP.to_type(torch.ScalarType.Float64).unsqueeze(1);
        var beyond = torch.where(before.ge(nucleus), rank.gt(0).expand(p.shape), torch.zeros_like(rank.gt(0)).expand(p.shape));
        var full = nucleus.ge(1).expand(p.shape);
        p = p.masked_fill(torch.where(full, torch.zeros_like(beyond), beyond), 0);

        var cumulative = torch.zeros_like(p).scatter_(1, ids, p).cumsum(-1); // by id
        var target = uniform.unsqueeze(1) * cumulative.narrow(1, size - 1, 1) * (1 - 1e-15); // never the whole mass
        var tokens = cumulative.le(target).sum([-1L], type: torch.ScalarType.Int64); // (R)
        return (tokens.MoveToOuterDisposeScope(), LogProbs(logits, tokens).MoveToOuterDisposeScope());
    }

    // The last rows of a sequence, q (n, H, D), over its keys and values (T, K, D): row i stands at position T - n + i and sees `window` keys up to that.
    private static Tensor Attend(Tensor q, Tensor k, Tensor v, double scale, long window)
    {
        var (rows, keys, group) = (q.shape[0], k.shape[0], q.shape[1] / k.shape[1]);
        var queries = q.transpose(0, 1); // (H, n, D)
        var allKeys = k.repeat_interleave(group, 1).transpose(0, 1); // (H, T, D)
        var allValues = v.repeat_interleave(group, 1).transpose(0, 1);
        var ones = torch.ones([rows, keys], device: q.device);
        var seen = ones.tril(keys - rows) - ones.tril(keys - rows - Math.Min(window, keys)); // between two diagonals
        var scores = (queries.matmul(allKeys.transpose(1, 2)) * scale).masked_fill(seen.eq(0), double.NegativeInfinity); // (H, n, T)
        return Weights(scores).matmul(allValues).transpose(0, 1); // (n, H, D)
    }

    // Each row, q (n, H, D), over its slot's first T keys and values (slots, T, K, D): all rows at once, as a GPU would have it, each seeing its own positions of these.
    private static Tensor AttendCached(Tensor q, Tensor keyCache, Tensor valueCache, Tensor slots, Tensor positions, double scale, long window)
    {
        var (rows, heads, dim, keyHeads) = (q.shape[0], q.shape[1], q.shape[2], keyCache.shape[2]);
        var queries = q.reshape(rows, keyHeads, heads / keyHeads, dim); // (n, K, G, D)
        var keys = keyCache.index_select(0, slots).transpose(1, 2); // (n, K, T, D)
        var values = valueCache.index_select(0, slots).transpose(1, 2);
        var at = torch.arange(keys.shape[2], torch.ScalarType.Int64, q.device); // (T)
        var own = positions.reshape(rows, 1, 1, 1);
        var scores = (queries.matmul(keys.transpose(2, 3)) * scale).masked_fill(at.gt(own), double.NegativeInfinity).masked_fill(at.le(own - window), double.NegativeInfinity);
        return Weights(scores).matmul(values).reshape(rows, heads, dim); // (n, K, G, D) to (n, H, D)
    }

    private static Tensor Weights(Tensor scores) => As(scores, scores.softmax(-1, torch.ScalarType.Float32));

    private static Tensor As(Tensor x, Tensor other) => other.dtype == x.dtype ? other : other.to_type(x.dtype);

    private static long[] Integers(Tensor vector)
    {
        using var here = vector.cpu();
        return MemoryMarshal.Cast<byte, long>(here.contiguous().bytes).ToArray();
    }
}
