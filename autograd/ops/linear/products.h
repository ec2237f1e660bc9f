/* autograd/ops/linear/products.h -- the matrix products of one call, as the devices' libraries are asked for them: three for each of its sources, x and skip,
 * which have columns of W to themselves. */
#pragma once

#include "autograd/ops/linear/linear.h"
#include "core/product.h"

enum { LAC_LINEAR_X, LAC_LINEAR_WEIGHT, LAC_LINEAR_BIAS, LAC_LINEAR_SKIP, LAC_LINEAR_RESIDUAL };

/* A + B, whatever dims of 1 stand around it. */
static inline int64_t lac_linear_inputs(const lac_tensor *w)
{
    int64_t n = 1;
    for (int i = 1; i < w->ndim; i++)
        n *= w->dim[i];
    return n;
}

/* A source: which input, how many columns, and W's first of them. */
typedef struct lac_linear_source { int in; int64_t columns, first; } lac_linear_source;

static inline int lac_linear_sources(const lac_op_ctx *c, lac_linear_source s[2])
{
    const lac_tensor *x = c->in[LAC_LINEAR_X], *skip = c->in[LAC_LINEAR_SKIP];
    const int64_t a = x->dim[x->ndim - 1];
    s[0] = (lac_linear_source){ LAC_LINEAR_X, a, 0 };
    if (skip == NULL || skip->dim[skip->ndim - 1] == 0)
        return 1;
    s[1] = (lac_linear_source){ LAC_LINEAR_SKIP, skip->dim[skip->ndim - 1], a };
    return 2;
}

static inline int64_t lac_linear_rows(const lac_op_ctx *c) { return lac_numel(c->in[LAC_LINEAR_X]) / LAC_MAX(c->in[LAC_LINEAR_X]->dim[c->in[LAC_LINEAR_X]->ndim - 1], 1); }

/* y [m, o] = source [m, i] times W's columns [o, i] transposed, the first of them with the bias and onto the residual. */
static inline lac_product lac_linear_forward_product(const lac_op_ctx *c, const lac_linear_source *s)
{
    const int64_t m = lac_linear_rows(c), o = c->in[LAC_LINEAR_WEIGHT]->dim[0], i = s->columns;
    const bool first = s->in == LAC_LINEAR_X;
    return (lac_product){ .batch = 1, .m = m, .n = o, .k = i, .a_row = i, .a_col = 1, .b_row = 1, .b_col = lac_linear_inputs(c->in[LAC_LINEAR_WEIGHT]), .c_row = o,
                          .dtype = c->in[0]->dtype, .c_dtype = c->in[0]->dtype, .bias = first && c->in[LAC_LINEAR_BIAS] != NULL,
                          .add = !first || c->in[LAC_LINEAR_RESIDUAL] != NULL };
}

/* g source [m, i] = gy [m, o] times W's columns. */
static inline lac_product lac_linear_gx_product(const lac_op_ctx *c, const lac_linear_source *s)
{
    const int64_t m = lac_linear_rows(c), o = c->in[LAC_LINEAR_WEIGHT]->dim[0], i = s->columns;
    return (lac_product){ .batch = 1, .m = m, .n = i, .k = o, .a_row = o, .a_col = 1, .b_row = lac_linear_inputs(c->in[LAC_LINEAR_WEIGHT]), .b_col = 1, .c_row = i,
                          .dtype = c->in[0]->dtype, .c_dtype = c->gin[s->in]->dtype, .add = c->add[s->in] };
}

/* gW's columns [o, i] = gy transposed times the source. */
static inline lac_product lac_linear_gw_product(const lac_op_ctx *c, const lac_linear_source *s)
{
    const int64_t m = lac_linear_rows(c), o = c->in[LAC_LINEAR_WEIGHT]->dim[0], i = s->columns;
    return (lac_product){ .batch = 1, .m = o, .n = i, .k = m, .a_row = 1, .a_col = o, .b_row = i, .b_col = 1, .c_row = lac_linear_inputs(c->in[LAC_LINEAR_WEIGHT]),
                          .dtype = c->in[0]->dtype, .c_dtype = c->gin[LAC_LINEAR_WEIGHT]->dtype, .add = c->add[LAC_LINEAR_WEIGHT] };
}

/* Element `first` of a matrix. */
static inline void *lac_linear_at(const lac_tensor *x, int64_t first) { return (char *)x->data + first * (int64_t)lac_dtype_size(x->dtype); }
