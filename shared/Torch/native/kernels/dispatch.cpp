#include "compute.h"

#include <c10/util/Exception.h>

#include <cstdlib>
#include <cstring>
#include <memory>

namespace kernels {

namespace {

// SELF_REWARDING_KERNELS=baseline or avx2 asks for less than the processor has, to compare or to look for a fault.
const Compute& choose() {
#if defined(__x86_64__)
    const char* wanted = std::getenv("SELF_REWARDING_KERNELS");
    const auto allowed = [wanted](const Compute& candidate) { return wanted == nullptr || *wanted == 0 || std::strcmp(wanted, candidate.name) == 0; };
    __builtin_cpu_init();
    if (allowed(avx512::compute) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return avx512::compute;
    if ((allowed(avx2::compute) || allowed(avx512::compute)) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
        && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2"))
        return avx2::compute;
#endif
    return baseline::compute;
}

} // namespace

const Compute& compute() {
    static const Compute& chosen = choose();
    return chosen;
}

float* scratch(Scratch purpose, int64_t floats) {
    struct Free {
        void operator()(float* memory) const { std::free(memory); }
    };
    struct Buffer {
        std::unique_ptr<float, Free> memory;
        int64_t size = 0;
    };
    thread_local Buffer buffers[static_cast<int>(Scratch::Count)];
    Buffer& buffer = buffers[static_cast<int>(purpose)];
    if (buffer.size < floats) {
        constexpr size_t Line = 64;
        const size_t bytes = (static_cast<size_t>(floats) * sizeof(float) + Line - 1) / Line * Line;
        buffer.memory.reset(static_cast<float*>(std::aligned_alloc(Line, bytes)));
        buffer.size = buffer.memory ? floats : 0;
        TORCH_CHECK(buffer.memory, "a kernel needs ", bytes, " bytes of working memory, and there are none");
    }
    return buffer.memory.get();
}

} // namespace kernels
