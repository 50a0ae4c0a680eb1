// Gradients, and when none are wanted; copies to other types and devices.
#include "abi.h"

#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>

SR_EXPORT int32_t sr_requires_grad(Handle self) { return self->requires_grad(); }

SR_EXPORT int sr_set_requires_grad(Handle self, bool requires_grad) {
    return guarded([&] { self->requires_grad_(requires_grad); });
}

// A null result: there is no gradient yet.
SR_EXPORT int sr_grad(Handle self, Handle* result) {
    return guarded([&] {
        const auto& grad = self->grad();
        *result = grad.defined() ? wrap(grad) : nullptr;
    });
}

SR_EXPORT int sr_set_grad(Handle self, Handle grad) {
    return guarded([&] { self->mutable_grad() = sr::optional(grad); });
}

SR_EXPORT int sr_backward(Handle self) {
    return guarded([&] { self->backward(); });
}

SR_EXPORT int sr_detach(Handle self, Handle* result) {
    return guarded([&] { *result = wrap(self->detach()); });
}

SR_EXPORT int sr_clone(Handle self, Handle* result) {
    return guarded([&] { *result = wrap(self->clone()); });
}

SR_EXPORT int sr_to(Handle self, Options wanted, bool copy, Handle* result) {
    return guarded([&] { *result = wrap(self->to(sr::options(wanted), /*non_blocking=*/false, copy)); });
}

// Both modes belong to the calling thread.
SR_EXPORT int32_t sr_grad_mode() { return c10::GradMode::is_enabled(); }

SR_EXPORT void sr_set_grad_mode(bool enabled) { c10::GradMode::set_enabled(enabled); }

SR_EXPORT int sr_enter_inference_mode(bool enabled, c10::InferenceMode** guard) {
    return guarded([&] { *guard = new c10::InferenceMode(enabled); });
}

SR_EXPORT void sr_leave_inference_mode(c10::InferenceMode* guard) { delete guard; }
