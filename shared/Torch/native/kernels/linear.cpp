// y = x W^T + b, its gradients dx = dy W, dW = dy^T x, db = sum of dy. Where x is bfloat16, so is W as far as the arithmetic sees it, in whichever type it
// is kept; products and sums are those of floats, and a result is rounded once. dW and db are rounded to the type that W and b are kept in: float masters get
// the gradients whole.
#include "checks.h"

namespace kernels {
namespace {

// The length of each part, in whole register tiles.
int64_t share(int64_t length, int64_t parts, int64_t tile) { return ((length + parts - 1) / parts + tile - 1) / tile * tile; }

// What one part of a product takes, in multiply-adds for each term: packing an element takes as long as some fifty of them (measured), and B is packed anew for
// every block of rows.
template <typename Element>
double cost(int64_t rows, int64_t columns, const MatrixOf<Element>& b) {
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
template <typename Element>
Cut best_cut(int64_t rows, int64_t columns, double operations, const MatrixOf<Element>& b) {
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

auto product_by(const float*) { return compute().product; }
auto product_by(const BFloat16*) { return compute().product_bfloat16; }
auto product_by(const RoundedFloat*) { return compute().product_rounded; }

// C = A B
template <typename Element>
void parallel_product(const Matrix& a, const MatrixOf<Element>& b, float* c, int64_t rows, int64_t columns, int64_t depth) {
    const auto product = product_by(b.data);
    const double operations = 2.0 * rows * columns * depth;
    const Cut cut = best_cut(rows, columns, operations, b);
    if (cut.by_rows)
        parallel_blocks(rows, cut.size, operations, [&](int64_t begin, int64_t end) {
            product({a.data + begin * a.row_stride, a.row_stride, a.column_stride}, b, c + begin * columns, columns, end - begin,
                columns, depth, false);
        });
    else
        parallel_blocks(columns, cut.size, operations, [&](int64_t begin, int64_t end) {
            product(a, {b.data + begin * b.column_stride, b.row_stride, b.column_stride}, c + begin, columns, rows, end - begin,
                depth, false);
        });
}

// All results are floats; whoever wants another type rounds.
template <typename Element>
at::Tensor multiply(const Matrix& a, const MatrixOf<Element>& b, int64_t rows, int64_t columns, int64_t depth) {
    auto out = at::empty({rows, columns}, at::kFloat);
    if (depth == 0)
        out.zero_();
    else if (out.numel() > 0)
        parallel_product(a, b, write(out), rows, columns, depth);
    return out;
}

// A W or A W^T, as x's arithmetic sees W: `rounding` says that float weights count as bfloat16.
at::Tensor multiply_by(const Matrix& a, const at::Tensor& weight, bool transposed, bool rounding, int64_t rows) {
    const int64_t in = weight.size(1), columns = transposed ? weight.size(0) : in, depth = transposed ? in : weight.size(0);
    const int64_t row_stride = transposed ? 1 : in, column_stride = transposed ? in : 1;
    const void* data = weight.data_ptr();
    if (weight.scalar_type() == at::kBFloat16)
        return multiply(a, MatrixOf<BFloat16>{static_cast<const BFloat16*>(data), row_stride, column_stride}, rows, columns, depth);
    if (rounding)
        return multiply(a, MatrixOf<RoundedFloat>{static_cast<const RoundedFloat*>(data), row_stride, column_stride}, rows, columns, depth);
    return multiply(a, Matrix{static_cast<const float*>(data), row_stride, column_stride}, rows, columns, depth);
}

at::Tensor linear_forward(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, bool scores) {
    const int64_t rows = x.size(0), in = x.size(1), out = weight.size(0);
    const auto wide = widened(x);
    auto y = multiply_by({read(wide), in, 1}, weight, true, x.scalar_type() == at::kBFloat16, rows);
    if (bias.defined()) {
        const auto wide_bias = parameter(bias, x);
        const float* from = read(wide_bias);
        float* to = write(y);
        parallel_blocks(rows, SumBlock, static_cast<double>(rows) * out, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i)
                for (int64_t j = 0; j < out; ++j)
                    to[i * out + j] += from[j];
        });
    }
    return scores ? y : rounded(y, x);
}

class LinearFunction : public torch::autograd::Function<LinearFunction> {
public:
    // An undefined tensor has no place among autograd's inputs; an empty optional has.
    static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight, const c10::optional<at::Tensor>& bias, bool scores) {
        context->save_for_backward({x, weight});
        if (bias.has_value())
            context->saved_data["bias_type"] = static_cast<int64_t>(bias->scalar_type());
        return linear_forward(x, weight, bias.value_or(at::Tensor()), scores);
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const auto &x = saved[0], &weight = saved[1];
        const auto dy = widened(gradients[0].contiguous());
        const int64_t rows = x.size(0), in = x.size(1), out = weight.size(0);
        at::Tensor dx, dweight, dbias;
        if (context->needs_input_grad(0))
            dx = rounded(multiply_by({read(dy), out, 1}, weight, false, x.scalar_type() == at::kBFloat16, rows), x);
        if (context->needs_input_grad(1)) {
            const auto wide = widened(x);
            dweight = rounded(multiply({read(dy), 1, out}, Matrix{read(wide), in, 1}, out, in, rows), weight);
        }
        if (context->saved_data.count("bias_type") > 0 && context->needs_input_grad(2))
            dbias = sum_rows(dy).to(static_cast<at::ScalarType>(context->saved_data["bias_type"].toInt()));
        return {dx, dweight, dbias, at::Tensor()};
    }
};

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, bool scores) {
    check_operand(x, "Linear: x", 2);
    check_parameter(weight, "Linear: weight", 2, x);
    TORCH_CHECK(x.size(1) == weight.size(1), "Linear: weight has shape ", weight.sizes(), ", expected [*, ", x.size(1), "] for x of shape ", x.sizes());
    if (bias.defined()) {
        check_parameter(bias, "Linear: bias", 1, x);
        check_shape(bias, "Linear: bias", {weight.size(0)});
    }
    const auto dense_x = x.contiguous(), dense_weight = weight.contiguous(), dense_bias = bias.defined() ? bias.contiguous() : bias;
    if (recording(x, weight, bias))
        return LinearFunction::apply(dense_x, dense_weight, bias.defined() ? c10::optional<at::Tensor>(dense_bias) : c10::nullopt, scores);
    return linear_forward(dense_x, dense_weight, dense_bias, scores);
}

} // namespace
} // namespace kernels

SR_EXPORT int sr_kernel_linear(Handle x, Handle weight, Handle bias, int scores, Handle* result) {
    return guarded([&] { *result = wrap(kernels::linear(*x, *weight, sr::optional(bias), scores != 0)); });
}
