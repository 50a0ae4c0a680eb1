#include "checks.h"

namespace kernels {
namespace {

constexpr int64_t Ignored = -100;
constexpr int64_t Block = 32;

at::Tensor log_probs_forward(const at::Tensor& logits, const at::Tensor& targets, at::Tensor* lse) {
    const int64_t rows = logits.size(0), size = logits.size(1);
    auto out = at::empty({rows}, logits.options().requires_grad(false));
    if (lse != nullptr)
        *lse = floats_like(out);
    float* normalisers = lse != nullptr ? write(*lse) : nullptr;
    parallel_blocks(rows, Block, 12.0 * rows * size, [&](int64_t begin, int64_t end) {
        compute().log_probs(read(logits) + begin * size, targets.data_ptr<int64_t>() + begin, write(out) + begin,
            normalisers != nullptr ? normalisers + begin : nullptr, end - begin, size);
    });
    return out;
}

class LogProbsFunction : public torch::autograd::Function<LogProbsFunction> {
public:
    static at::Tensor forward(AutogradContext* context, const at::Tensor& logits, const at::Tensor& targets) {
        at::Tensor lse;
        auto out = log_probs_forward(logits, targets, &lse);
        context->save_for_backward({logits, targets, lse});
        return out;
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const auto &logits = saved[0], &targets = saved[1], &lse = saved[2];
        const auto dout = gradients[0].contiguous();
        const int64_t size = logits.size(1);
        auto dlogits = floats_like(logits);
        parallel_blocks(logits.size(0), Block, 12.0 * logits.numel(), [&](int64_t begin, int64_t end) {
            compute().log_probs_backward(read(logits) + begin * size, targets.data_ptr<int64_t>() + begin, read(lse) + begin,
                read(dout) + begin, write(dlogits) + begin * size, end - begin, size);
        });
        return {dlogits, at::Tensor()};
    }
};

at::Tensor log_probs(const at::Tensor& logits, const at::Tensor& targets) {
    check_floats(logits, "LogProbs: logits", 2);
    const auto dense_targets = integers(targets, "LogProbs: targets", logits.size(0));
    check_range(dense_targets, "LogProbs: targets", 0, logits.size(1), Ignored);
    const auto dense_logits = logits.contiguous();
    return recording(logits) ? LogProbsFunction::apply(dense_logits, dense_targets) : log_probs_forward(dense_logits, dense_targets, nullptr);
}

} // namespace
} // namespace kernels

SR_EXPORT int sr_kernel_log_probs(Handle logits, Handle targets, Handle* result) {
    return guarded([&] { *result = wrap(kernels::log_probs(*logits, *targets)); });
}
