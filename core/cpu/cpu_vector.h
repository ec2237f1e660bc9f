/* core/cpu/cpu_vector.h -- the element-wise functions of the CPU backend's table, once per level. */
#pragma once

#include "core/cpu/level.h"
#include "core/tensor.h"

#define LAC_VECTOR_FUNCTIONS(level)                                                                             \
    lac_status LAC_PASTE(vector_add, level)(lac_tensor *to, const lac_tensor *x);                               \
    lac_status LAC_PASTE(vector_convert, level)(lac_tensor *to, const lac_tensor *from);                        \
    lac_status LAC_PASTE(vector_all_finite, level)(const void *x, lac_dtype d, int64_t n, bool *finite);
LAC_VECTOR_FUNCTIONS(base)
LAC_VECTOR_FUNCTIONS(v3)
LAC_VECTOR_FUNCTIONS(v4)
