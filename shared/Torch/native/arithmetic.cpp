// Elementwise arithmetic, products, sums and maxima.
#include "abi.h"

#define SR_UNARY(name) \
    SR_EXPORT int sr_##name(Handle self, Handle* result) { \
        return guarded([&] { *result = wrap(self->name()); }); \
    }

#define SR_BINARY(name) \
    SR_EXPORT int sr_##name(Handle self, Handle other, Handle* result) { \
        return guarded([&] { *result = wrap(self->name(*other)); }); \
    } \
    SR_EXPORT int sr_##name##_scalar(Handle self, Scalar other, Handle* result) { \
        return guarded([&] { *result = wrap(self->name(static_cast<at::Scalar>(other))); }); \
    }

#define SR_IN_PLACE(name) \
    SR_EXPORT int sr_##name(Handle self, Handle other) { \
        return guarded([&] { self->name(*other); }); \
    } \
    SR_EXPORT int sr_##name##_scalar(Handle self, Scalar other) { \
        return guarded([&] { self->name(static_cast<at::Scalar>(other)); }); \
    }

SR_UNARY(neg)
SR_UNARY(abs)
SR_UNARY(exp)
SR_UNARY(log)
SR_UNARY(sqrt)
SR_UNARY(rsqrt)
SR_UNARY(cos)
SR_UNARY(sin)
SR_UNARY(sigmoid)
SR_UNARY(reciprocal)

SR_BINARY(add)
SR_BINARY(sub)
SR_BINARY(mul)
SR_BINARY(div)
SR_BINARY(eq)
SR_BINARY(ne)
SR_BINARY(lt)
SR_BINARY(gt)
SR_BINARY(le)
SR_BINARY(ge)

SR_IN_PLACE(add_)
SR_IN_PLACE(sub_)
SR_IN_PLACE(mul_)
SR_IN_PLACE(div_)

SR_EXPORT int sr_pow(Handle self, Scalar exponent, Handle* result) {
    return guarded([&] { *result = wrap(self->pow(static_cast<at::Scalar>(exponent))); });
}

SR_EXPORT int sr_matmul(Handle self, Handle other, Handle* result) {
    return guarded([&] { *result = wrap(self->matmul(*other)); });
}

SR_EXPORT int sr_copy_(Handle self, Handle source) {
    return guarded([&] { self->copy_(*source); });
}

SR_EXPORT int sr_zero_(Handle self) {
    return guarded([&] { self->zero_(); });
}

SR_EXPORT int sr_fill_(Handle self, Scalar value) {
    return guarded([&] { self->fill_(static_cast<at::Scalar>(value)); });
}

SR_EXPORT int sr_sum(Handle self, int32_t type, Handle* result) {
    return guarded([&] { *result = wrap(self->sum(sr::type_or_none(type))); });
}

SR_EXPORT int sr_sum_dims(Handle self, const int64_t* dims, int64_t count, bool keepdim, int32_t type, Handle* result) {
    return guarded([&] { *result = wrap(self->sum(sr::sizes(dims, count), keepdim, sr::type_or_none(type))); });
}

SR_EXPORT int sr_mean(Handle self, Handle* result) {
    return guarded([&] { *result = wrap(self->mean()); });
}

SR_EXPORT int sr_mean_dims(Handle self, const int64_t* dims, int64_t count, bool keepdim, int32_t type, Handle* result) {
    return guarded([&] { *result = wrap(self->mean(sr::sizes(dims, count), keepdim, sr::type_or_none(type))); });
}

SR_EXPORT int sr_max(Handle self, Handle* result) {
    return guarded([&] { *result = wrap(self->max()); });
}

SR_EXPORT int sr_argmax(Handle self, int64_t dim, bool keepdim, Handle* result) {
    return guarded([&] { *result = wrap(self->argmax(dim, keepdim)); });
}

SR_EXPORT int sr_cumsum(Handle self, int64_t dim, int32_t type, Handle* result) {
    return guarded([&] { *result = wrap(self->cumsum(dim, sr::type_or_none(type))); });
}
