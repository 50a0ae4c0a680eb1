#include "checks.h"

namespace kernels {
namespace {

at::Tensor turn(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin, const at::Tensor& positions, float direction) {
    const int64_t heads = x.size(1), dim = x.size(2);
    auto y = floats_like(x);
    parallel_blocks(x.size(0), 64, 3.0 * x.numel(), [&](int64_t begin, int64_t end) {
        const int64_t skip = begin * heads * dim;
        compute().rotary(read(x) + skip, read(cos), read(sin), positions.data_ptr<int64_t>() + begin, direction, write(y) + skip, end - begin, heads, dim);
    });
    return y;
}

class RotaryFunction : public torch::autograd::Function<RotaryFunction> {
public:
    static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin, const at::Tensor& positions) {
        context->save_for_backward({cos, sin, positions});
        return rounded(turn(widened(x), cos, sin, positions, 1), x);
    }

    // A rotation's transpose turns back.
    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const auto dx = turn(widened(gradients[0].contiguous()), saved[0], saved[1], saved[2], -1);
        return {rounded(dx, gradients[0]), at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

at::Tensor rotary(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin, const at::Tensor& positions) {
    check_operand(x, "Rotary: x", 3);
    TORCH_CHECK(x.size(2) % 2 == 0, "Rotary: x has shape ", x.sizes(), ", expected an even head dimension");
    check_floats(cos, "Rotary: cos", 2);
    check_floats(sin, "Rotary: sin", 2);
    TORCH_CHECK(cos.size(1) == x.size(2) / 2, "Rotary: cos has shape ", cos.sizes(), ", expected [*, ", x.size(2) / 2, "] for x of shape ", x.sizes());
    check_shape(sin, "Rotary: sin", cos.sizes());
    const auto dense_positions = integers(positions, "Rotary: positions", x.size(0));
    if (dense_positions.numel() > 0)
        check_range(dense_positions, "Rotary: positions", 0, cos.size(0));
    const auto dense_x = x.contiguous(), dense_cos = cos.contiguous(), dense_sin = sin.contiguous();
    return recording(x) ? RotaryFunction::apply(dense_x, dense_cos, dense_sin, dense_positions)
                        : rounded(turn(widened(dense_x), dense_cos, dense_sin, dense_positions, 1), x);
}

} // namespace
} // namespace kernels

SR_EXPORT int sr_kernel_rotary(Handle x, Handle cos, Handle sin, Handle positions, Handle* result) {
    return guarded([&] { *result = wrap(kernels::rotary(*x, *cos, *sin, *positions)); });
}
