/* autograd/ops/vector_quantize/search.h -- the search as a matrix product, and what must be looked at once more, the same on both devices.
 *
 *     score[i, k] = |e_k|^2 - 2 z_i e_k        in f32, for a block of rows; |z|^2 is the same for all codes */
#pragma once

#include "autograd/ops/vector_quantize/vector_quantize.h"
#include "core/product.h"

typedef struct lac_search { int64_t rows, codes, depth, block; } lac_search;     /* block: rows at a time */

/* most: scores at a time. */
static inline lac_search lac_search_of(const lac_op_ctx *c, int64_t most)
{
    const lac_tensor *z = c->in[0], *e = c->in[1];
    const int64_t rows = lac_numel(z) / e->dim[1], fit = most / e->dim[0] > 1 ? most / e->dim[0] : 1;
    return (lac_search){ rows, e->dim[0], e->dim[1], rows < fit ? rows : fit };
}

/* scores [m, K] = (-2 z) [m, D] times the codebook transposed, plus |e|^2. */
static inline lac_product lac_search_product(const lac_search *s, int64_t m)
{
    return (lac_product){ .batch = 1, .m = m, .n = s->codes, .k = s->depth, .a_row = s->depth, .a_col = 1, .b_row = 1, .b_col = s->depth, .c_row = s->codes,
                          .dtype = LAC_F32, .c_dtype = LAC_F32, .bias = true };
}

/* By how much two scores in f32 may be in the wrong order: both bounds of rounding a sum of depth + 1 terms, |e|^2 being at most `largest`. */
#ifdef __cplusplus
__device__
#endif
static inline float lac_search_slack(int64_t depth, float length, float largest)
{
    return (float)(depth + 4) * 0x1p-23f * (largest * largest + 2 * length * largest);
}
