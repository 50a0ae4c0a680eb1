// Where the memory of tensors in main memory comes from: tcmalloc, where it is on the machine. The activations of a training step come and go in pieces of some megabytes. The C library keeps
// such pieces in heaps, cuts what was freed for whoever asks next, and ends up with up to twice what is alive; tcmalloc keeps them by their length in pages, takes less, and does not ask the
// system for the same pages again and again. It is opened when this library is loaded and serves tensors alone: the rest of the process stays with the C library.
#include "abi.h"

#include <c10/core/Allocator.h>
#include <cstring>
#include <dlfcn.h>

namespace {

constexpr size_t Alignment = 64; // as libtorch's own: a cache line, and the widest vector
constexpr char Library[] = "libtcmalloc_minimal.so.4";

// gperftools/tcmalloc.h and malloc_extension_c.h, as far as they are needed.
struct TcMalloc {
    void* (*allocate)(size_t alignment, size_t bytes);
    void (*free)(void*);
    void (*release)();
};

TcMalloc open() {
    void* library = dlopen(Library, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return {};
    const TcMalloc found{
        reinterpret_cast<void* (*)(size_t, size_t)>(dlsym(library, "tc_memalign")), reinterpret_cast<void (*)(void*)>(dlsym(library, "tc_free")),
        reinterpret_cast<void (*)()>(dlsym(library, "MallocExtension_ReleaseFreeMemory"))};
    return found.allocate != nullptr && found.free != nullptr && found.release != nullptr ? found : TcMalloc{};
}

const TcMalloc& tcmalloc() {
    static const TcMalloc found = open();
    return found;
}

void release_block(void* block) { tcmalloc().free(block); }

// Without `override`, and in both forms: `allocate` lost its const in libtorch 2.3, which also wants `copy_data`.
class TcMallocAllocator final : public c10::Allocator {
public:
    c10::DataPtr allocate(size_t bytes) const { return make(bytes); }
    c10::DataPtr allocate(size_t bytes) { return make(bytes); }
    c10::DeleterFnPtr raw_deleter() const { return &release_block; }
    void copy_data(void* to, const void* from, std::size_t bytes) const { std::memcpy(to, from, bytes); }

private:
    static c10::DataPtr make(size_t bytes) {
        void* block = bytes == 0 ? nullptr : tcmalloc().allocate(Alignment, bytes);
        TORCH_CHECK(bytes == 0 || block != nullptr, "not enough memory: a tensor of ", bytes, " bytes could not be made");
        return {block, block, &release_block, at::kCPU};
    }
};

// Tensors that were made before this library was loaded are freed by whoever made them.
const bool is_used = [] {
    if (tcmalloc().allocate == nullptr) return false;
    // Never destroyed: threads may still make tensors while the process ends.
    c10::SetAllocator(at::kCPU, new TcMallocAllocator, /*priority=*/1);
    return true;
}();

}  // namespace

SR_EXPORT int32_t sr_is_tcmalloc() { return is_used; }

// Gives what was freed of tensors back to the system.
SR_EXPORT void sr_release_memory() {
    if (is_used) tcmalloc().release();
}
