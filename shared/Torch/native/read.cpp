// What a tensor is, and its values.
#include "abi.h"

#include <ATen/ops/from_blob.h>
#include <cstring>

namespace {

// `count` elements from flat index `start`, in row-major order, wherever the tensor lies.
at::Tensor slice(const at::Tensor& tensor, int64_t start, int64_t count) {
    return tensor.detach().reshape({-1}).narrow(0, start, count);
}

}  // namespace

SR_EXPORT int64_t sr_dim(Handle self) { return self->dim(); }
SR_EXPORT int64_t sr_numel(Handle self) { return self->numel(); }
SR_EXPORT int32_t sr_type(Handle self) { return static_cast<int32_t>(self->scalar_type()); }
SR_EXPORT int64_t sr_element_size(Handle self) { return self->element_size(); }
SR_EXPORT int32_t sr_device_type(Handle self) { return static_cast<int32_t>(self->device().type()); }
SR_EXPORT int32_t sr_device_index(Handle self) { return self->device().index(); }
SR_EXPORT int32_t sr_is_contiguous(Handle self) { return self->is_contiguous(); }

SR_EXPORT void sr_shape(Handle self, int64_t* shape) {
    const auto sizes = self->sizes();
    std::memcpy(shape, sizes.data(), sizes.size() * sizeof(int64_t));
}

SR_EXPORT int sr_size(Handle self, int64_t dim, int64_t* size) {
    return guarded([&] { *size = self->size(dim); });
}

SR_EXPORT int sr_data(Handle self, void** data) {
    return guarded([&] { *data = self->data_ptr(); });
}

SR_EXPORT int sr_read(Handle self, int64_t start, int64_t count, void* values) {
    return guarded([&] {
        const auto source = self->is_contiguous() && self->is_cpu() ? *self : slice(*self, start, count).cpu().contiguous();
        const auto skipped = source.is_same(*self) ? start : 0;
        const auto size = static_cast<int64_t>(self->element_size());
        std::memcpy(values, static_cast<const char*>(source.data_ptr()) + skipped * size, static_cast<size_t>(count * size));
    });
}

SR_EXPORT int sr_write(Handle self, int64_t start, int64_t count, const void* values) {
    return guarded([&] {
        if (self->is_contiguous()) {
            const auto source = at::from_blob(const_cast<void*>(values), {count}, at::TensorOptions(self->scalar_type()));
            slice(*self, start, count).copy_(source);
        } else {
            // A strided tensor cannot be seen flat: write a dense copy, and copy that back.
            auto dense = self->detach().contiguous();
            const auto source = at::from_blob(const_cast<void*>(values), {count}, at::TensorOptions(self->scalar_type()));
            slice(dense, start, count).copy_(source);
            self->detach().copy_(dense);
        }
    });
}
