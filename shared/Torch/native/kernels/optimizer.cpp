#include "checks.h"

#include <cmath>
#include <vector>

namespace kernels {
namespace {

void written(const at::Tensor& tensor) {
    if (!tensor.is_inference())
        tensor.unsafeGetTensorImpl()->bump_version();
}

void adamw(at::Tensor& param, const at::Tensor& grad, at::Tensor& exp_avg, at::Tensor& exp_avg_sq, int64_t number, double lr, double beta1,
    double beta2, double eps, double weight_decay, double grad_scale) {
    check_floats(param, "AdamW: param", -1);
    check_in_place(param, "AdamW: param");
    check_floats(grad, "AdamW: grad", -1);
    check_shape(grad, "AdamW: grad", param.sizes());
    check_floats(exp_avg, "AdamW: expAvg", -1);
    check_shape(exp_avg, "AdamW: expAvg", param.sizes());
    check_in_place(exp_avg, "AdamW: expAvg");
    check_floats(exp_avg_sq, "AdamW: expAvgSq", -1);
    check_shape(exp_avg_sq, "AdamW: expAvgSq", param.sizes());
    check_in_place(exp_avg_sq, "AdamW: expAvgSq");
    TORCH_CHECK(number >= 1, "AdamW: step is ", number, ", expected 1 or more");
    const AdamWStep step{static_cast<float>(grad_scale), static_cast<float>(1 - lr * weight_decay), static_cast<float>(beta1),
        static_cast<float>(1 - beta1), static_cast<float>(beta2), static_cast<float>(1 - beta2),
        static_cast<float>(lr / (1 - std::pow(beta1, number))), static_cast<float>(std::sqrt(1 - std::pow(beta2, number))), static_cast<float>(eps)};
    const auto dense_grad = grad.contiguous();
    parallel_blocks(param.numel(), 16384, 12.0 * param.numel(), [&](int64_t begin, int64_t end) {
        compute().adamw(write(param) + begin, read(dense_grad) + begin, write(exp_avg) + begin, write(exp_avg_sq) + begin, end - begin, step);
    });
    written(param);
    written(exp_avg);
    written(exp_avg_sq);
}

double squared_norm(const at::Tensor& x) {
    check_floats(x, "SquaredNorm: x", -1);
    const auto dense = x.contiguous();
    constexpr int64_t Block = 8192;
    std::vector<double> partial((dense.numel() + Block - 1) / Block);
    parallel_blocks(dense.numel(), Block, 2.0 * dense.numel(), [&](int64_t begin, int64_t end) {
        partial[begin / Block] = compute().squared_norm(read(dense) + begin, end - begin);
    });
    double total = 0;
    for (const double part : partial)
        total += part;
    return total;
}

} // namespace
} // namespace kernels

SR_EXPORT int sr_kernel_adamw(Handle param, Handle grad, Handle exp_avg, Handle exp_avg_sq, int64_t step, double lr, double beta1, double beta2,
    double eps, double weight_decay, double grad_scale) {
    return guarded([&] { kernels::adamw(*param, *grad, *exp_avg, *exp_avg_sq, step, lr, beta1, beta2, eps, weight_decay, grad_scale); });
}

SR_EXPORT int sr_kernel_squared_norm(Handle x, double* result) {
    return guarded([&] { *result = kernels::squared_norm(*x); });
}
