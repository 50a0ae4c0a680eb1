// x86-64-v3: AVX2 and FMA. kernels.cmake sets the flags.
#include "isa.h"

#if defined(__x86_64__)
KERNELS_TABLE("avx2");
#endif
