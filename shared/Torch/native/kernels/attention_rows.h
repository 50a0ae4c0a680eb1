// Causal softmax attention of one head.
#pragma once

#include "gemm.h"
#include "rows.h"

namespace kernels::KERNELS_ISA {

constexpr int64_t round_up(int64_t x, int64_t to) { return (x + to - 1) / to * to; }

// How many keys the row that sees keys up to `visible` does not see, since they lie before its window.
inline int64_t before_window(int64_t visible, int64_t window) { return visible > window ? visible - window : 0; }

// Rows are taken TileRows at a time, and the keys that the tile's last row sees are computed for all of them. A key that a row must
// not see gets probability 0, which leaves its chain of fused multiply-adds as it was, so the tile that a row falls in makes no
// difference: decoding one row gives the bits that it has in the whole sequence. Keys before every row's window are left out by whole
// blocks of the summation, whose sums would be zeros.
template <typename Element>
void attention_of(Rows q, RowsOf<Element> k, RowsOf<Element> v, MutableRows out, float* lse, int64_t lse_stride, int64_t first, int64_t step,
    int64_t rows, int64_t dim, int64_t window, float scale) {
    const int64_t unseen = before_window(first + 1, window) / KBlock * KBlock;
    k.data += unseen * k.stride;
    v.data += unseen * v.stride;
    first -= unseen;
    const int64_t keys = first + (rows - 1) * step + 1, padded = round_up(keys, TileColumns);
    const bool turn_values = sizeof(Element) != sizeof(float) || dim % TileColumns != 0; // else rows of v serve as they are
    const int64_t value_panels = turn_values ? round_up(dim, TileColumns) : 0;
    float* packed_keys = scratch(Scratch::Attention,
        padded * dim + value_panels * keys + TileRows * (dim + 2 * padded) + 5 * Width);
    float* packed_values = packed_keys + padded * dim + Width;
    float* packed_query = packed_values + value_panels * keys + Width;
    float* scores = packed_query + TileRows * dim + Width;     // (TileRows, padded)
    float* packed_probabilities = scores + TileRows * padded + Width; // (keys, TileRows)

    for (int64_t j = 0; j < keys; j += TileColumns)
        pack<TileColumns>(packed_keys + j * dim, k.data + j * k.stride, k.stride, 1, keys - j, dim);
    for (int64_t j = 0; j < value_panels; j += TileColumns)
        pack<TileColumns>(packed_values + j * keys, v.data + j, 1, v.stride, dim - j, keys);

    for (int64_t row = 0; row < rows; row += TileRows) {
        const int64_t some = rows - row < TileRows ? rows - row : TileRows;
        const int64_t seen = first + (row + some - 1) * step + 1;
        pack<TileRows>(packed_query, q.data + row * q.stride, q.stride, 1, some, dim);
        for (int64_t j = 0; j < seen; j += TileColumns)
            for (int64_t d = 0; d < dim; d += KBlock)
                tile(some, dim - d < KBlock ? dim - d : KBlock, packed_query + d * TileRows, packed_keys + j * dim + d * TileColumns,
                    TileColumns, scores + j, padded, TileColumns, d > 0);

        float totals[TileRows];
        for (int64_t i = 0; i < some; ++i) {
            float* score = scores + i * padded;
            const int64_t visible = first + (row + i) * step + 1, hidden = before_window(visible, window), begin = hidden / Width * Width;
            const Vec most = broadcast(row_maximum(score + hidden, scale, visible - hidden)), factor = broadcast(scale);
            Vec total = broadcast(0);
            for (int64_t j = visible; j < round_up(visible, Width); ++j)
                score[j] = -__builtin_inff();
            for (int64_t j = begin; j < hidden; ++j)
                score[j] = -__builtin_inff();
            for (int64_t j = 0; j < begin; ++j)
                score[j] = 0;
            for (int64_t j = begin; j < visible; j += Width) {
                const Vec probability = exp(load(score + j) * factor - most);
                total = total + probability;
                store(score + j, probability);
            }
            for (int64_t j = round_up(visible, Width); j < seen; ++j)
                score[j] = 0;
            totals[i] = sum(total);
            if (lse != nullptr)
                lse[(row + i) * lse_stride] = maximum(most) + static_cast<float>(__builtin_log(totals[i]));
        }

        pack<TileRows>(packed_probabilities, scores, padded, 1, some, seen);
        float* to = out.data + row * out.stride;
        for (int64_t j = 0; j < seen; j += KBlock) {
            const int64_t terms = seen - j < KBlock ? seen - j : KBlock;
            for (int64_t d = 0; d < dim; d += TileColumns)
                tile(some, terms, packed_probabilities + j * TileRows,
                    turn_values ? packed_values + d * keys + j * TileColumns : reinterpret_cast<const float*>(v.data) + j * v.stride + d,
                    turn_values ? TileColumns : v.stride, to + d, out.stride, dim - d, j > 0);
        }
        for (int64_t i = 0; i < some; ++i, to += out.stride) {
            const float inverse = 1.0f / totals[i];
            for (int64_t d = 0; d < dim; ++d)
                to[d] = to[d] * inverse + 0.0f; // + 0: no minus zero, which unseen keys would turn into zero
        }
    }
}

// With P the probabilities and dO the gradient of the output, a block of rows at a time:
//   dV += P^T dO,  dP = dO V^T,  dS = scale P (dP - sum_j P dP),  dQ = dS K,  dK += dS^T Q.
inline void attention_backward(Rows q, Rows k, Rows v, Rows dout, const float* lse, int64_t lse_stride, MutableRows dq, MutableRows dk,
    MutableRows dv, int64_t rows, int64_t dim, int64_t window, float scale) {
    constexpr int64_t Block = 48; // small enough to skip most of what lies above the diagonal
    const int64_t padded = round_up(rows, Width);
    float* p = scratch(Scratch::Attention, 2 * Block * padded); // (Block, padded)
    float* ds = p + Block * padded;                             // (Block, padded)
    for (int64_t row = 0; row < rows; row += Block) {
        const int64_t some = rows - row < Block ? rows - row : Block;
        const int64_t first = before_window(row + 1, window), keys = row + some - first; // none of these rows sees a key before the first
        const float *k_seen = k.data + first * k.stride, *v_seen = v.data + first * v.stride;
        const Matrix queries{q.data + row * q.stride, q.stride, 1};
        const Matrix gradients{dout.data + row * dout.stride, dout.stride, 1};
        product(queries, {k_seen, 1, k.stride}, p, padded, some, keys, dim, false);
        product(gradients, {v_seen, 1, v.stride}, ds, padded, some, keys, dim, false);
        for (int64_t i = 0; i < some; ++i) {
            float* probability = p + i * padded;
            float* gradient = ds + i * padded;
            const int64_t visible = row + i + 1 - first, hidden = before_window(visible, window), whole = round_up(keys, Width);
            const auto hide = [&](int64_t from, int64_t to) {
                for (int64_t j = from; j < to; ++j) {
                    probability[j] = -__builtin_inff();
                    gradient[j] = 0;
                }
            };
            hide(0, hidden);
            hide(visible, whole);
            const Vec factor = broadcast(scale), normaliser = broadcast(lse[(row + i) * lse_stride]);
            Vec total = broadcast(0);
            for (int64_t j = 0; j < whole; j += Width) {
                const Vec x = exp(load(probability + j) * factor - normaliser);
                store(probability + j, x);
                total = fma(x, load(gradient + j), total);
            }
            const Vec delta = broadcast(sum(total));
            for (int64_t j = 0; j < whole; j += Width)
                store(gradient + j, load(probability + j) * (load(gradient + j) - delta) * factor);
        }
        product({ds, padded, 1}, {k_seen, k.stride, 1}, dq.data + row * dq.stride, dq.stride, some, dim, keys, false);
        product({ds, 1, padded}, queries, dk.data + first * dk.stride, dk.stride, keys, dim, some, true);
        product({p, 1, padded}, gradients, dv.data + first * dv.stride, dv.stride, keys, dim, some, true);
    }
}

} // namespace kernels::KERNELS_ISA
