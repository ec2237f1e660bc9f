/* core/cpu/dnn_kernels.h -- the loops around the library's calls; one source per instruction set in cpu_dnn.c. */
#pragma once

#include "core/act.h"
#include "core/tensor.h"

enum { LAC_DNN_COLUMNS = 64 };

typedef struct lac_dnn_kernels {
    /* to[i] += from[i] over n elements of dtype d. */
    void (*add)(void *to, const void *from, lac_dtype d, int64_t n);
    /* to[i] = part[0][i] + part[1][i] + ..., in that order; parts lie `stride` floats apart, and `to` may be the first. */
    void (*sum)(float *to, const float *part, int64_t stride, int64_t n_parts, int64_t n);
    /* to[j] (+)= x[0, j] + x[1, j] + ... for n columns, LAC_DNN_COLUMNS at most, of `rows` rows that lie `stride` elements apart. */
    void (*sum_columns)(float *to, bool add, const void *x, lac_dtype d, int64_t rows, int64_t stride, int64_t n);
    /* to [n, rows] = x transposed, x [rows, n] bf16 whose rows lie `stride` elements apart. */
    void (*turn)(uint16_t *to, const uint16_t *x, int64_t rows, int64_t stride, int64_t n);
    void (*turn_floats)(float *to, const float *x, int64_t rows, int64_t stride, int64_t n);       /* the same of f32 */
    /* y[i] = act(y[i]) over n elements of dtype d. */
    void (*activate)(void *y, lac_act_fn act, lac_dtype d, int64_t n);
} lac_dnn_kernels;

/* Those of this CPU. */
const lac_dnn_kernels *lac_dnn_kernels_here(void);
