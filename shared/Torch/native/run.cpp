// Threads, devices and random generators.
#include "abi.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <mutex>

SR_EXPORT int sr_set_num_threads(int32_t threads) {
    return guarded([&] { at::set_num_threads(threads); });
}

SR_EXPORT int32_t sr_get_num_threads() { return at::get_num_threads(); }

SR_EXPORT int32_t sr_has_cuda() {
    auto has = false;
    return guarded([&] { has = at::hasCUDA(); }) == 0 && has;
}

// Seeds the default generator of every device.
SR_EXPORT int sr_manual_seed(int64_t seed) {
    return guarded([&] { at::manual_seed(static_cast<uint64_t>(seed)); });
}

// A generator of its own for a device.
SR_EXPORT int sr_generator(uint64_t seed, int32_t device_type, int32_t device_index, at::Generator** result) {
    return guarded([&] {
        auto generator = at::globalContext().defaultGenerator(sr::device(device_type, device_index)).clone();
        generator.set_current_seed(seed);
        *result = new at::Generator(std::move(generator));
    });
}

SR_EXPORT int sr_default_generator(at::Generator** result) {
    return guarded([&] { *result = new at::Generator(at::globalContext().defaultGenerator(at::kCPU)); });
}

SR_EXPORT int sr_generator_seed(at::Generator* generator, int64_t seed) {
    return guarded([&] {
        std::lock_guard<std::mutex> lock(generator->mutex());
        generator->set_current_seed(static_cast<uint64_t>(seed));
    });
}

SR_EXPORT void sr_free_generator(at::Generator* generator) { delete generator; }
