#include "checks.h"

namespace kernels {
namespace {

constexpr int64_t Block = 16384;
constexpr double OperationsEach = 12; // about as long as so many fused multiply-adds

at::Tensor swiglu_forward(const at::Tensor& gate, const at::Tensor& up) {
    auto y = floats_like(gate);
    parallel_blocks(y.numel(), Block, OperationsEach * y.numel(), [&](int64_t begin, int64_t end) {
        compute().swiglu(read(gate) + begin, read(up) + begin, write(y) + begin, end - begin);
    });
    return y;
}

class SwiGluFunction : public torch::autograd::Function<SwiGluFunction> {
public:
    static at::Tensor forward(AutogradContext* context, const at::Tensor& gate, const at::Tensor& up) {
        context->save_for_backward({gate, up});
        return rounded(swiglu_forward(widened(gate), widened(up)), gate);
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const auto gate = widened(saved[0]), up = widened(saved[1]);
        const auto dy = widened(gradients[0].contiguous());
        auto dgate = floats_like(gate), dup = floats_like(up);
        parallel_blocks(gate.numel(), Block, 2 * OperationsEach * gate.numel(), [&](int64_t begin, int64_t end) {
            compute().swiglu_backward(read(gate) + begin, read(up) + begin, read(dy) + begin, write(dgate) + begin, write(dup) + begin, end - begin);
        });
        return {rounded(dgate, saved[0]), rounded(dup, saved[1])};
    }
};

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) {
    check_operand(gate, "SwiGlu: gate", -1);
    check_dense(up, "SwiGlu: up", gate.scalar_type(), -1);
    check_shape(up, "SwiGlu: up", gate.sizes());
    const auto dense_gate = gate.contiguous(), dense_up = up.contiguous();
    return recording(gate, up) ? SwiGluFunction::apply(dense_gate, dense_up) : rounded(swiglu_forward(widened(dense_gate), widened(dense_up)), gate);
}

} // namespace
} // namespace kernels

SR_EXPORT int sr_kernel_swiglu(Handle gate, Handle up, Handle* result) {
    return guarded([&] { *result = wrap(kernels::swiglu(*gate, *up)); });
}
