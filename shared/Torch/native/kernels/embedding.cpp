#include "checks.h"

#include <cstring>
#include <vector>

namespace kernels {
namespace {

at::Tensor embedding_forward(const at::Tensor& ids, const at::Tensor& weight) {
    const int64_t rows = ids.size(0), size = weight.size(1);
    auto out = at::empty({rows, size}, weight.options().requires_grad(false));
    const int64_t* id = ids.data_ptr<int64_t>();
    const int64_t bytes = size * static_cast<int64_t>(weight.element_size());
    const auto* from = static_cast<const char*>(weight.data_ptr());
    auto* to = static_cast<char*>(out.data_ptr());
    for (int64_t i = 0; i < rows; ++i)
        std::memcpy(to + i * bytes, from + id[i] * bytes, bytes);
    return out;
}

// Each row of the table adds up its own gradients in the order in which they stand, so no two threads meet.
at::Tensor embedding_backward(const at::Tensor& ids, const at::Tensor& dy, int64_t vocabulary) {
    const int64_t rows = ids.size(0), size = dy.size(1);
    auto dweight = at::zeros({vocabulary, size}, dy.options().requires_grad(false));
    const int64_t* id = ids.data_ptr<int64_t>();
    std::vector<int64_t> ends(vocabulary + 1, 0), order(rows);
    for (int64_t i = 0; i < rows; ++i)
        ++ends[id[i] + 1];
    for (int64_t v = 0; v < vocabulary; ++v)
        ends[v + 1] += ends[v];
    const std::vector<int64_t> starts(ends.begin(), ends.end() - 1);
    auto next = starts;
    for (int64_t i = 0; i < rows; ++i)
        order[next[id[i]]++] = i;
    const float* from = read(dy);
    float* to = write(dweight);
    parallel_tasks(vocabulary, static_cast<double>(rows) * size, [&](int64_t v) {
        for (int64_t at = starts[v]; at < ends[v + 1]; ++at)
            for (int64_t j = 0; j < size; ++j)
                to[v * size + j] += from[order[at] * size + j];
    });
    return dweight;
}

class EmbeddingFunction : public torch::autograd::Function<EmbeddingFunction> {
public:
    static at::Tensor forward(AutogradContext* context, const at::Tensor& ids, const at::Tensor& weight) {
        context->save_for_backward({ids});
        context->saved_data["vocabulary"] = weight.size(0);
        return embedding_forward(ids, weight);
    }

    static variable_list backward(AutogradContext* context, variable_list gradients) {
        const auto saved = context->get_saved_variables();
        const auto dweight = embedding_backward(saved[0], widened(gradients[0].contiguous()), context->saved_data["vocabulary"].toInt());
        return {at::Tensor(), rounded(dweight, gradients[0])};
    }
};

at::Tensor embedding(const at::Tensor& ids, const at::Tensor& weight) {
    check_operand(weight, "Embedding: weight", 2);
    const auto dense_ids = integers(ids, "Embedding: ids", -1), dense_weight = weight.contiguous();
    if (dense_ids.numel() > 0)
        check_range(dense_ids, "Embedding: ids", 0, weight.size(0));
    return recording(weight) ? EmbeddingFunction::apply(dense_ids, dense_weight) : embedding_forward(dense_ids, dense_weight);
}

} // namespace
} // namespace kernels

SR_EXPORT int sr_kernel_embedding(Handle ids, Handle weight, Handle* result) {
    return guarded([&] { *result = wrap(kernels::embedding(*ids, *weight)); });
}
