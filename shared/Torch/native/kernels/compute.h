// The arithmetic of the kernels over plain memory, compiled once for each instruction set (isa_*.cpp) and chosen when the
// library is loaded. Everything here runs on the calling thread; the callers split rows among threads.
#pragma once

#include <cstdint>

namespace kernels {

// The upper half of a float's bits: bfloat16. Every one is a float, and the product of two is exact in float.
struct BFloat16 {
    uint16_t bits;
};

// A float that counts as the nearest bfloat16.
struct RoundedFloat {
    float value;
};

// Element (row, column) is data[row * row_stride + column * column_stride]; one of the strides is 1.
template <typename Element>
struct MatrixOf {
    const Element* data;
    int64_t row_stride;
    int64_t column_stride;
};
using Matrix = MatrixOf<float>;

// A product of so few rows reads B as it lies where B's columns lie one after another (decoding a batch): packing them would take longer than it saves.
template <typename Element>
bool are_few(int64_t rows, const MatrixOf<Element>& b) { return b.row_stride == 1 && rows >= 10 && rows <= 64; }

// Rows of one head: `stride` elements from one row to the next.
template <typename Element>
struct RowsOf {
    const Element* data;
    int64_t stride;
};
using Rows = RowsOf<float>;

struct MutableRows {
    float* data;
    int64_t stride;
};

// The per-step constants of AdamW, worked out in double as PyTorch does.
struct AdamWStep {
    float grad_scale;
    float decay;         // 1 - lr * weight_decay
    float beta1, one_minus_beta1;
    float beta2, one_minus_beta2;
    float step_size;     // lr / (1 - beta1^step)
    float correction;    // sqrt(1 - beta2^step)
    float eps;
};

// Memory of the calling thread that lives until the same purpose asks again, aligned to a cache line.
enum class Scratch { Product, Attention, Count };
float* scratch(Scratch purpose, int64_t floats);

struct Compute {
    const char* name;

    // C = A B or, with add, C + A B; see gemm.h for the order of summation. B's elements may be narrower, or count as if they were.
    void (*product)(const Matrix& a, const Matrix& b, float* c, int64_t c_row, int64_t rows, int64_t columns, int64_t depth, bool add);
    void (*product_bfloat16)(const Matrix& a, const MatrixOf<BFloat16>& b, float* c, int64_t c_row, int64_t rows, int64_t columns, int64_t depth, bool add);
    void (*product_rounded)(const Matrix& a, const MatrixOf<RoundedFloat>& b, float* c, int64_t c_row, int64_t rows, int64_t columns, int64_t depth, bool add);

    // out[j] = the sum of x[i][j] over the rows, in order.
    void (*column_sums)(const float* x, int64_t rows, int64_t columns, float* out);

    // y = x / sqrt(mean(x^2) + eps) * weight, row by row; rstd (rows) may be null.
    void (*rms_norm)(const float* x, const float* weight, float eps, float* y, float* rstd, int64_t rows, int64_t size);
    // Writes dx, and into dweight the sum over these rows.
    void (*rms_norm_backward)(
        const float* x, const float* weight, const float* rstd, const float* dy, float* dx, float* dweight, int64_t rows, int64_t size);

    // y = silu(gate) * up over `count` elements.
    void (*swiglu)(const float* gate, const float* up, float* y, int64_t count);
    void (*swiglu_backward)(const float* gate, const float* up, const float* dy, float* dgate, float* dup, int64_t count);

    // Turns each pair (i, i + D/2) of x (rows, heads, D) by its position's angle; direction -1 turns back.
    void (*rotary)(const float* x, const float* cos, const float* sin, const int64_t* positions, float direction, float* y,
        int64_t rows, int64_t heads, int64_t dim);

    // Log-softmax of each row at its target, and the log-sum-exp (may be null). An ignored target (below 0) gives 0.
    void (*log_probs)(const float* logits, const int64_t* targets, float* out, float* lse, int64_t rows, int64_t size);
    void (*log_probs_backward)(
        const float* logits, const int64_t* targets, const float* lse, const float* dout, float* dlogits, int64_t rows, int64_t size);

    // out[i] = e^((logits[i] - the greatest) * inverse_temperature)
    void (*tempered)(const float* logits, float inverse_temperature, float* out, int64_t size);

    // Causal attention over one key head: query row i stands at position first + i * step and sees the last `window` of the keys up to that. The rows are those of one
    // query head (step 1), or the query heads of one position that share the keys (step 0). lse may be null.
    void (*attention)(Rows q, Rows k, Rows v, MutableRows out, float* lse, int64_t lse_stride, int64_t first, int64_t step, int64_t rows, int64_t dim,
        int64_t window, float scale);
    void (*attention_bfloat16)(Rows q, RowsOf<BFloat16> k, RowsOf<BFloat16> v, MutableRows out, float* lse, int64_t lse_stride, int64_t first, int64_t step,
        int64_t rows, int64_t dim, int64_t window, float scale);
    // One head of one whole sequence: writes dq, adds to dk and dv.
    void (*attention_backward)(Rows q, Rows k, Rows v, Rows dout, const float* lse, int64_t lse_stride, MutableRows dq, MutableRows dk,
        MutableRows dv, int64_t rows, int64_t dim, int64_t window, float scale);

    // Elements [begin, end) of inverted dropout; begin is a multiple of 64.
    void (*dropout)(const float* x, float* y, int64_t begin, int64_t end, uint32_t threshold, float scale, uint64_t key, uint64_t counter);

    void (*adamw)(float* param, const float* grad, float* exp_avg, float* exp_avg_sq, int64_t count, const AdamWStep& step);
    double (*squared_norm)(const float* x, int64_t count);
};

namespace baseline { extern const Compute compute; }
#if defined(__x86_64__)
namespace avx2 { extern const Compute compute; }
namespace avx512 { extern const Compute compute; }
#endif

// The best that this processor can run.
const Compute& compute();

} // namespace kernels
