// Views and rearrangements.
#include "abi.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>

namespace {

void hand_out(const std::vector<at::Tensor>& parts, Handle* results, int64_t capacity, int64_t* count) {
    TORCH_CHECK(static_cast<int64_t>(parts.size()) <= capacity, "there are ", parts.size(), " parts, expected at most ", capacity);
    *count = static_cast<int64_t>(parts.size());
    for (size_t i = 0; i < parts.size(); ++i) results[i] = wrap(parts[i]);
}

}  // namespace

SR_EXPORT int sr_view(Handle self, const int64_t* shape, int64_t dims, Handle* result) {
    return guarded([&] { *result = wrap(self->view(sr::sizes(shape, dims))); });
}

SR_EXPORT int sr_reshape(Handle self, const int64_t* shape, int64_t dims, Handle* result) {
    return guarded([&] { *result = wrap(self->reshape(sr::sizes(shape, dims))); });
}

SR_EXPORT int sr_transpose(Handle self, int64_t dim0, int64_t dim1, Handle* result) {
    return guarded([&] { *result = wrap(self->transpose(dim0, dim1)); });
}

SR_EXPORT int sr_permute(Handle self, const int64_t* order, int64_t dims, Handle* result) {
    return guarded([&] { *result = wrap(self->permute(sr::sizes(order, dims))); });
}

SR_EXPORT int sr_unsqueeze(Handle self, int64_t dim, Handle* result) {
    return guarded([&] { *result = wrap(self->unsqueeze(dim)); });
}

SR_EXPORT int sr_squeeze(Handle self, Handle* result) {
    return guarded([&] { *result = wrap(self->squeeze()); });
}

SR_EXPORT int sr_squeeze_dim(Handle self, int64_t dim, Handle* result) {
    return guarded([&] { *result = wrap(self->squeeze(dim)); });
}

SR_EXPORT int sr_expand(Handle self, const int64_t* shape, int64_t dims, Handle* result) {
    return guarded([&] { *result = wrap(self->expand(sr::sizes(shape, dims))); });
}

SR_EXPORT int sr_contiguous(Handle self, Handle* result) {
    return guarded([&] { *result = wrap(self->contiguous()); });
}

SR_EXPORT int sr_narrow(Handle self, int64_t dim, int64_t start, int64_t length, Handle* result) {
    return guarded([&] { *result = wrap(self->narrow(dim, start, length)); });
}

SR_EXPORT int sr_repeat_interleave(Handle self, int64_t repeats, Handle* result) {
    return guarded([&] { *result = wrap(self->repeat_interleave(repeats)); });
}

SR_EXPORT int sr_repeat_interleave_dim(Handle self, int64_t repeats, int64_t dim, Handle* result) {
    return guarded([&] { *result = wrap(self->repeat_interleave(repeats, dim)); });
}

SR_EXPORT int sr_cat(const Handle* parts, int64_t count, int64_t dim, Handle* result) {
    return guarded([&] { *result = wrap(at::cat(sr::tensors(parts, count), dim)); });
}

SR_EXPORT int sr_stack(const Handle* parts, int64_t count, int64_t dim, Handle* result) {
    return guarded([&] { *result = wrap(at::stack(sr::tensors(parts, count), dim)); });
}

SR_EXPORT int sr_split(Handle self, int64_t size, int64_t dim, Handle* results, int64_t capacity, int64_t* count) {
    return guarded([&] { hand_out(self->split(size, dim), results, capacity, count); });
}

SR_EXPORT int sr_chunk(Handle self, int64_t chunks, int64_t dim, Handle* results, int64_t capacity, int64_t* count) {
    return guarded([&] { hand_out(self->chunk(chunks, dim), results, capacity, count); });
}
