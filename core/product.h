/* core/product.h -- one matrix product as every device's library is asked for it. */
#pragma once

#include "core/tensor.h"

/* C = A B + bias, or C += A B + bias. Strides in elements: A[i, k] = a[i * a_row + k * a_col], B[k, j] = b[k * b_row + j * b_col],
 * C[i, j] = c[i * c_row + j]; one of each pair of strides is 1. A and B have the same dtype; C is f32 or that.
 * batch > 1: the same product at the batch strides. */
typedef struct lac_product {
    int64_t batch, m, n, k;
    int64_t a_row, a_col, a_batch, b_row, b_col, b_batch, c_row, c_batch;
    lac_dtype dtype, c_dtype;
    bool bias;                      /* f32 [n] */
    bool add;
} lac_product;
