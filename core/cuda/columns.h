/* core/cuda/columns.h -- sums over the rows of a matrix on the GPU: bias gradients. */
#pragma once

#include "core/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of workspace of lac_cuda_column_sums. */
size_t lac_cuda_column_sums_workspace(int64_t rows, int64_t columns);

/* to[j] = (add ? to[j] : 0) + sum over i of x[i * columns + j], x f32 or bf16, in blocks of rows whose sums are added in order. */
lac_status lac_cuda_column_sums(float *to, bool add, const void *x, lac_dtype d, int64_t rows, int64_t columns, void *workspace);

#ifdef __cplusplus
}
#endif
