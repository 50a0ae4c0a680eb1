// New tensors.
#include "abi.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

namespace {

Handle leaf(at::Tensor tensor, const Options& wanted) {
    if (wanted.requires_grad != 0) tensor.set_requires_grad(true);
    return wrap(std::move(tensor));
}

}  // namespace

SR_EXPORT int sr_zeros(const int64_t* shape, int64_t dims, Options wanted, Handle* result) {
    return guarded([&] { *result = leaf(at::zeros(sr::sizes(shape, dims), sr::options(wanted)), wanted); });
}

SR_EXPORT int sr_ones(const int64_t* shape, int64_t dims, Options wanted, Handle* result) {
    return guarded([&] { *result = leaf(at::ones(sr::sizes(shape, dims), sr::options(wanted)), wanted); });
}

SR_EXPORT int sr_empty(const int64_t* shape, int64_t dims, Options wanted, Handle* result) {
    return guarded([&] { *result = leaf(at::empty(sr::sizes(shape, dims), sr::options(wanted)), wanted); });
}

SR_EXPORT int sr_full(const int64_t* shape, int64_t dims, Scalar value, Options wanted, Handle* result) {
    return guarded([&] { *result = leaf(at::full(sr::sizes(shape, dims), value, sr::options(wanted)), wanted); });
}

SR_EXPORT int sr_zeros_like(Handle like, Options wanted, Handle* result) {
    return guarded([&] { *result = leaf(at::zeros_like(*like, sr::options(wanted)), wanted); });
}

SR_EXPORT int sr_empty_like(Handle like, Options wanted, Handle* result) {
    return guarded([&] { *result = leaf(at::empty_like(*like, sr::options(wanted)), wanted); });
}

SR_EXPORT int sr_arange(Scalar start, Scalar stop, Scalar step, Options wanted, Handle* result) {
    return guarded([&] { *result = leaf(at::arange(start, stop, step, sr::options(wanted)), wanted); });
}

SR_EXPORT int sr_randn(const int64_t* shape, int64_t dims, at::Generator* generator, Options wanted, Handle* result) {
    return guarded([&] {
        const auto from = generator == nullptr ? at::Generator() : *generator;
        *result = leaf(at::randn(sr::sizes(shape, dims), from, sr::options(wanted)), wanted);
    });
}

SR_EXPORT int sr_rand(const int64_t* shape, int64_t dims, at::Generator* generator, Options wanted, Handle* result) {
    return guarded([&] {
        const auto from = generator == nullptr ? at::Generator() : *generator;
        *result = leaf(at::rand(sr::sizes(shape, dims), from, sr::options(wanted)), wanted);
    });
}

// Copies contiguous host values of one type into a tensor of the wanted type and device.
SR_EXPORT int sr_from_data(const void* data, int32_t type, const int64_t* shape, int64_t dims, Options wanted, Handle* result) {
    return guarded([&] {
        const auto source = at::from_blob(const_cast<void*>(data), sr::sizes(shape, dims), at::TensorOptions(static_cast<at::ScalarType>(type)));
        if (wanted.type < 0) wanted.type = type;
        *result = leaf(source.to(sr::options(wanted), /*non_blocking=*/false, /*copy=*/true), wanted);
    });
}
