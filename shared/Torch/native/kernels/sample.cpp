// One token from each row of logits.
#include "checks.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>
#include <vector>

namespace kernels {
namespace {

struct Draw {
    float temperature, top_p;
    int64_t top_k;
    double uniform;
};

// Of two ids the one with the greater logit comes first; among equals the lower id.
struct Likelier {
    const float* logits;
    bool operator()(int32_t a, int32_t b) const { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; }
};

int64_t greedy(const float* logits, int64_t size) {
    int64_t best = 0;
    for (int64_t i = 1; i < size; ++i)
        if (logits[i] > logits[best])
            best = i;
    return best;
}

double mass(const std::vector<int32_t>& ids, const float* weights) {
    return std::accumulate(ids.begin(), ids.end(), 0.0, [weights](double total, int32_t id) { return total + weights[id]; });
}

// Sorts ids, which come in ascending order, by Likelier: least significant digit first, which keeps the order of equal ones. A vocabulary where nothing is likely
// has tens of thousands of them.
void sort_likeliest_first(std::vector<int32_t>& ids, const float* logits) {
    struct Entry {
        uint32_t key; // ascending where the logit descends
        int32_t id;
    };
    constexpr int Bits = 11, Digits = 3;
    constexpr size_t Buckets = size_t{1} << Bits;
    thread_local std::vector<Entry> entries, sorted;
    thread_local std::vector<uint32_t> starts;
    entries.resize(ids.size());
    sorted.resize(ids.size());
    starts.assign(Digits * Buckets, 0);
    for (size_t i = 0; i < ids.size(); ++i) {
        const float logit = logits[ids[i]] + 0.0f; // of -0 and 0 neither is greater
        uint32_t bits;
        std::memcpy(&bits, &logit, sizeof bits);
        const uint32_t key = (bits >> 31) != 0 ? bits : ~bits & 0x7fffffffu;
        entries[i] = {key, ids[i]};
        for (int digit = 0; digit < Digits; ++digit)
            ++starts[digit * Buckets + (key >> (digit * Bits) & (Buckets - 1))];
    }
    for (int digit = 0; digit < Digits; ++digit) {
        uint32_t* start = starts.data() + digit * Buckets;
        uint32_t total = 0;
        for (size_t bucket = 0; bucket < Buckets; ++bucket)
            total += std::exchange(start[bucket], total);
        for (const Entry& entry : entries)
            sorted[start[entry.key >> (digit * Bits) & (Buckets - 1)]++] = entry;
        entries.swap(sorted);
    }
    for (size_t i = 0; i < ids.size(); ++i)
        ids[i] = entries[i].id;
}

// Cuts the ids, which come and go in ascending order, to the smallest set, likeliest first, whose share of their mass reaches top_p; at least one.
// `all` is their mass, and one of them is the likeliest.
void keep_nucleus(std::vector<int32_t>& ids, const float* logits, const float* weights, double top_p, double all, int32_t likeliest) {
    const double reach = all * top_p;
    // An id of the nucleus weighs no less than the mean of all that follow it; the rest need not be sorted.
    const double least = (all - reach) / static_cast<double>(ids.size()) * (1 - 1e-6);
    ids.erase(std::remove_if(ids.begin(), ids.end(), [&](int32_t id) { return weights[id] < least && id != likeliest; }), ids.end());
    thread_local std::vector<int32_t> sorted;
    sorted = ids;
    sort_likeliest_first(sorted, logits);
    double sum = 0;
    size_t count = 0;
    while (count < sorted.size() && (count == 0 || sum < reach))
        sum += weights[sorted[count++]];
    const int32_t last = sorted[count - 1];
    ids.erase(std::remove_if(ids.begin(), ids.end(), [&](int32_t id) { return Likelier{logits}(last, id); }), ids.end());
}

int64_t draw(const float* logits, int64_t size, const Draw& how) {
    const float inverse = 1 / how.temperature;
    if (how.temperature == 0 || std::isinf(inverse))
        return greedy(logits, size);
    thread_local std::vector<float> weights;
    thread_local std::vector<int32_t> ids;
    weights.resize(size);
    compute().tempered(logits, inverse, weights.data(), size);
    ids.resize(size);
    std::iota(ids.begin(), ids.end(), 0);
    // Sorting needs an order, which NaN has not. An infinite greatest logit has become NaN here, too.
    double all = mass(ids, weights.data());
    TORCH_CHECK(std::isfinite(all), "Sample: logits hold a value that is not a number, or infinity");
    if (how.top_k > 0 && how.top_k < size) {
        std::nth_element(ids.begin(), ids.begin() + how.top_k, ids.end(), Likelier{logits});
        ids.resize(how.top_k);
        std::sort(ids.begin(), ids.end());
        all = mass(ids, weights.data());
    }
    if (how.top_p < 1) {
        keep_nucleus(ids, logits, weights.data(), how.top_p, all, static_cast<int32_t>(greedy(logits, size)));
        all = mass(ids, weights.data());
    }
    const double target = how.uniform * all;
    double sum = 0;
    int32_t last = ids.front();
    for (const int32_t id : ids) {
        if (weights[id] == 0)
            continue;
        last = id;
        sum += weights[id];
        if (sum > target)
            break;
    }
    return last; // where rounding keeps the sum from the target, the last that can be drawn
}

struct Samples {
    at::Tensor tokens, log_probs;
};

Samples sample(const at::Tensor& logits, const at::Tensor& temperature, const at::Tensor& top_p, const at::Tensor& top_k, const at::Tensor& uniform) {
    check_floats(logits, "Sample: logits", 2);
    const int64_t rows = logits.size(0), size = logits.size(1);
    TORCH_CHECK(size > 0, "Sample: logits has shape ", logits.sizes(), ", expected at least one column");
    check_floats(temperature, "Sample: temperature", 1);
    check_shape(temperature, "Sample: temperature", {rows});
    check_floats(top_p, "Sample: topP", 1);
    check_shape(top_p, "Sample: topP", {rows});
    check_dense(uniform, "Sample: uniform", at::kDouble, 1);
    check_shape(uniform, "Sample: uniform", {rows});
    const auto dense_logits = logits.detach().contiguous(), dense_temperature = temperature.contiguous(), dense_top_p = top_p.contiguous();
    const auto dense_top_k = integers(top_k, "Sample: topK", rows), dense_uniform = uniform.contiguous();
    for (int64_t i = 0; i < rows; ++i) {
        const float t = read(dense_temperature)[i], p = read(dense_top_p)[i];
        const double u = dense_uniform.data_ptr<double>()[i];
        const int64_t k = dense_top_k.data_ptr<int64_t>()[i];
        TORCH_CHECK(t >= 0 && std::isfinite(t), "Sample: temperature[", i, "] is ", t, ", expected 0 or more");
        TORCH_CHECK(p >= 0 && p <= 1, "Sample: topP[", i, "] is ", p, ", expected 0 to 1");
        TORCH_CHECK(k >= 0, "Sample: topK[", i, "] is ", k, ", expected 0 (off) or more");
        TORCH_CHECK(u >= 0 && u < 1, "Sample: uniform[", i, "] is ", u, ", expected at least 0 and below 1");
    }

    Samples out{at::empty({rows}, dense_top_k.options()), at::empty({rows}, dense_logits.options())};
    int64_t* token = out.tokens.data_ptr<int64_t>();
    float* log_prob = write(out.log_probs);
    parallel_blocks(rows, 1, 24.0 * rows * size, [&](int64_t i, int64_t) {
        const float* row = read(dense_logits) + i * size;
        token[i] = draw(row, size, {read(dense_temperature)[i], read(dense_top_p)[i], dense_top_k.data_ptr<int64_t>()[i], dense_uniform.data_ptr<double>()[i]});
        compute().log_probs(row, token + i, log_prob + i, nullptr, 1, size);
    });
    for (int64_t i = 0; i < rows; ++i) // rows at temperature 0
        TORCH_CHECK(!std::isnan(log_prob[i]), "Sample: logits hold a value that is not a number, or infinity");
    return out;
}

} // namespace
} // namespace kernels

SR_EXPORT int sr_kernel_sample(
    Handle logits, Handle temperature, Handle top_p, Handle top_k, Handle uniform, Handle* tokens, Handle* log_probs) {
    return guarded([&] {
        auto out = kernels::sample(*logits, *temperature, *top_p, *top_k, *uniform);
        *tokens = wrap(out.tokens);
        *log_probs = wrap(out.log_probs);
    });
}

SR_EXPORT const char* sr_kernel_instructions() { return kernels::compute().name; }
