// What works row by row or element by element. A row's tail goes through the same vector arithmetic as the rest, filled up with
// neutral lanes, so no element depends on its place. Plain loops are used where every operation is rounded once (the build
// forbids contraction) and so vectorising cannot change a bit.
#pragma once

#include "compute.h"
#include "simd.h"

namespace kernels::KERNELS_ISA {

inline void column_sums(const float* x, int64_t rows, int64_t columns, float* out) {
    for (int64_t j = 0; j < columns; ++j)
        out[j] = 0;
    for (int64_t i = 0; i < rows; ++i, x += columns)
        for (int64_t j = 0; j < columns; ++j)
            out[j] += x[j];
}

inline void rms_norm(const float* x, const float* weight, float eps, float* y, float* rstd, int64_t rows, int64_t size) {
    for (int64_t i = 0; i < rows; ++i, x += size, y += size) {
        Vec squares = broadcast(0);
        for (int64_t j = 0; j < size; j += Width) {
            const Vec part = load(x + j, size - j);
            squares = fma(part, part, squares);
        }
        const float scale = 1.0f / __builtin_sqrtf(sum(squares) / static_cast<float>(size) + eps);
        for (int64_t j = 0; j < size; ++j)
            y[j] = x[j] * scale * weight[j];
        if (rstd != nullptr)
            rstd[i] = scale;
    }
}

// dx = rstd (w dy - x rstd^2 / size * sum(w dy x))
inline void rms_norm_backward(
    const float* x, const float* weight, const float* rstd, const float* dy, float* dx, float* dweight, int64_t rows, int64_t size) {
    for (int64_t j = 0; j < size; ++j)
        dweight[j] = 0;
    for (int64_t i = 0; i < rows; ++i, x += size, dy += size, dx += size) {
        Vec products = broadcast(0);
        for (int64_t j = 0; j < size; j += Width)
            products = fma(load(weight + j, size - j) * load(dy + j, size - j), load(x + j, size - j), products);
        const float scale = rstd[i];
        const float projection = sum(products) * scale * scale / static_cast<float>(size);
        for (int64_t j = 0; j < size; ++j) {
            dx[j] = scale * (weight[j] * dy[j] - x[j] * projection);
            dweight[j] += dy[j] * (x[j] * scale);
        }
    }
}

inline void swiglu(const float* gate, const float* up, float* y, int64_t count) {
    for (int64_t j = 0; j < count; j += Width) {
        const int64_t left = count - j;
        const Vec g = load(gate + j, left);
        store(y + j, g * sigmoid(g) * load(up + j, left), left);
    }
}

// silu'(g) = s (1 + g (1 - s)) with s = sigmoid(g)
inline void swiglu_backward(const float* gate, const float* up, const float* dy, float* dgate, float* dup, int64_t count) {
    const Vec one = broadcast(1);
    for (int64_t j = 0; j < count; j += Width) {
        const int64_t left = count - j;
        const Vec g = load(gate + j, left), dout = load(dy + j, left);
        const Vec s = sigmoid(g);
        store(dup + j, dout * (g * s), left);
        store(dgate + j, dout * load(up + j, left) * (s * fma(g, one - s, one)), left);
    }
}

inline void rotary(const float* x, const float* cos, const float* sin, const int64_t* positions, float direction, float* y, int64_t rows,
    int64_t heads, int64_t dim) {
    const int64_t half = dim / 2;
    for (int64_t i = 0; i < rows; ++i) {
        const float* c = cos + positions[i] * half;
        const float* s = sin + positions[i] * half;
        for (int64_t h = 0; h < heads; ++h, x += dim, y += dim)
            for (int64_t j = 0; j < half; ++j) {
                const float first = x[j], second = x[j + half], turn = s[j] * direction;
                y[j] = first * c[j] - second * turn;
                y[j + half] = second * c[j] + first * turn;
            }
    }
}

inline float row_maximum(const float* x, float scale, int64_t size) {
    constexpr float lowest = -__builtin_inff();
    Vec most = broadcast(lowest);
    for (int64_t j = 0; j < size; j += Width)
        most = max(most, load(x + j, size - j, lowest) * broadcast(scale));
    return maximum(most);
}

inline float log_sum_exp(const float* x, float most, int64_t size) {
    Vec total = broadcast(0);
    for (int64_t j = 0; j < size; j += Width)
        total = total + exp(load(x + j, size - j, -__builtin_inff()) - broadcast(most));
    return most + static_cast<float>(__builtin_log(sum(total)));
}

inline void log_probs(const float* logits, const int64_t* targets, float* out, float* lse, int64_t rows, int64_t size) {
    for (int64_t i = 0; i < rows; ++i, logits += size) {
        const bool ignored = targets[i] < 0;
        const float normaliser = ignored ? 0 : log_sum_exp(logits, row_maximum(logits, 1, size), size);
        out[i] = ignored ? 0 : logits[targets[i]] - normaliser;
        if (lse != nullptr)
            lse[i] = normaliser;
    }
}

// dlogits = dout (onehot(target) - softmax(logits))
inline void log_probs_backward(
    const float* logits, const int64_t* targets, const float* lse, const float* dout, float* dlogits, int64_t rows, int64_t size) {
    for (int64_t i = 0; i < rows; ++i, logits += size, dlogits += size) {
        if (targets[i] < 0) {
            for (int64_t j = 0; j < size; ++j)
                dlogits[j] = 0;
            continue;
        }
        const Vec minus = broadcast(-dout[i]), normaliser = broadcast(lse[i]);
        for (int64_t j = 0; j < size; j += Width)
            store(dlogits + j, minus * exp(load(logits + j, size - j) - normaliser), size - j);
        dlogits[targets[i]] += dout[i];
    }
}

inline void tempered(const float* logits, float inverse_temperature, float* out, int64_t size) {
    const Vec most = broadcast(row_maximum(logits, 1, size)), scale = broadcast(inverse_temperature);
    for (int64_t j = 0; j < size; j += Width)
        store(out + j, exp((load(logits + j, size - j) - most) * scale), size - j);
}

inline void adamw(float* param, const float* grad, float* exp_avg, float* exp_avg_sq, int64_t count, const AdamWStep& step) {
    const AdamWStep s = step;
    for (int64_t i = 0; i < count; ++i) {
        const float g = grad[i] * s.grad_scale;
        const float first = exp_avg[i] * s.beta1 + g * s.one_minus_beta1;
        const float second = exp_avg_sq[i] * s.beta2 + g * g * s.one_minus_beta2;
        exp_avg[i] = first;
        exp_avg_sq[i] = second;
        param[i] = param[i] * s.decay - s.step_size * (first / (__builtin_sqrtf(second) / s.correction + s.eps));
    }
}

inline double squared_norm(const float* x, int64_t count) {
    double lanes[Width] = {};
    int64_t i = 0;
    for (; i + Width <= count; i += Width)
        for (int j = 0; j < Width; ++j)
            lanes[j] += static_cast<double>(x[i + j]) * static_cast<double>(x[i + j]);
    for (int j = 0; i + j < count; ++j)
        lanes[j] += static_cast<double>(x[i + j]) * static_cast<double>(x[i + j]);
    for (int apart = Width / 2; apart > 0; apart /= 2)
        for (int j = 0; j < apart; ++j)
            lanes[j] += lanes[j + apart];
    return lanes[0];
}

} // namespace kernels::KERNELS_ISA
