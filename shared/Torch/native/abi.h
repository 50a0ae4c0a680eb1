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
using sr::wrap;
