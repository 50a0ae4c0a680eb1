// The table of one instruction set, put together in the file that is compiled for it.
#pragma once

#include "attention_rows.h"
#include "gemm.h"
#include "philox.h"
#include "rows.h"

#define KERNELS_TABLE(title)                                                                                            \
    const kernels::Compute kernels::KERNELS_ISA::compute = {title, product, product_of<BFloat16>, product_of<RoundedFloat>, column_sums, rms_norm, \
        rms_norm_backward, swiglu, swiglu_backward, rotary, log_probs, log_probs_backward, tempered, attention_of<float>, \
        attention_of<BFloat16>, attention_backward, dropout, adamw, squared_norm}
