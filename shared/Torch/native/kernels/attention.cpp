// Causal attention over sequences laid one after another, and over a cache of keys and values.
#include "checks.h"

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace kernels {
namespace {

// Queries are split so that one long sequence keeps several threads busy.
constexpr int64_t QueryBlock = 96;

// Consecutive rows of one sequence, from position `first` on; its keys and values start at k and v.
template <typename Element>
struct Segment {
    int64_t row, rows, first;
    const Element *k, *v;
};

struct Heads {
    int64_t query, key, dim; // H, K, D

    int64_t group() const { return query / key; }
    int64_t query_stride() const { return query * dim; }
    int64_t key_stride() const { return key * dim; }
};

// What a row may see and how its scores are scaled.
struct Reach {
    double scale;
    int64_t window; // keys, the row's own included
};

Heads check_operands(const std::string& kernel, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Reach& reach) {
    check_operand(q, (kernel + ": q").c_str(), 3);
    check_dense(k, (kernel + ": k").c_str(), q.scalar_type(), 3);
    check_dense(v, (kernel + ": v").c_str(), q.scalar_type(), 3);
    TORCH_CHECK(k.size(0) == q.size(0) && k.size(2) == q.size(2) && k.size(1) > 0 && q.size(1) % k.size(1) == 0, kernel, ": k has shape ",
        k.sizes(), ", expected [", q.size(0), ", a divisor of ", q.size(1), ", ", q.size(2), "] for q of shape ", q.sizes());
    TORCH_CHECK(v.sizes() == k.sizes(), kernel, ": v has shape ", v.sizes(), ", expected ", k.sizes(), " as k");
    TORCH_CHECK(reach.scale > 0 && std::isfinite(reach.scale), kernel, ": scale is ", reach.scale, ", expected a positive number");
    TORCH_CHECK(reach.window > 0, kernel, ": window is ", reach.window, ", expected a positive number");
    return {q.size(1), k.size(1), q.size(2)};
}

auto attention_over(const float*) { return compute().attention; }
auto attention_over(const BFloat16*) { return compute().attention_bfloat16; }

template <typename Element>
void attend(const std::vector<Segment<Element>>& segments, const Heads& heads, const float* q, float* out, float* lse, const Reach& reach) {
    struct Task {
        int64_t segment, begin, head, step;
    };
    std::vector<Task> tasks;
    double operations = 0;
    for (size_t s = 0; s < segments.size(); ++s) {
        operations += 4.0 * segments[s].rows * std::min(segments[s].first + segments[s].rows, reach.window) * heads.query * heads.dim;
        // Of a single row, as in decoding, all query heads that share a key head go at once: its keys are packed once for them.
        const bool single = segments[s].rows == 1 && lse == nullptr;
        for (int64_t begin = 0; begin < segments[s].rows; begin += QueryBlock)
            for (int64_t head = 0; head < heads.query; head += single ? heads.group() : 1)
                tasks.push_back({static_cast<int64_t>(s), begin, head, single ? 0 : 1});
    }
    parallel_tasks(static_cast<int64_t>(tasks.size()), operations, [&](int64_t t) {
        const auto& [index, begin, head, step] = tasks[t];
        const Segment<Element>& segment = segments[index];
        const int64_t row = segment.row + begin, shared = head / heads.group() * heads.dim;
        const int64_t stride = step == 0 ? heads.dim : heads.query_stride();
        attention_over(segment.k)({q + row * heads.query_stride() + head * heads.dim, stride}, {segment.k + shared, heads.key_stride()},
            {segment.v + shared, heads.key_stride()}, {out + row * heads.query_stride() + head * heads.dim, stride},
            lse != nullptr ? lse + row * heads.query + head : nullptr, heads.query, segment.first + begin, step,
            step == 0 ? heads.group() : std::min(QueryBlock, segment.rows - begin), heads.dim, reach.window, static_cast<float>(reach.scale));
    });
}

at::Tensor attention_forward(
    const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& offsets, const Reach& reach, at::Tensor* lse) {
    const Heads heads{q.size(1), k.size(1), q.size(2)};
    auto out = floats_like(q);
    if (lse != nullptr)
        *lse = at::empty({q.size(0), q.size(1)}, q.options().requires_grad(false));
    const int64_t* offset = offsets.data_ptr<int64_t>();
    std::vector<Segment<float>> segments;
    for (int64_t s = 0; s + 1 < offsets.size(0); ++s)
        segments.push_back({offset[s], offset[s + 1] - offset[s], 0, read(k) + offset[s] * heads.key_stride(), read(v) + offset[s] * heads.key_stride()});
    attend(segments, heads, read(q), write(out), lse != nullptr ? write(*lse) : nullptr, reach);
    return out;
}

class AttentionFunction : public torch::autograd::Function<AttentionFunction> {
public:
    static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
        const at::Tensor& offsets, double scale, int64_t window) {
        at::Tensor lse;
        auto out = attention_forward(widened(q), widened(k), widened(v), offsets, {scale, window}, &lse);
        context->save_for_backward({q, k, v, offsets, lse});
        context->saved_data["scale"] = scale;
        context->saved_data["window"] = window;
        return rounded(out, q);
    }

    // A task is one key head of one sequence, with all the query heads that share it: nobody else adds to its dk and dv.
    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const auto q = widened(saved[0]), k = widened(saved[1]), v = widened(saved[2]), &offsets = saved[3], &lse = saved[4];
        const auto scale = static_cast<float>(context->saved_data["scale"].toDouble());
        const int64_t window = context->saved_data["window"].toInt();
        const auto dout = widened(gradients[0].contiguous());
        const Heads heads{q.size(1), k.size(1), q.size(2)};
        auto dq = floats_like(q), dk = at::zeros_like(k), dv = at::zeros_like(v);
        const int64_t* offset = offsets.data_ptr<int64_t>();
        const int64_t sequences = offsets.size(0) - 1;
        double operations = 0;
        for (int64_t s = 0; s < sequences; ++s)
            operations += 10.0 * (offset[s + 1] - offset[s]) * std::min(offset[s + 1] - offset[s], window) * heads.query * heads.dim;
        parallel_tasks(sequences * heads.key, operations, [&](int64_t task) {
            const int64_t begin = offset[task / heads.key], rows = offset[task / heads.key + 1] - begin, key = task % heads.key;
            const int64_t shared = begin * heads.key_stride() + key * heads.dim;
            for (int64_t head = key * heads.group(); head < (key + 1) * heads.group(); ++head) {
                const int64_t own = begin * heads.query_stride() + head * heads.dim;
                compute().attention_backward({read(q) + own, heads.query_stride()}, {read(k) + shared, heads.key_stride()},
                    {read(v) + shared, heads.key_stride()}, {read(dout) + own, heads.query_stride()}, read(lse) + begin * heads.query + head,
                    heads.query, {write(dq) + own, heads.query_stride()}, {write(dk) + shared, heads.key_stride()},
                    {write(dv) + shared, heads.key_stride()}, rows, heads.dim, window, scale);
            }
        });
        return {rounded(dq, saved[0]), rounded(dk, saved[1]), rounded(dv, saved[2]), at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& offsets, const Reach& reach) {
    check_operands("Attention", q, k, v, reach);
    const auto dense_offsets = integers(offsets, "Attention: offsets", -1);
    const int64_t* offset = dense_offsets.data_ptr<int64_t>();
    const int64_t last = dense_offsets.size(0) - 1;
    TORCH_CHECK(last >= 0 && offset[0] == 0 && offset[last] == q.size(0), "Attention: offsets run from ", last < 0 ? -1 : offset[0], " to ",
        last < 0 ? -1 : offset[last], ", expected 0 to ", q.size(0), ", the number of rows");
    for (int64_t s = 0; s < last; ++s)
        TORCH_CHECK(offset[s] <= offset[s + 1], "Attention: offsets[", s + 1, "] is ", offset[s + 1], ", expected at least ", offset[s], ", the one before");
    const auto dense_q = q.contiguous(), dense_k = k.contiguous(), dense_v = v.contiguous();
    return recording(q, k, v) ? AttentionFunction::apply(dense_q, dense_k, dense_v, dense_offsets, reach.scale, reach.window)
                              : rounded(attention_forward(widened(dense_q), widened(dense_k), widened(dense_v), dense_offsets, reach, nullptr), q);
}

void check_cache(const std::string& kernel, const at::Tensor& keys, const at::Tensor& values) {
    check_operand(keys, (kernel + ": keyCache").c_str(), 4);
    check_dense(values, (kernel + ": valueCache").c_str(), keys.scalar_type(), 4);
    check_in_place(keys, (kernel + ": keyCache").c_str());
    check_in_place(values, (kernel + ": valueCache").c_str());
    TORCH_CHECK(values.sizes() == keys.sizes(), kernel, ": valueCache has shape ", values.sizes(), ", expected ", keys.sizes(), " as keyCache");
}

// Stores the rows' keys and values in the cache, and lets the rows attend to it.
template <typename Element>
at::Tensor attend_cached(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& key_cache, const at::Tensor& value_cache,
    const int64_t* slot, const int64_t* position, const Heads& heads, const Reach& reach) {
    const int64_t length = key_cache.size(1), row_size = heads.key_stride();
    auto *keys = static_cast<Element*>(key_cache.data_ptr()), *values = static_cast<Element*>(value_cache.data_ptr());
    const auto *new_keys = static_cast<const Element*>(k.data_ptr()), *new_values = static_cast<const Element*>(v.data_ptr());
    std::vector<Segment<Element>> segments;
    for (int64_t row = 0; row < q.size(0); ++row) {
        const int64_t start = slot[row] * length * row_size, to = start + position[row] * row_size;
        std::memcpy(keys + to, new_keys + row * row_size, row_size * sizeof(Element));
        std::memcpy(values + to, new_values + row * row_size, row_size * sizeof(Element));
        if (row > 0 && slot[row] == slot[row - 1] && position[row] == position[row - 1] + 1)
            ++segments.back().rows;
        else
            segments.push_back({row, 1, position[row], keys + start, values + start});
    }
    const auto wide = widened(q);
    auto out = floats_like(wide);
    attend(segments, heads, read(wide), write(out), nullptr, reach);
    return rounded(out, q);
}

at::Tensor cached_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& key_cache,
    const at::Tensor& value_cache, const at::Tensor& slots, const at::Tensor& positions, const Reach& reach) {
    const Heads heads = check_operands("CachedAttention", q, k, v, reach);
    check_cache("CachedAttention", key_cache, value_cache);
    check_dense(key_cache, "CachedAttention: keyCache", q.scalar_type(), 4);
    TORCH_CHECK(key_cache.size(2) == heads.key && key_cache.size(3) == heads.dim, "CachedAttention: keyCache has shape ", key_cache.sizes(),
        ", expected [*, *, ", heads.key, ", ", heads.dim, "] for k of shape ", k.sizes());
    const int64_t rows = q.size(0), length = key_cache.size(1);
    const auto dense_slots = integers(slots, "CachedAttention: slots", rows), dense_positions = integers(positions, "CachedAttention: positions", rows);
    check_range(dense_slots, "CachedAttention: slots", 0, key_cache.size(0), -1 - key_cache.size(0));
    check_range(dense_positions, "CachedAttention: positions", 0, length, -1 - length);
    const int64_t *slot = dense_slots.data_ptr<int64_t>(), *position = dense_positions.data_ptr<int64_t>();
    const auto dense_q = q.detach().contiguous(), dense_k = k.detach().contiguous(), dense_v = v.detach().contiguous();
    return q.scalar_type() == at::kFloat ? attend_cached<float>(dense_q, dense_k, dense_v, key_cache, value_cache, slot, position, heads, reach)
                                         : attend_cached<BFloat16>(dense_q, dense_k, dense_v, key_cache, value_cache, slot, position, heads, reach);
}

void copy_cache(const at::Tensor& key_cache, const at::Tensor& value_cache, int64_t from, int64_t to, int64_t length) {
    check_cache("CopyCache", key_cache, value_cache);
    const int64_t slots = key_cache.size(0), longest = key_cache.size(1);
    TORCH_CHECK(from >= 0 && from < slots, "CopyCache: fromSlot is ", from, ", expected 0 to ", slots - 1);
    TORCH_CHECK(to >= 0 && to < slots, "CopyCache: toSlot is ", to, ", expected 0 to ", slots - 1);
    TORCH_CHECK(length >= 0 && length <= longest, "CopyCache: length is ", length, ", expected 0 to ", longest);
    const int64_t row_size = key_cache.size(2) * key_cache.size(3), slot_size = longest * row_size;
    if (from == to)
        return;
    const int64_t width = static_cast<int64_t>(key_cache.element_size());
    for (const auto& tensor : {key_cache, value_cache}) {
        auto* cache = static_cast<char*>(tensor.data_ptr());
        std::memcpy(cache + to * slot_size * width, cache + from * slot_size * width, length * row_size * width);
    }
}

} // namespace
} // namespace kernels

SR_EXPORT int sr_kernel_attention(Handle q, Handle k, Handle v, Handle offsets, double scale, int64_t window, Handle* result) {
    return guarded([&] { *result = wrap(kernels::attention(*q, *k, *v, *offsets, {scale, window})); });
}

SR_EXPORT int sr_kernel_cached_attention(Handle q, Handle k, Handle v, Handle key_cache, Handle value_cache, Handle slots, Handle positions,
    double scale, int64_t window, Handle* result) {
    return guarded([&] { *result = wrap(kernels::cached_attention(*q, *k, *v, *key_cache, *value_cache, *slots, *positions, {scale, window})); });
}

SR_EXPORT int sr_kernel_copy_cache(Handle key_cache, Handle value_cache, int64_t from_slot, int64_t to_slot, int64_t length) {
    return guarded([&] { kernels::copy_cache(*key_cache, *value_cache, from_slot, to_slot, length); });
}
