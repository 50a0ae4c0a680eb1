// Threads take tasks as they come; a task's result never depends on who computes it, so neither do the bits.
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace kernels {

// Below this many floating-point operations, waking a thread costs more than it brings.
constexpr double WorthAThread = 4e5;

inline int64_t threads_for(double operations) {
    if (at::in_parallel_region())
        return 1;
    return std::clamp<int64_t>(static_cast<int64_t>(operations / WorthAThread), 1, at::get_num_threads());
}

// body(task) for each task in [0, tasks), on as many threads as `operations` are worth.
template <typename Body>
void parallel_tasks(int64_t tasks, double operations, const Body& body) {
    const int64_t threads = std::min(tasks, threads_for(operations));
    if (threads <= 1) {
        for (int64_t task = 0; task < tasks; ++task)
            body(task);
        return;
    }
    std::atomic<int64_t> next{0};
    at::parallel_for(0, threads, 1, [&](int64_t, int64_t) {
        for (int64_t task; (task = next.fetch_add(1, std::memory_order_relaxed)) < tasks;)
            body(task);
    });
}

// body(begin, end) over [0, count) in blocks of `block`.
template <typename Body>
void parallel_blocks(int64_t count, int64_t block, double operations, const Body& body) {
    parallel_tasks((count + block - 1) / block, operations, [&](int64_t task) { body(task * block, std::min(count, (task + 1) * block)); });
}

} // namespace kernels
