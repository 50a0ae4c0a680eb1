// Why not OpenMP: its regions end when every thread of the team has come. Where another process or the garbage collector holds a
// core, that is a time slice for a kernel of ten microseconds. Here the caller takes all tasks that nobody else has begun, and waits
// only for those that are under way. Several callers may be at work at once.
#include "parallel.h"

#include <ATen/Parallel.h>

#include <sched.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <list>
#include <mutex>
#include <thread>

namespace kernels {
namespace {

thread_local bool inside_task = false;

void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

struct Job {
    int64_t tasks, threads;
    void (*task)(const void*, int64_t);
    const void* context;
    std::atomic<int64_t> next{0};
    std::atomic<int64_t> helpers{0};
    std::mutex failing{};
    std::exception_ptr failure{};

    bool open() const { return next.load(std::memory_order_relaxed) < tasks && helpers.load(std::memory_order_relaxed) < threads - 1; }

    void work() {
        inside_task = true;
        for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < tasks;) {
            try {
                task(context, i);
            } catch (...) {
                std::lock_guard<std::mutex> lock(failing);
                if (!failure) failure = std::current_exception();
                next.store(tasks, std::memory_order_relaxed);
            }
        }
        inside_task = false;
    }
};

class Pool {
public:
    // Never destroyed: its threads end with the process.
    static Pool& instance() {
        static auto* pool = new Pool();
        return *pool;
    }

    void run(Job& job) {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            for (; size_ < job.threads - 1; ++size_) std::thread([this] { serve(); }).detach();
            jobs_.push_back(&job);
            waiting_.fetch_add(1, std::memory_order_release);
            if (sleepers_ > 0) wake_.notify_all();
        }
        job.work();
        {
            std::lock_guard<std::mutex> lock(mutex_);
            jobs_.remove(&job); // from here on nobody joins
            waiting_.fetch_sub(1, std::memory_order_release);
        }
        for (int turns = 0; job.helpers.load(std::memory_order_acquire) > 0; ++turns) {
            if (turns < 2000)
                pause();
            else
                sched_yield();
        }
    }

private:
    // A thread that has just worked stays awake for a moment: the next kernel is often microseconds away, and waking takes longer.
    static constexpr auto Awake = std::chrono::microseconds(100);

    void serve() {
        for (;;) {
            Job* job = nullptr;
            {
                std::unique_lock<std::mutex> lock(mutex_);
                ++sleepers_;
                wake_.wait(lock, [&] { return (job = join()) != nullptr; });
                --sleepers_;
            }
            while (job != nullptr) {
                job->work();
                job->helpers.fetch_sub(1, std::memory_order_release); // the caller may let go of the job now
                job = next();
            }
        }
    }

    // A job to help with that comes up soon, or null.
    Job* next() {
        const auto until = std::chrono::steady_clock::now() + Awake;
        do {
            for (int i = 0; i < 32 && waiting_.load(std::memory_order_acquire) == 0; ++i) pause();
            if (waiting_.load(std::memory_order_acquire) > 0) {
                std::lock_guard<std::mutex> lock(mutex_);
                if (Job* job = join()) return job;
            }
            sched_yield();
        } while (std::chrono::steady_clock::now() < until);
        return nullptr;
    }

    // Under the mutex.
    Job* join() {
        for (Job* job : jobs_)
            if (job->open()) {
                job->helpers.fetch_add(1, std::memory_order_relaxed);
                return job;
            }
        return nullptr;
    }

    std::mutex mutex_;
    std::condition_variable wake_;
    std::list<Job*> jobs_;
    std::atomic<int> waiting_{0};
    int64_t size_ = 0;
    int sleepers_ = 0;
};

} // namespace

int64_t threads_for(double operations) {
    if (inside_task || operations < 2 * WorthAThread) return 1;
    return std::clamp<int64_t>(static_cast<int64_t>(operations / WorthAThread), 1, at::get_num_threads());
}

void run_tasks(int64_t tasks, int64_t threads, void (*task)(const void* context, int64_t i), const void* context) {
    if (tasks <= 1 || threads <= 1) {
        for (int64_t i = 0; i < tasks; ++i) task(context, i);
        return;
    }
    Job job{tasks, std::min(tasks, threads), task, context};
    Pool::instance().run(job);
    if (job.failure) std::rethrow_exception(job.failure);
}

} // namespace kernels
