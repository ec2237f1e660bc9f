/* core/cuda/columns.h -- sums over the rows of a matrix on the GPU: bias gradients. Of one that does not lie in memory, products and the like:
 * core/cuda/columns_kernel.h. */
#pragma once

#include "core/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of workspace of lac_cuda_column_sums and lac_columns. */
size_t lac_cuda_column_sums_workspace(int64_t rows, int64_t columns);

/* to[j] = (add ? to[j] : 0) + sum over i of x[i * columns + j], x f32 or bf16, in blocks of rows whose sums are added in order. */
lac_status lac_cuda_column_sums(float *to, bool add, const void *x, lac_dtype d, int64_t rows, int64_t columns, void *workspace);

/* For lac_columns: the slices that rows are cut into, of at least 256 rows each, whatever the device; and the sums of their sums in order. */
int64_t lac_cuda_column_slices(int64_t rows);
lac_status lac_cuda_columns_finish(float *to, bool add, const float *partial, int64_t columns, int64_t slices);

#ifdef __cplusplus
}
#endif
