// Sixteen floats at a time, whatever the machine's registers hold.
//
// Every file that includes this one is compiled once for each instruction set, in that set's own namespace. A Vec is sixteen
// lanes everywhere (one AVX-512 register, two AVX2, four SSE or NEON), so a sum over lanes has one order on all machines, and
// wherever fused multiply-add exists the results are the same bits. Only <cstdint> may be included by such files: an inline
// function of the standard library compiled for AVX-512 here could be the copy that the linker keeps for everyone.
#pragma once

#include "compute.h"

#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#if defined(__AVX512F__)
#define KERNELS_ISA avx512
#elif defined(__AVX2__) && defined(__FMA__)
#define KERNELS_ISA avx2
#else
#define KERNELS_ISA baseline
#endif

#define KERNELS_INLINE inline __attribute__((always_inline))

namespace kernels::KERNELS_ISA {

constexpr int Width = 16;

#if defined(__AVX512F__)
constexpr int Lanes = 16;
#elif defined(__AVX2__) && defined(__FMA__)
constexpr int Lanes = 8;
#else
constexpr int Lanes = 4;
#endif
constexpr int Parts = Width / Lanes;

typedef float Native __attribute__((vector_size(4 * Lanes)));
typedef int32_t NativeInt __attribute__((vector_size(4 * Lanes)));

KERNELS_INLINE Native fused(Native a, Native b, Native c) {
#if defined(__AVX512F__)
    return _mm512_fmadd_ps(a, b, c);
#elif defined(__AVX2__) && defined(__FMA__)
    return _mm256_fmadd_ps(a, b, c);
#elif defined(__aarch64__)
    return (Native)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    return a * b + c;
#endif
}

KERNELS_INLINE Native splat(float x) {
#if defined(__AVX512F__)
    return _mm512_set1_ps(x);
#elif defined(__AVX2__) && defined(__FMA__)
    return _mm256_set1_ps(x);
#else
    return Native{x, x, x, x};
#endif
}

typedef uint16_t NativeNarrow __attribute__((vector_size(2 * Lanes)));
typedef uint32_t NativeBits __attribute__((vector_size(4 * Lanes)));

// An element of whatever kind as a float. Rounding to bfloat16 is to the nearest, in a tie to the even, as libtorch does it.
KERNELS_INLINE float widened(float x) { return x; }

KERNELS_INLINE float widened(BFloat16 x) {
    const uint32_t bits = static_cast<uint32_t>(x.bits) << 16;
    float wide;
    __builtin_memcpy(&wide, &bits, sizeof wide);
    return wide;
}

KERNELS_INLINE float widened(RoundedFloat x) {
    uint32_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    bits = (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000u;
    float rounded;
    __builtin_memcpy(&rounded, &bits, sizeof rounded);
    return x.value == x.value ? rounded : x.value;
}

// Lanes of them.
KERNELS_INLINE Native widened(const float* from) {
    Native x;
    __builtin_memcpy(&x, from, sizeof x);
    return x;
}

KERNELS_INLINE Native widened(const BFloat16* from) {
    NativeNarrow narrow;
    __builtin_memcpy(&narrow, from, sizeof narrow);
    return (Native)(__builtin_convertvector(narrow, NativeBits) << 16);
}

KERNELS_INLINE Native widened(const RoundedFloat* from) {
    Native x;
    __builtin_memcpy(&x, from, sizeof x);
    const NativeBits bits = (NativeBits)x;
    const Native rounded = (Native)((bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000u);
    return x == x ? rounded : x;
}

// The first `count` of these lanes, the others 0.
template <typename Element>
KERNELS_INLINE Native widened(const Element* from, int64_t count) {
    Element lanes[Lanes] = {};
    __builtin_memcpy(lanes, from, count * sizeof(Element));
    return widened(lanes);
}

struct Vec {
    Native part[Parts];
};

#define KERNELS_EACH_PART(expression)          \
    Vec result;                                \
    for (int i = 0; i < Parts; ++i)            \
        result.part[i] = (expression);         \
    return result

KERNELS_INLINE Vec broadcast(float x) { KERNELS_EACH_PART(splat(x)); }
KERNELS_INLINE Vec operator+(Vec a, Vec b) { KERNELS_EACH_PART(a.part[i] + b.part[i]); }
KERNELS_INLINE Vec operator-(Vec a, Vec b) { KERNELS_EACH_PART(a.part[i] - b.part[i]); }
KERNELS_INLINE Vec operator*(Vec a, Vec b) { KERNELS_EACH_PART(a.part[i] * b.part[i]); }
KERNELS_INLINE Vec operator/(Vec a, Vec b) { KERNELS_EACH_PART(a.part[i] / b.part[i]); }
KERNELS_INLINE Vec fma(Vec a, Vec b, Vec c) { KERNELS_EACH_PART(fused(a.part[i], b.part[i], c.part[i])); }

// The greater of two lanes; where either is not a number, b.
KERNELS_INLINE Vec max(Vec a, Vec b) { KERNELS_EACH_PART(a.part[i] > b.part[i] ? a.part[i] : b.part[i]); }

KERNELS_INLINE Vec load(const float* from) {
    Vec result;
    __builtin_memcpy(&result, from, sizeof result);
    return result;
}

KERNELS_INLINE void store(float* to, Vec x) { __builtin_memcpy(to, &x, sizeof x); }

// The first `count` lanes from memory, the others `rest`.
KERNELS_INLINE Vec load(const float* from, int64_t count, float rest = 0) {
    if (count >= Width)
        return load(from);
    alignas(64) float lanes[Width];
    for (int i = 0; i < Width; ++i)
        lanes[i] = i < count ? from[i] : rest;
    return load(lanes);
}

KERNELS_INLINE void store(float* to, Vec x, int64_t count) {
    if (count >= Width)
        return store(to, x);
    alignas(64) float lanes[Width];
    store(lanes, x);
    for (int i = 0; i < count; ++i)
        to[i] = lanes[i];
}

// Lanes are added in one fixed tree: 8 apart, 4, 2, 1.
KERNELS_INLINE float sum(Vec x) {
    alignas(64) float lanes[Width];
    store(lanes, x);
    for (int apart = Width / 2; apart > 0; apart /= 2)
        for (int i = 0; i < apart; ++i)
            lanes[i] += lanes[i + apart];
    return lanes[0];
}

KERNELS_INLINE float maximum(Vec x) {
    alignas(64) float lanes[Width];
    store(lanes, x);
    float most = lanes[0];
    for (int i = 1; i < Width; ++i)
        most = lanes[i] > most ? lanes[i] : most;
    return most;
}

// e^x to within 1.2e-7 relative: x = n ln 2 + r with |r| <= ln 2 / 2, a polynomial in r, and 2^n put together from its bits in
// two halves, so that n = 128 does not overflow early. Below -87.33 the result is 0 (no denormals), above 88.72 infinity.
KERNELS_INLINE Native exponential(Native x) {
    const Native magic = splat(12582912.0f); // 1.5 * 2^23: adding it rounds to the nearest integer
    const Native low = splat(-87.33f), high = splat(89.0f);
    Native clamped = x < low ? low : x;
    clamped = clamped > high ? high : clamped;
    const Native shifted = fused(clamped, splat(1.44269504088896341f), magic);
    const Native n = shifted - magic;
    Native r = fused(n, splat(-0.693359375f), clamped);
    r = fused(n, splat(2.12194440e-4f), r);
    Native p = splat(1.9875691500e-4f);
    p = fused(p, r, splat(1.3981999507e-3f));
    p = fused(p, r, splat(8.3334519073e-3f));
    p = fused(p, r, splat(4.1665795894e-2f));
    p = fused(p, r, splat(1.6666665459e-1f));
    p = fused(p, r, splat(5.0000001201e-1f));
    p = fused(p, r * r, r) + 1.0f;
    const NativeInt exponent = (NativeInt)shifted - (NativeInt)magic;
    const NativeInt half = exponent >> 1;
    const Native result = p * (Native)((half + 127) << 23) * (Native)((exponent - half + 127) << 23);
    const Native bounded = x < low ? Native{} : result;
    return x == x ? bounded : x;
}

KERNELS_INLINE Vec exp(Vec x) { KERNELS_EACH_PART(exponential(x.part[i])); }

// 1 / (1 + e^-x)
KERNELS_INLINE Vec sigmoid(Vec x) {
    const Vec one = broadcast(1);
    return one / (one + exp(broadcast(0) - x));
}

// A square of Lanes x Lanes floats across its diagonal, by exchanging blocks of 1, 2, 4, ... lanes between pairs of rows.
template <int Apart, int... Lane>
KERNELS_INLINE void exchange(Native& a, Native& b) {
    const Native first = __builtin_shufflevector(a, b, ((Lane & Apart) == 0 ? Lane : Lane - Apart + Lanes)...);
    const Native second = __builtin_shufflevector(a, b, ((Lane & Apart) == 0 ? Lane + Apart : Lane + Lanes)...);
    a = first;
    b = second;
}

template <int Apart>
KERNELS_INLINE void exchange_rows(Native* rows) {
#pragma GCC unroll 16
    for (int i = 0; i < Lanes; ++i) {
        if ((i & Apart) != 0)
            continue;
        if constexpr (Lanes == 16)
            exchange<Apart, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15>(rows[i], rows[i + Apart]);
        else if constexpr (Lanes == 8)
            exchange<Apart, 0, 1, 2, 3, 4, 5, 6, 7>(rows[i], rows[i + Apart]);
        else
            exchange<Apart, 0, 1, 2, 3>(rows[i], rows[i + Apart]);
    }
}

KERNELS_INLINE void transpose(Native* rows) {
    exchange_rows<1>(rows);
    exchange_rows<2>(rows);
    if constexpr (Lanes > 4)
        exchange_rows<4>(rows);
    if constexpr (Lanes > 8)
        exchange_rows<8>(rows);
}

} // namespace kernels::KERNELS_ISA
