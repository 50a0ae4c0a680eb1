// Arguments are checked before any memory is touched: subject, expected, actual.
#pragma once

#include "../abi.h"
#include "compute.h"
#include "parallel.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

namespace kernels {

inline void check_dense(const at::Tensor& tensor, const char* name, at::ScalarType dtype, int64_t dimensions) {
    TORCH_CHECK(tensor.defined(), name, " is missing");
    TORCH_CHECK(tensor.device().is_cpu(), name, " is on ", tensor.device(), ", expected cpu");
    TORCH_CHECK(tensor.scalar_type() == dtype, name, " has type ", tensor.scalar_type(), ", expected ", dtype);
    TORCH_CHECK(dimensions < 0 || tensor.dim() == dimensions, name, " has shape ", tensor.sizes(), ", expected ", dimensions, " dimensions");
}

inline void check_floats(const at::Tensor& tensor, const char* name, int64_t dimensions) { check_dense(tensor, name, at::kFloat, dimensions); }

// What may be computed in bfloat16, too.
inline void check_operand(const at::Tensor& tensor, const char* name, int64_t dimensions) {
    check_dense(tensor, name, tensor.defined() && tensor.scalar_type() == at::kBFloat16 ? at::kBFloat16 : at::kFloat, dimensions);
}

// A parameter beside x: float, or bfloat16 as x is.
inline void check_parameter(const at::Tensor& tensor, const char* name, int64_t dimensions, const at::Tensor& x) {
    check_dense(tensor, name, tensor.defined() && tensor.scalar_type() == x.scalar_type() ? x.scalar_type() : at::kFloat, dimensions);
}

inline void check_shape(const at::Tensor& tensor, const char* name, at::IntArrayRef expected) {
    TORCH_CHECK(tensor.sizes() == expected, name, " has shape ", tensor.sizes(), ", expected ", expected);
}

// A tensor that a kernel writes into in place.
inline void check_in_place(const at::Tensor& tensor, const char* name) {
    TORCH_CHECK(tensor.is_contiguous(), name, " has strides ", tensor.strides(), ", expected a contiguous tensor to write into");
}

// Values of an int64 vector, all in [low, high) or equal to `also`.
inline void check_range(const at::Tensor& values, const char* name, int64_t low, int64_t high, int64_t also) {
    const int64_t* data = values.data_ptr<int64_t>();
    for (int64_t i = 0; i < values.numel(); ++i)
        TORCH_CHECK((data[i] >= low && data[i] < high) || data[i] == also, name, "[", i, "] is ", data[i], ", expected ", low, " to ", high - 1);
}

inline void check_range(const at::Tensor& values, const char* name, int64_t low, int64_t high) { check_range(values, name, low, high, low); }

inline at::Tensor integers(const at::Tensor& values, const char* name, int64_t length) {
    check_dense(values, name, at::kLong, 1);
    TORCH_CHECK(length < 0 || values.size(0) == length, name, " has length ", values.size(0), ", expected ", length);
    return values.contiguous();
}

inline at::Tensor floats_like(const at::Tensor& tensor) { return at::empty(tensor.sizes(), tensor.options().requires_grad(false)); }

inline const float* read(const at::Tensor& tensor) { return tensor.data_ptr<float>(); }
inline float* write(const at::Tensor& tensor) { return tensor.data_ptr<float>(); }

// Bfloat16 operands are widened, which is exact, the arithmetic is that of floats, and its result is rounded once. What a graph keeps is not widened.
inline at::Tensor widened(const at::Tensor& tensor) { return tensor.scalar_type() == at::kFloat ? tensor : tensor.to(at::kFloat); }

inline at::Tensor rounded(const at::Tensor& tensor, const at::Tensor& as) { return tensor.scalar_type() == as.scalar_type() ? tensor : tensor.to(as.scalar_type()); }

// A parameter as x's arithmetic sees it: where x is bfloat16, float weights count as the nearest bfloat16.
inline at::Tensor parameter(const at::Tensor& weight, const at::Tensor& x) { return widened(rounded(weight, x)); }

// Is a graph being recorded, and is one of these in it? If not, a kernel runs its forward plainly and keeps nothing.
template <typename... Tensors>
bool recording(const Tensors&... tensors) {
    return at::GradMode::is_enabled() && ((tensors.defined() && tensors.requires_grad()) || ...);
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Rows summed in blocks of this size, then the blocks in order.
constexpr int64_t SumBlock = 256;

inline at::Tensor sum_rows(const at::Tensor& x) {
    const int64_t rows = x.size(0), columns = x.size(1);
    if (rows <= SumBlock) {
        auto out = at::empty({columns}, x.options().requires_grad(false));
        compute().column_sums(read(x), rows, columns, write(out));
        return out;
    }
    auto partial = at::empty({(rows + SumBlock - 1) / SumBlock, columns}, x.options().requires_grad(false));
    parallel_blocks(rows, SumBlock, static_cast<double>(rows) * columns, [&](int64_t begin, int64_t end) {
        compute().column_sums(read(x) + begin * columns, end - begin, columns, write(partial) + begin / SumBlock * columns);
    });
    return sum_rows(partial);
}

} // namespace kernels
