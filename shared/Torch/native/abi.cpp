#include "abi.h"

#include <atomic>
#include <mutex>
#include <string>
#include <unordered_map>

namespace {

thread_local std::string last_error;

std::atomic<int64_t> live_tensors{0};
std::atomic<int64_t> live_bytes{0};

// How many handles look at each storage: views share one, and its bytes count once.
struct Storages {
    struct Entry {
        int64_t handles = 0;
        int64_t bytes = 0;
    };

    std::mutex mutex;
    std::unordered_map<const void*, Entry> entries;
};

// Never destroyed: finalizers may still free tensors while the process ends.
Storages& storages() {
    static auto* instance = new Storages();
    return *instance;
}

const c10::StorageImpl* storage_of(const at::Tensor& tensor) {
    return tensor.defined() && tensor.has_storage() ? tensor.storage().unsafeGetStorageImpl() : nullptr;
}

void count(const at::Tensor& tensor) {
    live_tensors.fetch_add(1, std::memory_order_relaxed);
    if (const auto* storage = storage_of(tensor)) {
        auto& all = storages();
        std::lock_guard<std::mutex> lock(all.mutex);
        auto& entry = all.entries[storage];
        if (entry.handles++ == 0) {
            entry.bytes = static_cast<int64_t>(storage->nbytes());
            live_bytes.fetch_add(entry.bytes, std::memory_order_relaxed);
        }
    }
}

void uncount(const at::Tensor& tensor) {
    live_tensors.fetch_sub(1, std::memory_order_relaxed);
    if (const auto* storage = storage_of(tensor)) {
        auto& all = storages();
        std::lock_guard<std::mutex> lock(all.mutex);
        auto found = all.entries.find(storage);
        if (found != all.entries.end() && --found->second.handles == 0) {
            live_bytes.fetch_sub(found->second.bytes, std::memory_order_relaxed);
            all.entries.erase(found);
        }
    }
}

// "[enforce fail at alloc_cpu.cpp:66] . message\nException raised from ..." -> "message"
std::string sentence(std::string message) {
    const auto trace = message.find("\nException raised from");
    if (trace != std::string::npos) message.resize(trace);
    if (message.rfind("[enforce fail at", 0) == 0) {
        const auto end = message.find("] ");
        if (end != std::string::npos) message.erase(0, end + 2);
        message.erase(0, message.find_first_not_of(". "));
    }
    message.erase(message.find_last_not_of(" \n\r") + 1);
    return message;
}

}  // namespace

namespace sr {

void remember(const c10::Error& error) noexcept { remember(error.what_without_backtrace()); }

void remember(const char* message) noexcept {
    try {
        last_error = sentence(message);
    } catch (...) {
        last_error.clear();
    }
}

Handle wrap(at::Tensor tensor) {
    auto* handle = new at::Tensor(std::move(tensor));
    count(*handle);
    return handle;
}

}  // namespace sr

// The sentence of the last failure on this thread; valid until the next failure on it.
SR_EXPORT const char* sr_last_error() { return last_error.c_str(); }

SR_EXPORT void sr_free(Handle handle) {
    if (handle == nullptr) return;
    guarded([&] {
        uncount(*handle);
        delete handle;
    });
}

// Handles alive, and the bytes of the distinct storages behind them.
SR_EXPORT int64_t sr_live_tensors() { return live_tensors.load(std::memory_order_relaxed); }
SR_EXPORT int64_t sr_live_bytes() { return live_bytes.load(std::memory_order_relaxed); }
