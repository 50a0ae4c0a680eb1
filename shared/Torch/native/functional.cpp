// torch.nn.functional.
#include "abi.h"

#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/log_sigmoid.h>
#include <ATen/ops/silu.h>
#include <torch/csrc/api/include/torch/version.h>

#if TORCH_VERSION_MAJOR >= 2
#include <ATen/ops/scaled_dot_product_attention.h>
#define SR_ATTEND(mask) at::scaled_dot_product_attention(*query, *key, *value, mask, dropout, causal)
#else
#include <ATen/ops/_scaled_dot_product_attention.h>
#define SR_ATTEND(mask) \
    std::get<0>(at::_scaled_dot_product_attention(*query, *key, *value, mask, dropout, /*need_attn_weights=*/false, causal))
#endif

SR_EXPORT int sr_linear(Handle input, Handle weight, Handle bias, Handle* result) {
    return guarded([&] { *result = wrap(at::linear(*input, *weight, sr::optional(bias))); });
}

SR_EXPORT int sr_silu(Handle input, bool in_place, Handle* result) {
    return guarded([&] { *result = wrap(in_place ? at::silu_(*input) : at::silu(*input)); });
}

SR_EXPORT int sr_logsigmoid(Handle input, Handle* result) {
    return guarded([&] { *result = wrap(at::log_sigmoid(*input)); });
}

SR_EXPORT int sr_dropout(Handle input, double p, bool training, bool in_place, Handle* result) {
    return guarded([&] { *result = wrap(in_place ? at::dropout_(*input, p, training) : at::dropout(*input, p, training)); });
}

SR_EXPORT int sr_softmax(Handle self, int64_t dim, int32_t type, Handle* result) {
    return guarded([&] { *result = wrap(self->softmax(dim, sr::type_or_none(type))); });
}

SR_EXPORT int sr_log_softmax(Handle self, int64_t dim, int32_t type, Handle* result) {
    return guarded([&] { *result = wrap(self->log_softmax(dim, sr::type_or_none(type))); });
}

SR_EXPORT int sr_cross_entropy(
    Handle input, Handle target, Handle weight, int64_t ignore_index, int64_t reduction, double label_smoothing, Handle* result) {
    return guarded([&] {
        *result = wrap(at::cross_entropy_loss(*input, *target, sr::optional(weight), reduction, ignore_index, label_smoothing));
    });
}

SR_EXPORT int sr_scaled_dot_product_attention(
    Handle query, Handle key, Handle value, Handle mask, double dropout, bool causal, Handle* result) {
    return guarded([&] { *result = wrap(mask == nullptr ? SR_ATTEND({}) : SR_ATTEND(*mask)); });
}
