/* core/cuda/product.h -- matrix products on the GPU through cuBLASLt, on device pointers that are 16-byte aligned, or as
 * far as the steps from row to row and from batch to batch are.
 *
 * Products of f32 are f32 throughout (no TF32); those of bf16 sum in f32. The algorithm is chosen once per shape and device: the
 * first eight that cuBLASLt proposes are timed while the workspace is asked for, and the choice is kept (core/cuda/plans.h).
 * Sums are cut the same way each time: same bits on a second run. */
#pragma once

#include "core/product.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of workspace, 256-byte aligned, of lac_cuda_product with the same p. Asked before the call, never while a graph is captured.
 * Fails with LAC_ERR_LIBRARY where cuBLASLt has no algorithm. */
lac_status lac_cuda_product_workspace(const lac_product *p, size_t *size);

/* C = A B + bias (f32 [n], where p->bias), or C += A B (where p->add). k = 0 is a sum of nothing. */
lac_status lac_cuda_product(const lac_product *p, const void *a, const void *b, const float *bias, void *c, void *workspace);
/* The same, but where p->add C = A B + bias + onto, laid out as C; NULL: C itself. */
lac_status lac_cuda_product_onto(const lac_product *p, const void *a, const void *b, const float *bias, const void *onto, void *c, void *workspace);

#ifdef __cplusplus
}
#endif
