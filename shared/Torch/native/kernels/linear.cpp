// y = x W^T + b, its gradients dx = dy W, dW = dy^T x, db = sum of dy.
#include "checks.h"

namespace kernels {
namespace {

// The length of each part, in whole register tiles.
int64_t share(int64_t length, int64_t parts, int64_t tile) { return ((length + parts - 1) / parts + tile - 1) / tile * tile; }

// What one part of a product takes, in multiply-adds for each term: packing an element takes as long as some fifty of them (measured), and B is packed anew for
// every block of rows.
double cost(int64_t rows, int64_t columns, const Matrix& b) {
    constexpr double Packing = 50;
    constexpr int64_t RowBlock = 192; // gemm.h
    const int64_t packed = are_few(rows, b) ? 0 : columns * ((rows + RowBlock - 1) / RowBlock);
    return static_cast<double>(rows) * columns + Packing * (rows + packed);
}

// How a product is cut: along its rows or its columns, into parts of `size`.
struct Cut {
    bool by_rows;
    int64_t size;
};

// The cut that takes the least time if each thread takes its share. More parts even out the load where other programs hold a core, as long as they cost little more.
Cut best_cut(int64_t rows, int64_t columns, double operations, const Matrix& b) {
    constexpr double WorthAPart = 4e6, WorthBalance = 1.1;
    const int64_t threads = threads_for(operations);
    Cut best{true, rows};
    double least = cost(rows, columns, b) * threads; // nobody else helps
    for (int64_t turns = 1; threads > 1 && turns <= 4 && (turns == 1 || operations >= WorthAPart * threads * turns); turns *= 2)
        for (const bool by_rows : {false, true}) {
            const int64_t length = by_rows ? rows : columns, size = share(length, threads * turns, by_rows ? 8 : 32);
            const int64_t parts = (length + size - 1) / size, each = (parts + threads - 1) / threads;
            const double total = static_cast<double>(threads * each) * (by_rows ? cost(size, columns, b) : cost(rows, size, b));
            const double counted = total * (turns == 1 ? WorthBalance * WorthBalance : turns == 2 ? WorthBalance : 1);
            if (counted < least) {
                least = counted;
                best = {by_rows, size};
            }
        }
    return best;
}

// C = A B
void parallel_product(const Matrix& a, const Matrix& b, float* c, int64_t rows, int64_t columns, int64_t depth) {
    const double operations = 2.0 * rows * columns * depth;
    const Cut cut = best_cut(rows, columns, operations, b);
    if (cut.by_rows)
        parallel_blocks(rows, cut.size, operations, [&](int64_t begin, int64_t end) {
            compute().product({a.data + begin * a.row_stride, a.row_stride, a.column_stride}, b, c + begin * columns, columns, end - begin,
                columns, depth, false);
        });
    else
        parallel_blocks(columns, cut.size, operations, [&](int64_t begin, int64_t end) {
            compute().product(a, {b.data + begin * b.column_stride, b.row_stride, b.column_stride}, c + begin, columns, rows, end - begin,
                depth, false);
        });
}

at::Tensor multiply(const Matrix& a, const Matrix& b, int64_t rows, int64_t columns, int64_t depth, const at::TensorOptions& options) {
    auto out = at::empty({rows, columns}, options.requires_grad(false));
    if (depth == 0)
        out.zero_();
    else if (out.numel() > 0)
        parallel_product(a, b, write(out), rows, columns, depth);
    return out;
}

at::Tensor linear_forward(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
    const int64_t rows = x.size(0), in = x.size(1), out = weight.size(0);
    auto y = multiply({read(x), in, 1}, {read(weight), 1, in}, rows, out, in, x.options());
    if (bias.defined()) {
        const float* from = read(bias);
        float* to = write(y);
        parallel_blocks(rows, SumBlock, static_cast<double>(rows) * out, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i)
                for (int64_t j = 0; j < out; ++j)
                    to[i * out + j] += from[j];
        });
    }
    return y;
}

class LinearFunction : public torch::autograd::Function<LinearFunction> {
public:
    // An undefined tensor has no place among autograd's inputs; an empty optional has.
    static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, const c10::optional<at::Tensor>& bias) {
        context->save_for_backward({x, weight});
        context->saved_data["has_bias"] = bias.has_value();
        return linear_forward(x, weight, bias.value_or(at::Tensor()));
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const auto &x = saved[0], &weight = saved[1];
        const auto dy = gradients[0].contiguous();
        const int64_t rows = x.size(0), in = x.size(1), out = weight.size(0);
        at::Tensor dx, dweight, dbias;
        if (context->needs_input_grad(0))
            dx = multiply({read(dy), out, 1}, {read(weight), in, 1}, rows, in, out, x.options());
        if (context->needs_input_grad(1))
            dweight = multiply({read(dy), 1, out}, {read(x), in, 1}, out, in, rows, x.options());
        if (context->saved_data["has_bias"].toBool() && context->needs_input_grad(2))
            dbias = sum_rows(dy);
        return {dx, dweight, dbias};
    }
};

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
    check_floats(x, "Linear: x", 2);
    check_floats(weight, "Linear: weight", 2);
    TORCH_CHECK(x.size(1) == weight.size(1), "Linear: weight has shape ", weight.sizes(), ", expected [*, ", x.size(1), "] for x of shape ", x.sizes());
    if (bias.defined()) {
        check_floats(bias, "Linear: bias", 1);
        check_shape(bias, "Linear: bias", {weight.size(0)});
    }
    const auto dense_x = x.contiguous(), dense_weight = weight.contiguous(), dense_bias = bias.defined() ? bias.contiguous() : bias;
    if (recording(x, weight, bias))
        return LinearFunction::apply(dense_x, dense_weight, bias.defined() ? c10::optional<at::Tensor>(dense_bias) : c10::nullopt);
    return linear_forward(dense_x, dense_weight, dense_bias);
}

} // namespace
} // namespace kernels

SR_EXPORT int sr_kernel_linear(Handle x, Handle weight, Handle bias, Handle* result) {
    return guarded([&] { *result = wrap(kernels::linear(*x, *weight, sr::optional(bias))); });
}
