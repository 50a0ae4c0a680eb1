using SelfRewarding.Torch;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Neural network operations.</summary>
    public static class nn
    {
        /// <summary>How the losses of a batch become one value.</summary>
        public enum Reduction : long
        {
            None = 0,
            Mean = 1,
            Sum = 2,
        }

        /// <summary>Operations without state.</summary>
        public static class functional
        {
            /// <summary>x Wᵀ + b: (…, in) by (out, in) to (…, out).</summary>
            public static Tensor linear(Tensor input, Tensor weights, Tensor? bias = null) =>
                Tensor.Result(Native.sr_linear(input.Handle, weights.Handle, Optional(bias), out var result), result);

            /// <summary>x · sigmoid(x).</summary>
            public static Tensor silu(Tensor x, bool inplace = false) =>
                Tensor.Result(Native.sr_silu(x.Handle, inplace, out var result), result);

            /// <summary>log(sigmoid(x)), without overflow.</summary>
            public static Tensor logsigmoid(Tensor x) => Tensor.Result(Native.sr_logsigmoid(x.Handle, out var result), result);

            /// <summary>In training, zeroes each element with probability p and divides the others by 1 − p.</summary>
            public static Tensor dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false) =>
                Tensor.Result(Native.sr_dropout(input.Handle, p, training, inplace, out var result), result);

            /// <summary>Negative log-likelihood of classes (N) under logits (N, C); targets equal to ignore_index do not count.</summary>
            public static Tensor cross_entropy(
                Tensor input,
                Tensor target,
                Tensor? weight = null,
                long ignore_index = -100,
                Reduction reduction = Reduction.Mean,
                double label_smoothing = 0.0) =>
                Tensor.Result(
                    Native.sr_cross_entropy(
                        input.Handle, target.Handle, Optional(weight), ignore_index, (long)reduction, label_smoothing, out var result),
                    result);

            /// <summary>softmax(Q Kᵀ / √D + mask) V over (…, T, D); a bool mask is true where attention is allowed.</summary>
            public static Tensor scaled_dot_product_attention(
                Tensor query, Tensor key, Tensor value, Tensor? attn_mask = null, double p = 0.0, bool is_casual = false) =>
                Tensor.Result(
                    Native.sr_scaled_dot_product_attention(
                        query.Handle, key.Handle, value.Handle, Optional(attn_mask), p, is_casual, out var result),
                    result);

            private static TensorHandle Optional(Tensor? tensor) => tensor?.Handle ?? TensorHandle.None;
        }
    }
}
