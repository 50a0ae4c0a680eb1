// Picking elements: by index, by mask, by order, by chance.
#include "abi.h"

#include <ATen/ops/where.h>

SR_EXPORT int sr_index_select(Handle self, int64_t dim, Handle index, Handle* result) {
    return guarded([&] { *result = wrap(self->index_select(dim, *index)); });
}

SR_EXPORT int sr_gather(Handle self, int64_t dim, Handle index, Handle* result) {
    return guarded([&] { *result = wrap(self->gather(dim, *index)); });
}

SR_EXPORT int sr_scatter_(Handle self, int64_t dim, Handle index, Handle source) {
    return guarded([&] { self->scatter_(dim, *index, *source); });
}

SR_EXPORT int sr_index_copy_(Handle self, int64_t dim, Handle index, Handle source) {
    return guarded([&] { self->index_copy_(dim, *index, *source); });
}

SR_EXPORT int sr_masked_fill(Handle self, Handle mask, Scalar value, Handle* result) {
    return guarded([&] { *result = wrap(self->masked_fill(*mask, static_cast<at::Scalar>(value))); });
}

SR_EXPORT int sr_where(Handle condition, Handle self, Handle other, Handle* result) {
    return guarded([&] { *result = wrap(at::where(*condition, *self, *other)); });
}

SR_EXPORT int sr_tril(Handle self, int64_t diagonal, Handle* result) {
    return guarded([&] { *result = wrap(self->tril(diagonal)); });
}

SR_EXPORT int sr_max_dim(Handle self, int64_t dim, bool keepdim, Handle* values, Handle* indexes) {
    return guarded([&] {
        auto result = self->max(dim, keepdim);
        *values = wrap(std::get<0>(std::move(result)));
        *indexes = wrap(std::get<1>(std::move(result)));
    });
}

SR_EXPORT int sr_topk(Handle self, int64_t k, int64_t dim, bool largest, bool sorted, Handle* values, Handle* indexes) {
    return guarded([&] {
        auto result = self->topk(k, dim, largest, sorted);
        *values = wrap(std::get<0>(std::move(result)));
        *indexes = wrap(std::get<1>(std::move(result)));
    });
}

SR_EXPORT int sr_sort(Handle self, int64_t dim, bool descending, bool stable, Handle* values, Handle* indices) {
    return guarded([&] {
        auto result = self->sort(stable, dim, descending);
        *values = wrap(std::get<0>(std::move(result)));
        *indices = wrap(std::get<1>(std::move(result)));
    });
}

SR_EXPORT int sr_multinomial(Handle self, int64_t samples, bool replacement, at::Generator* generator, Handle* result) {
    return guarded([&] {
        const auto from = generator == nullptr ? at::Generator() : *generator;
        *result = wrap(self->multinomial(samples, replacement, from));
    });
}
