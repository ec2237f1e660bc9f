/* core/cuda/vector.h -- the rest of the backend's table (core/backend.h), as kernels: vector.cu and update.cu. */
#pragma once

#include "core/tensor.h"

struct lac_update;

#ifdef __cplusplus
extern "C" {
#endif

lac_status lac_cuda_add(lac_tensor *to, const lac_tensor *x);
lac_status lac_cuda_convert(lac_tensor *to, const lac_tensor *from);
lac_status lac_cuda_update(const struct lac_update *u);
lac_status lac_cuda_all_finite(const void *x, lac_dtype d, int64_t n, bool *finite);        /* waits: never in captured work */
lac_status lac_cuda_copy_unless(float *to, const float *from, int64_t n, const uint32_t *unless);

#ifdef __cplusplus
}
#endif
