// Whatever every processor of this architecture has (SSE2 on x86-64, NEON with fused multiply-add on arm64).
#include "isa.h"

KERNELS_TABLE("baseline");
