// The C ABI between the managed face and libtorch.
//
// A handle is an at::Tensor* made by sr::wrap and freed by sr_free, once. Every export has the form
//
//     SR_EXPORT int sr_add(Handle left, Handle right, Handle* result) {
//         return guarded([&] { *result = wrap(left->add(*right)); });
//     }
//
// and returns 0, or 1 with a sentence for sr_last_error. No C++ exception ever leaves the library.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarTypeToTypeMeta.h>
#include <cstdint>
#include <exception>

#define SR_EXPORT extern "C" __attribute__((visibility("default")))

namespace sr {

using Handle = at::Tensor*;

// Keeps the message of the exception being handled for sr_last_error, without its C++ backtrace.
void remember(const c10::Error& error) noexcept;
void remember(const char* message) noexcept;

// Moves a tensor to the heap and counts it, with the bytes of its storage, among the living.
Handle wrap(at::Tensor tensor);

// An operand that may be left out: a null handle is an undefined tensor.
inline at::Tensor optional(Handle handle) { return handle == nullptr ? at::Tensor() : *handle; }

inline at::IntArrayRef sizes(const int64_t* values, int64_t count) { return {values, static_cast<size_t>(count)}; }

inline std::vector<at::Tensor> tensors(const Handle* handles, int64_t count) {
    std::vector<at::Tensor> result;
    result.reserve(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) result.push_back(*handles[i]);
    return result;
}

// A number whose kind decides the type that an operation promotes to.
struct Scalar {
    double real;
    int64_t integer;  // or bool
    int32_t kind;     // 0 real, 1 integer, 2 bool

    operator at::Scalar() const {
        if (kind == 0) return real;
        if (kind == 1) return integer;
        return integer != 0;
    }
};

// Scalar types and device types have libtorch's own numbers; -1 leaves one out.
struct Options {
    int32_t type;
    int32_t device_type;
    int32_t device_index;
    int32_t requires_grad;
};

inline at::Device device(int32_t type, int32_t index) {
    return {static_cast<at::DeviceType>(type), static_cast<at::DeviceIndex>(index)};
}

inline at::TensorOptions options(const Options& wanted) {
    at::TensorOptions result;
    if (wanted.type >= 0) result = result.dtype(static_cast<at::ScalarType>(wanted.type));
    if (wanted.device_type >= 0) result = result.device(device(wanted.device_type, wanted.device_index));
    return result;
}

// The optional type that an operation takes; -1 is none.
inline auto type_or_none(int32_t type) {
    at::TensorOptions wanted;
    if (type >= 0) wanted = wanted.dtype(static_cast<at::ScalarType>(type));
    return c10::optTypeMetaToScalarType(wanted.dtype_opt());
}

template <typename Body>
int guarded(Body&& body) noexcept {
    try {
        body();
        return 0;
    } catch (const c10::Error& error) {
        remember(error);
    } catch (const std::exception& error) {
        remember(error.what());
    } catch (...) {
        remember("libtorch threw something that is not an exception");
    }
    return 1;
}

}  // namespace sr

using sr::guarded;
using sr::Handle;
using sr::Options;
using sr::Scalar;
using sr::wrap;
