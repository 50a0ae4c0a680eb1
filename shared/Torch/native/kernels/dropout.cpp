#include "checks.h"

#include <cmath>

namespace kernels {
namespace {

struct Mask {
    double p;
    uint64_t key, counter;
};

at::Tensor drop(const at::Tensor& x, const Mask& mask) {
    auto y = floats_like(x);
    const auto threshold = static_cast<uint32_t>(std::min(mask.p * 4294967296.0, 4294967295.0));
    const auto scale = static_cast<float>(1 / (1 - mask.p));
    constexpr int64_t Block = 16384; // a multiple of 64
    parallel_tasks((x.numel() + Block - 1) / Block, 8.0 * x.numel(), [&](int64_t task) {
        compute().dropout(read(x), write(y), task * Block, std::min(x.numel(), (task + 1) * Block), threshold, scale, mask.key, mask.counter);
    });
    return y;
}

class DropoutFunction : public torch::autograd::Function<DropoutFunction> {
public:
    static at::Tensor forward(AutogradContext* context, const at::Tensor& x, double p, int64_t key, int64_t counter) {
        context->saved_data["p"] = p;
        context->saved_data["key"] = key;
        context->saved_data["counter"] = counter;
        return rounded(drop(widened(x), {p, static_cast<uint64_t>(key), static_cast<uint64_t>(counter)}), x);
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const Mask mask{context->saved_data["p"].toDouble(), static_cast<uint64_t>(context->saved_data["key"].toInt()),
            static_cast<uint64_t>(context->saved_data["counter"].toInt())};
        return {rounded(drop(widened(gradients[0].contiguous()), mask), gradients[0]), at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

at::Tensor dropout(const at::Tensor& x, double p, uint64_t key, uint64_t counter) {
    check_operand(x, "Dropout: x", -1);
    TORCH_CHECK(p >= 0 && p < 1, "Dropout: p is ", p, ", expected at least 0 and below 1");
    const auto dense = x.contiguous();
    return recording(x) ? DropoutFunction::apply(dense, p, static_cast<int64_t>(key), static_cast<int64_t>(counter))
                        : rounded(drop(widened(dense), {p, key, counter}), x);
}

} // namespace
} // namespace kernels

SR_EXPORT int sr_kernel_dropout(Handle x, double p, uint64_t key, uint64_t counter, Handle* result) {
    return guarded([&] { *result = wrap(kernels::dropout(*x, p, key, counter)); });
}
