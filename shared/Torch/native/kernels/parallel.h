// Threads take tasks as they come; a task's result never depends on who computes it, so neither do the bits.
#pragma once

#include <algorithm>
#include <cstdint>

namespace kernels {

// Below this many floating-point operations, waking a thread costs more than it brings.
constexpr double WorthAThread = 4e5;

// How many threads so many operations are worth, up to at::get_num_threads(); 1 inside a task.
int64_t threads_for(double operations);

// Calls task(context, i) for each i in [0, tasks) on up to `threads` threads, this one among them. The first exception is thrown
// on, when all have ended.
void run_tasks(int64_t tasks, int64_t threads, void (*task)(const void* context, int64_t i), const void* context);

// body(task) for each task in [0, tasks), on as many threads as `operations` are worth.
template <typename Body>
void parallel_tasks(int64_t tasks, double operations, const Body& body) {
    run_tasks(tasks, threads_for(operations), [](const void* context, int64_t i) { (*static_cast<const Body*>(context))(i); }, &body);
}

// body(begin, end) over [0, count) in blocks of `block`.
template <typename Body>
void parallel_blocks(int64_t count, int64_t block, double operations, const Body& body) {
    parallel_tasks((count + block - 1) / block, operations, [&](int64_t task) { body(task * block, std::min(count, (task + 1) * block)); });
}

} // namespace kernels
