// Causal softmax attention of one head.
#pragma once

#include "gemm.h"
#include "rows.h"

namespace kernels::KERNELS_ISA {

constexpr int64_t round_up(int64_t x, int64_t to) { return (x + to - 1) / to * to; }

// Rows are taken TileRows at a time, and the keys that the tile's last row sees are computed for all of them. A key that a row must
// not see gets probability 0, which leaves its chain of fused multiply-adds as it was, so the tile that a row falls in makes no
// difference: decoding one row gives the bits that it has in the whole sequence.
inline void attention(
    Rows q, Rows k, Rows v, MutableRows out, float* lse, int64_t lse_stride, int64_t first, int64_t rows, int64_t dim, float scale) {
    const int64_t keys = first + rows, padded = round_up(keys, TileColumns);
    const bool turn_values = dim % TileColumns != 0; // else rows of v serve as they are
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
        const int64_t seen = first + row + some;
        pack<TileRows>(packed_query, q.data + row * q.stride, q.stride, 1, some, dim);
        for (int64_t j = 0; j < seen; j += TileColumns)
            for (int64_t d = 0; d < dim; d += KBlock)
                tile(some, dim - d < KBlock ? dim - d : KBlock, packed_query + d * TileRows, packed_keys + j * dim + d * TileColumns,
                    TileColumns, scores + j, padded, TileColumns, d > 0);

        float totals[TileRows];
        for (int64_t i = 0; i < some; ++i) {
            float* score = scores + i * padded;
            const int64_t visible = first + row + i + 1;
            const Vec most = broadcast(row_maximum(score, scale, visible)), factor = broadcast(scale);
            Vec total = broadcast(0);
            for (int64_t j = visible; j < round_up(visible, Width); ++j)
                score[j] = -__builtin_inff();
            for (int64_t j = 0; j < visible; j += Width) {
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
                tile(some, terms, packed_probabilities + j * TileRows, turn_values ? packed_values + d * keys + j * TileColumns : v.data + j * v.stride + d,
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
    MutableRows dv, int64_t rows, int64_t dim, float scale) {
    constexpr int64_t Block = 48; // small enough to skip most of what lies above the diagonal
    const int64_t padded = round_up(rows, Width);
    float* p = scratch(Scratch::Attention, 2 * Block * padded); // (Block, padded)
    float* ds = p + Block * padded;                             // (Block, padded)
    for (int64_t row = 0; row < rows; row += Block) {
        const int64_t some = rows - row < Block ? rows - row : Block;
        const int64_t keys = row + some;
        const Matrix queries{q.data + row * q.stride, q.stride, 1};
        const Matrix gradients{dout.data + row * dout.stride, dout.stride, 1};
        product(queries, {k.data, 1, k.stride}, p, padded, some, keys, dim, false);
        product(gradients, {v.data, 1, v.stride}, ds, padded, some, keys, dim, false);
        for (int64_t i = 0; i < some; ++i) {
            float* probability = p + i * padded;
            float* gradient = ds + i * padded;
            const int64_t visible = row + i + 1, whole = round_up(keys, Width);
            for (int64_t j = visible; j < whole; ++j) {
                probability[j] = -__builtin_inff();
                gradient[j] = 0;
            }
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
        product({ds, padded, 1}, {k.data, k.stride, 1}, dq.data + row * dq.stride, dq.stride, some, dim, keys, false);
        product({ds, 1, padded}, queries, dk.data, dk.stride, keys, dim, some, true);
        product({p, 1, padded}, gradients, dv.data, dv.stride, keys, dim, some, true);
    }
}

} // namespace kernels::KERNELS_ISA
