// Dropout whose mask is a function of (key, counter, element): nothing to store, and the same in forward and backward.
#pragma once

#include "compute.h"
#include "simd.h"

namespace kernels::KERNELS_ISA {

// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011) over Width blocks at once.
// Block b has the counter words (b low, b high, counter low, counter high); words[w][b] is its w-th word.
inline void philox(uint64_t key, uint64_t counter, uint64_t first_block, uint32_t words[4][Width]) {
    uint32_t c0[Width], c1[Width], c2[Width], c3[Width];
    for (int b = 0; b < Width; ++b) {
        c0[b] = static_cast<uint32_t>(first_block + b);
        c1[b] = static_cast<uint32_t>((first_block + b) >> 32);
        c2[b] = static_cast<uint32_t>(counter);
        c3[b] = static_cast<uint32_t>(counter >> 32);
    }
    uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {
        for (int b = 0; b < Width; ++b) {
            const uint64_t product0 = static_cast<uint64_t>(0xD2511F53u) * c0[b];
            const uint64_t product1 = static_cast<uint64_t>(0xCD9E8D57u) * c2[b];
            c0[b] = static_cast<uint32_t>(product1 >> 32) ^ c1[b] ^ k0;
            c1[b] = static_cast<uint32_t>(product1);
            c2[b] = static_cast<uint32_t>(product0 >> 32) ^ c3[b] ^ k1;
            c3[b] = static_cast<uint32_t>(product0);
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int b = 0; b < Width; ++b) {
        words[0][b] = c0[b];
        words[1][b] = c1[b];
        words[2][b] = c2[b];
        words[3][b] = c3[b];
    }
}

// Element i takes word i % 4 of block i / 4, and is dropped where that word is below p * 2^32.
inline void dropout(const float* x, float* y, int64_t begin, int64_t end, uint32_t threshold, float scale, uint64_t key, uint64_t counter) {
    uint32_t words[4][Width];
    for (int64_t i = begin; i < end; i += 4 * Width) {
        philox(key, counter, static_cast<uint64_t>(i) / 4, words);
        const int64_t count = end - i < 4 * Width ? end - i : 4 * Width;
        for (int64_t j = 0; j < count; ++j)
            y[i + j] = words[j % 4][j / 4] >= threshold ? x[i + j] * scale : 0.0f;
    }
}

} // namespace kernels::KERNELS_ISA
