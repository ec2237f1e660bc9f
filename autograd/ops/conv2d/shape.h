/* autograd/ops/conv2d/shape.h -- one call as the devices' libraries are asked for it. */
#pragma once

#include "autograd/ops/conv2d/conv2d.h"
#include "autograd/ops/upstream.h"
#include "core/conv.h"

#include <string.h>

static inline lac_conv lac_conv2d_shape(const lac_op_ctx *c)
{
    const lac_conv2d_attr *a = (const lac_conv2d_attr *)c->attr;
    const lac_tensor *x = c->in[0], *w = c->in[1];
    lac_conv s = { .n = x->dim[0], .h = x->dim[1], .w = x->dim[2], .c = x->dim[3], .o = w->dim[0], .kh = w->dim[1], .kw = w->dim[2],
                   .groups = a->groups, .dtype = x->dtype, .direct = c->deterministic, .bias = c->in[2] != NULL, .residual = c->in[3] != NULL, .act = a->act };
    memcpy(s.stride, a->stride, sizeof s.stride);
    memcpy(s.dilation, a->dilation, sizeof s.dilation);
    memcpy(s.pad, a->pad, sizeof s.pad);
    return s;
}

/* Backward's bytes of workspace, a multiple of 64, for the gradient of the sums: 0 where that is dL/dy as it lies. */
static inline size_t lac_conv2d_sums_bytes(const lac_op_ctx *c)
{
    if (((const lac_conv2d_attr *)c->attr)->act.kind == LAC_ACT_NONE)
        return lac_upstream_bytes(c);
    return ((size_t)lac_numel(c->out[0]) * lac_dtype_size(c->out[0]->dtype) + 63) / 64 * 64;
}
