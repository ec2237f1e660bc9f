/* autograd/ops/linear/products.h -- the three matrix products of one call, as the devices' libraries are asked for them. */
#pragma once

#include "autograd/ops/linear/linear.h"
#include "core/product.h"

static inline int64_t lac_linear_rows(const lac_op_ctx *c) { return lac_numel(c->in[0]) / c->in[1]->dim[1]; }

/* y [m, o] = x [m, i] times W [o, i] transposed. */
static inline lac_product lac_linear_forward_product(const lac_op_ctx *c)
{
    const int64_t m = lac_linear_rows(c), o = c->in[1]->dim[0], i = c->in[1]->dim[1];
    return (lac_product){ .batch = 1, .m = m, .n = o, .k = i, .a_row = i, .a_col = 1, .b_row = 1, .b_col = i, .c_row = o,
                          .dtype = c->in[0]->dtype, .c_dtype = c->in[0]->dtype, .bias = c->in[2] != NULL };
}

/* gx [m, i] = gy [m, o] times W. */
static inline lac_product lac_linear_gx_product(const lac_op_ctx *c)
{
    const int64_t m = lac_linear_rows(c), o = c->in[1]->dim[0], i = c->in[1]->dim[1];
    return (lac_product){ .batch = 1, .m = m, .n = i, .k = o, .a_row = o, .a_col = 1, .b_row = i, .b_col = 1, .c_row = i,
                          .dtype = c->in[0]->dtype, .c_dtype = c->gin[0]->dtype, .add = c->add[0] };
}

/* gW [o, i] = gy transposed times x. */
static inline lac_product lac_linear_gw_product(const lac_op_ctx *c)
{
    const int64_t m = lac_linear_rows(c), o = c->in[1]->dim[0], i = c->in[1]->dim[1];
    return (lac_product){ .batch = 1, .m = o, .n = i, .k = m, .a_row = 1, .a_col = o, .b_row = i, .b_col = 1, .c_row = i,
                          .dtype = c->in[0]->dtype, .c_dtype = c->gin[1]->dtype, .add = c->add[1] };
}
