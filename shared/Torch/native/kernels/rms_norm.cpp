#include "checks.h"

namespace kernels {
namespace {

at::Tensor rms_norm_forward(const at::Tensor& x, const at::Tensor& weight, double eps, at::Tensor* rstd) {
    const int64_t rows = x.size(0), size = x.size(1);
    auto y = floats_like(x);
    if (rstd != nullptr)
        *rstd = at::empty({rows}, x.options().requires_grad(false));
    float* scales = rstd != nullptr ? write(*rstd) : nullptr;
    parallel_blocks(rows, 64, 4.0 * rows * size, [&](int64_t begin, int64_t end) {
        compute().rms_norm(read(x) + begin * size, read(weight), static_cast<float>(eps), write(y) + begin * size,
            scales != nullptr ? scales + begin : nullptr, end - begin, size);
    });
    return y;
}

class RmsNormFunction : public torch::autograd::Function<RmsNormFunction> {
public:
    static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, double eps) {
        at::Tensor rstd;
        auto y = rms_norm_forward(widened(x), parameter(weight, x), eps, &rstd);
        context->save_for_backward({x, weight, rstd});
        return rounded(y, x);
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const auto x = widened(saved[0]), weight = parameter(saved[1], saved[0]), rstd = saved[2];
        const auto dy = widened(gradients[0].contiguous());
        const int64_t rows = x.size(0), size = x.size(1);
        auto dx = floats_like(x);
        auto partial = at::empty({(rows + SumBlock - 1) / SumBlock, size}, x.options().requires_grad(false));
        parallel_blocks(rows, SumBlock, 12.0 * rows * size, [&](int64_t begin, int64_t end) {
            compute().rms_norm_backward(read(x) + begin * size, read(weight), read(rstd) + begin, read(dy) + begin * size,
                write(dx) + begin * size, write(partial) + begin / SumBlock * size, end - begin, size);
        });
        return {rounded(dx, saved[0]), rounded(sum_rows(partial), saved[1]), at::Tensor()};
    }
};

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
    check_operand(x, "RmsNorm: x", 2);
    check_parameter(weight, "RmsNorm: weight", 1, x);
    check_shape(weight, "RmsNorm: weight", {x.size(1)});
    const auto dense_x = x.contiguous(), dense_weight = weight.contiguous();
    return recording(x, weight) ? RmsNormFunction::apply(dense_x, dense_weight, eps)
                                : rounded(rms_norm_forward(widened(dense_x), parameter(dense_weight, x), eps, nullptr), x);
}

} // namespace
} // namespace kernels

SR_EXPORT int sr_kernel_rms_norm(Handle x, Handle weight, double eps, Handle* result) {
    return guarded([&] { *result = wrap(kernels::rms_norm(*x, *weight, eps)); });
}
