// Matrix product C = A B over packed panels.
//
// Order of summation, the same for every element of C whatever the sizes of A and B, the tile that it falls in, the thread and
// the instruction set: k runs upward in blocks of KBlock; within a block one chain of fused multiply-adds from zero; the blocks'
// sums are added up in order. So a row's result never depends on the other rows.
#pragma once

#include "compute.h"
#include "simd.h"

namespace kernels::KERNELS_ISA {

// The register tile: TileRows x TileColumns of C, sized so that its accumulators, one row of B and a broadcast fill the registers.
#if defined(__AVX512F__)
constexpr int TileRows = 8, TileVecs = 2;
#elif defined(__AVX2__) && defined(__FMA__)
constexpr int TileRows = 6, TileVecs = 1;
#elif defined(__aarch64__)
constexpr int TileRows = 6, TileVecs = 1;
#else
constexpr int TileRows = 2, TileVecs = 1;
#endif
constexpr int TileColumns = TileVecs * Width;

constexpr int64_t KBlock = 256;   // a panel of B (KBlock x TileColumns) stays in the first-level cache
constexpr int64_t RowBlock = 192; // the packed block of A (RowBlock x KBlock) stays in the second; a multiple of every TileRows

// The last columns of C, fewer than a tile has. Out of line: a call in tile() would drive its accumulators out of the registers.
__attribute__((noinline)) inline void store_edge(const float* edge, int rows, float* c, int64_t c_row, int64_t columns, bool add) {
    for (int i = 0; i < rows; ++i, c += c_row, edge += TileColumns)
        for (int64_t j = 0; j < columns; ++j)
            c[j] = add ? c[j] + edge[j] : edge[j];
}

// C[0..Rows, 0..columns] = A B over `depth` terms, or C + A B. a: (depth, TileRows) packed or, where it is read as it lies, rows of `depth`
// floats, `across` apart; b: rows of TileColumns floats, `stride` apart.
template <int Rows, bool Packed>
void tile(int64_t depth, const float* a, int64_t across, const float* b, int64_t stride, float* c, int64_t c_row, int64_t columns, bool add) {
    constexpr int Natives = TileColumns / Lanes; // registers, not Vecs: the compiler keeps a plain array of them in place
    Native sum[Rows][Natives] = {};
    for (int64_t k = 0; k < depth; ++k, a += Packed ? TileRows : 1, b += stride) {
        // Weights come from memory: the rows of the next tile are asked for a line at a time, a tile ahead.
        if (!Packed && k % (64 / sizeof(float)) == 0)
            for (int i = 0; i < Rows; ++i)
                __builtin_prefetch(a + (i + Rows) * across);
        Native row[Natives];
#pragma GCC unroll 4
        for (int j = 0; j < Natives; ++j)
            __builtin_memcpy(&row[j], b + j * Lanes, sizeof(Native));
#pragma GCC unroll 16
        for (int i = 0; i < Rows; ++i) {
            const Native factor = splat(a[Packed ? i : i * across]);
#pragma GCC unroll 4
            for (int j = 0; j < Natives; ++j)
                sum[i][j] = fused(factor, row[j], sum[i][j]);
        }
    }
    if (columns >= TileColumns) {
#pragma GCC unroll 16
        for (int i = 0; i < Rows; ++i, c += c_row) {
#pragma GCC unroll 4
            for (int j = 0; j < Natives; ++j) {
                if (add) {
                    Native before;
                    __builtin_memcpy(&before, c + j * Lanes, sizeof before);
                    sum[i][j] = before + sum[i][j];
                }
                __builtin_memcpy(c + j * Lanes, &sum[i][j], sizeof(Native));
            }
        }
        return;
    }
    alignas(64) float edge[Rows * TileColumns];
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
        for (int j = 0; j < Natives; ++j)
            __builtin_memcpy(edge + i * TileColumns + j * Lanes, &sum[i][j], sizeof(Native));
    }
    store_edge(edge, Rows, c, c_row, columns, add);
}

using Tile = void (*)(int64_t, const float*, int64_t, const float*, int64_t, float*, int64_t, int64_t, bool);

// One tile function for each number of rows, so that a single row does not pay for a full tile.
template <bool Packed>
KERNELS_INLINE Tile tile_of(int64_t rows) {
#if defined(__AVX512F__)
    static constexpr Tile tiles[] = {tile<1, Packed>, tile<2, Packed>, tile<3, Packed>, tile<4, Packed>, tile<5, Packed>, tile<6, Packed>, tile<7, Packed>, tile<8, Packed>};
#elif (defined(__AVX2__) && defined(__FMA__)) || defined(__aarch64__)
    static constexpr Tile tiles[] = {tile<1, Packed>, tile<2, Packed>, tile<3, Packed>, tile<4, Packed>, tile<5, Packed>, tile<6, Packed>};
#else
    static constexpr Tile tiles[] = {tile<1, Packed>, tile<2, Packed>};
#endif
    static_assert(sizeof tiles / sizeof *tiles == TileRows);
    return tiles[rows - 1];
}

KERNELS_INLINE void tile(
    int64_t rows, int64_t depth, const float* a, const float* b, int64_t stride, float* c, int64_t c_row, int64_t columns, bool add) {
    tile_of<true>(rows)(depth, a, 0, b, stride, c, c_row, columns, add);
}

// Packs `count` lines of `depth` elements, as floats, as (depth, Size), lines past `count` as zeros. `along` is the distance between
// elements k and k + 1 of a line, `across` between lines; one of them is 1.
template <int Size, typename Element>
void pack(float* to, const Element* from, int64_t across, int64_t along, int64_t count, int64_t depth) {
    if (across == 1) {
        for (int64_t k = 0; k < depth; ++k, from += along, to += Size) {
            if (count >= Size)
                for (int j = 0; j < Size; ++j)
                    to[j] = widened(from[j]);
            else
                for (int j = 0; j < Size; ++j)
                    to[j] = j < count ? widened(from[j]) : 0;
        }
        return;
    }
    // Squares of Lanes x Lanes are turned in registers.
    for (int64_t k = 0; k < depth; k += Lanes) {
        const int64_t terms = depth - k < Lanes ? depth - k : Lanes;
        for (int first = 0; first < Size; first += Lanes) {
            Native square[Lanes];
#pragma GCC unroll 16
            for (int i = 0; i < Lanes; ++i) {
                square[i] = Native{};
                if (first + i < Size && first + i < count) {
                    const Element* source = from + (first + i) * across + k;
                    square[i] = terms == Lanes ? widened(source) : widened(source, terms);
                }
            }
            transpose(square);
            if (terms == Lanes) {
#pragma GCC unroll 16
                for (int i = 0; i < Lanes; ++i) {
                    if (first + Lanes <= Size)
                        __builtin_memcpy(to + (k + i) * Size + first, &square[i], sizeof square[i]);
                    else
                        __builtin_memcpy(to + (k + i) * Size + first, &square[i], (Size - first) * sizeof(float));
                }
            } else {
                for (int64_t i = 0; i < terms; ++i) {
                    const int width = first + Lanes <= Size ? Lanes : Size - first;
                    __builtin_memcpy(to + (k + i) * Size + first, &square[i], width * sizeof(float));
                }
            }
        }
    }
}

// Lines of `terms` elements as floats: as they lie, or widened into `to`.
KERNELS_INLINE Rows floats(const float* from, int64_t across, int64_t, int64_t, float*) { return {from, across}; }

template <typename Element>
Rows floats(const Element* from, int64_t across, int64_t count, int64_t terms, float* to) {
    constexpr int64_t Line = 64 / sizeof(Element); // a multiple of Lanes, as KBlock is of it
    for (int64_t i = 0; i < count; ++i, from += across) {
        float* line = to + i * KBlock;
        int64_t k = 0;
        for (; k + Line <= terms; k += Line) {
            __builtin_prefetch(from + TileRows * across + k); // the tile after this one, as in tile()
#pragma GCC unroll 8
            for (int64_t j = 0; j < Line; j += Lanes) {
                const Native lanes = widened(from + k + j);
                __builtin_memcpy(line + k + j, &lanes, sizeof lanes);
            }
        }
        for (; k < terms; k += Lanes) {
            const Native lanes = widened(from + k, terms - k < Lanes ? terms - k : Lanes);
            __builtin_memcpy(line + k, &lanes, sizeof lanes);
        }
    }
    return {to, KBlock};
}

// C = A B for few rows, where the columns of B lie one after another: as C^T = B^T A^T, whose broadcast operand is read as it lies and whose other one is packed once.
template <typename Element>
void product_of_few_rows(const Matrix& a, const MatrixOf<Element>& b, float* c, int64_t c_row, int64_t rows, int64_t columns, int64_t depth) {
    constexpr int64_t Block = TileRows * Lanes; // columns of C that are turned at once
    const int64_t width = (rows + TileColumns - 1) / TileColumns * TileColumns;
    float* packed = scratch(Scratch::Product, width * depth + Block * width + TileRows * KBlock + 3 * Width);
    float* turned = packed + width * depth + Width; // (Block, width)
    float* lines = turned + Block * width + Width;  // (TileRows, KBlock): columns of B that are no floats
    for (int64_t i = 0; i < rows; i += TileColumns)
        pack<TileColumns>(packed + i * depth, a.data + i * a.row_stride, a.row_stride, a.column_stride, rows - i, depth);
    for (int64_t column = 0; column < columns; column += Block) {
        const int64_t some = columns - column < Block ? columns - column : Block;
        for (int64_t j = 0; j < some; j += TileRows) {
            const int64_t count = some - j < TileRows ? some - j : TileRows;
            for (int64_t k = 0; k < depth; k += KBlock) {
                const int64_t terms = depth - k < KBlock ? depth - k : KBlock;
                const Rows from = floats(b.data + (column + j) * b.column_stride + k, b.column_stride, count, terms, lines);
                for (int64_t i = 0; i < width; i += TileColumns)
                    tile_of<false>(count)(terms, from.data, from.stride, packed + i * depth + k * TileColumns, TileColumns,
                        turned + j * width + i, width, TileColumns, k > 0);
            }
        }
        for (int64_t j = 0; j < some; j += Lanes) {
            const int64_t count = some - j < Lanes ? some - j : Lanes;
            for (int64_t i = 0; i < rows; i += Lanes) {
                Native square[Lanes];
#pragma GCC unroll 16
                for (int line = 0; line < Lanes; ++line)
                    __builtin_memcpy(&square[line], turned + (j + line) * width + i, sizeof square[line]);
                transpose(square);
                for (int64_t row = 0; row < Lanes && i + row < rows; ++row)
                    __builtin_memcpy(c + (i + row) * c_row + column + j, &square[row], count * sizeof(float));
            }
        }
    }
}

// The product of rows [0, rows) and columns [0, columns): C = A B, or C + A B.
// A (rows, depth), B (depth, columns), rows of C `c_row` apart.
template <typename Element>
void product_of(const Matrix& a, const MatrixOf<Element>& b, float* c, int64_t c_row, int64_t rows, int64_t columns, int64_t depth, bool add) {
    if (!add && are_few(rows, b))
        return product_of_few_rows(a, b, c, c_row, rows, columns, depth);
    const int64_t some_rows = rows < RowBlock ? rows : RowBlock;
    const int64_t some_depth = depth < KBlock ? depth : KBlock;
    const int64_t row_tiles = (some_rows + TileRows - 1) / TileRows;
    float* packed_a = scratch(Scratch::Product, row_tiles * TileRows * some_depth + some_depth * TileColumns + 2 * Width);
    float* packed_b = packed_a + row_tiles * TileRows * some_depth + Width;
    for (int64_t k = 0; k < depth; k += KBlock) {
        const int64_t terms = depth - k < KBlock ? depth - k : KBlock;
        for (int64_t row = 0; row < rows; row += RowBlock) {
            const int64_t block = rows - row < RowBlock ? rows - row : RowBlock;
            for (int64_t i = 0; i < block; i += TileRows)
                pack<TileRows>(packed_a + i * terms, a.data + (row + i) * a.row_stride + k * a.column_stride, a.row_stride, a.column_stride, block - i, terms);
            for (int64_t j = 0; j < columns; j += TileColumns) {
                pack<TileColumns>(packed_b, b.data + k * b.row_stride + j * b.column_stride, b.column_stride, b.row_stride, columns - j, terms);
                for (int64_t i = 0; i < block; i += TileRows)
                    tile(block - i < TileRows ? block - i : TileRows, terms, packed_a + i * terms, packed_b, TileColumns,
                        c + (row + i) * c_row + j, c_row, columns - j, add || k > 0);
            }
        }
    }
}

inline void product(const Matrix& a, const Matrix& b, float* c, int64_t c_row, int64_t rows, int64_t columns, int64_t depth, bool add) {
    product_of(a, b, c, c_row, rows, columns, depth, add);
}

} // namespace kernels::KERNELS_ISA
