// x86-64-v4: AVX-512. kernels.cmake sets the flags.
#include "isa.h"

#if defined(__x86_64__)
KERNELS_TABLE("avx512");
#endif
