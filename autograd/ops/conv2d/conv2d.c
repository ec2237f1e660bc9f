#include "autograd/ops/conv2d/conv2d.h"
#include "autograd/ops/ops.h"

#include <string.h>

static lac_status check_attr(const lac_conv2d_attr *a)
{
    for (int i = 0; i < 2; i++) {
        if (a->stride[i] < 1)
            return LAC_FAIL(LAC_ERR_SHAPE, "conv2d wants a stride of 1 or more, got %lld", (long long)a->stride[i]);
        if (a->dilation[i] < 1)
            return LAC_FAIL(LAC_ERR_SHAPE, "conv2d wants a dilation of 1 or more, got %lld", (long long)a->dilation[i]);
    }
    for (int i = 0; i < 4; i++)
        if (a->pad[i] < 0)
            return LAC_FAIL(LAC_ERR_SHAPE, "conv2d wants a padding of 0 or more, got %lld", (long long)a->pad[i]);
    if (!lac_act_sound(a->act))
        return LAC_FAIL(LAC_ERR_ARG, "conv2d wants a leaky slope above 0 and below 1, got %g", (double)a->act.slope);
    return lac_act_by_value(a->act.kind) ? LAC_OK : LAC_FAIL(LAC_ERR_ARG, "conv2d wants no activation, elu, relu or leaky, got number %d", (int)a->act.kind);
}

static lac_status check_inputs(const lac_tensor *x, const lac_tensor *w, const lac_tensor *bias, int64_t groups)
{
    if (x->ndim != 4 || x->dim[1] < 1 || x->dim[2] < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "conv2d wants x [N, H, W, C] with pixels, got %s", lac_shape_str(x));
    if (w->ndim != 4 || w->dim[0] < 1 || w->dim[1] < 1 || w->dim[2] < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "conv2d wants weight [O, kh, kw, C / groups], got %s", lac_shape_str(w));
    if (groups < 1 || x->dim[3] % groups != 0 || w->dim[0] % groups != 0)
        return LAC_FAIL(LAC_ERR_SHAPE, "conv2d: groups %lld does not divide the %lld channels of x and the %lld filters of weight",
                        (long long)groups, (long long)x->dim[3], (long long)w->dim[0]);
    if (w->dim[3] < 1 || w->dim[3] != x->dim[3] / groups)
        return LAC_FAIL(LAC_ERR_SHAPE, "conv2d: weight %s reads %lld channels, x %s has %lld in each of %lld groups", lac_shape_str(w),
                        (long long)w->dim[3], lac_shape_str(x), (long long)(x->dim[3] / groups), (long long)groups);
    if (bias && (bias->ndim != 1 || bias->dim[0] != w->dim[0]))
        return LAC_FAIL(LAC_ERR_SHAPE, "conv2d wants bias [%lld], as weight has filters, got %s", (long long)w->dim[0], lac_shape_str(bias));
    if (x->dtype != w->dtype)
        return LAC_FAIL(LAC_ERR_DTYPE, "conv2d wants weight in the dtype of x, %s, got %s", lac_dtype_name(x->dtype), lac_dtype_name(w->dtype));
    return LAC_OK;
}

static lac_status check_residual(const lac_tensor *r, const lac_tensor *y)
{
    if (r && (r->ndim != 4 || memcmp(r->dim, y->dim, 4 * sizeof *r->dim) != 0))
        return LAC_FAIL(LAC_ERR_SHAPE, "conv2d wants residual %s, as y, got %s", lac_dims_str(4, y->dim), lac_shape_str(r));
    if (r && r->dtype != y->dtype)
        return LAC_FAIL(LAC_ERR_DTYPE, "conv2d wants residual in the dtype of x, %s, got %s", lac_dtype_name(y->dtype), lac_dtype_name(r->dtype));
    return LAC_OK;
}

static lac_status infer(lac_op_ctx *c)
{
    const lac_conv2d_attr *a = c->attr;
    const lac_tensor *x = c->in[0], *w = c->in[1];
    LAC_TRY(check_attr(a));
    LAC_TRY(check_inputs(x, w, c->in[2], a->groups));
    int64_t out[2];
    for (int i = 0; i < 2; i++) {
        const int64_t padded = x->dim[1 + i] + a->pad[2 * i] + a->pad[2 * i + 1], reach = (w->dim[1 + i] - 1) * a->dilation[i] + 1;
        if (reach > padded)
            return LAC_FAIL(LAC_ERR_SHAPE, "conv2d: the dilated kernel (%lld) is larger than the padded x (%lld)", (long long)reach, (long long)padded);
        out[i] = (padded - reach) / a->stride[i] + 1;
    }
    lac_tensor_shape(c->out[0], x->dtype, 4, (int64_t[]){ x->dim[0], out[0], out[1], w->dim[0] });
    LAC_TRY(check_residual(c->in[3], c->out[0]));
    return lac_numel_checked(4, c->out[0]->dim, &(int64_t){ 0 });
}

static int64_t flops(const lac_op_ctx *c) { return 2 * lac_numel(c->out[0]) * c->in[1]->dim[1] * c->in[1]->dim[2] * c->in[1]->dim[3]; }

/* y for the slope alone. */
static uint32_t reads(const lac_op_ctx *c)
{
    return LAC_KEEP_IN(0) | LAC_KEEP_IN(1) | (((const lac_conv2d_attr *)c->attr)->act.kind == LAC_ACT_NONE ? 0 : LAC_KEEP_OUT(0));
}

const lac_op_def lac_op_conv2d = {
    .in = { { "x", LAC_FLOATS }, { "weight", LAC_FLOATS }, { "bias", LAC_F32_ONLY | LAC_OPTIONAL }, { "residual", LAC_FLOATS | LAC_OPTIONAL } },
    .out = { { "y" } },
    .keeps = LAC_KEEP_IN(0) | LAC_KEEP_IN(1) | LAC_KEEP_OUT(0),
    .reads = reads,
    .infer = infer, .workspace = true,
    .attr_size = sizeof(lac_conv2d_attr),
    .flops = flops,
};

lac_tensor *lac_conv2d(lac_tape *t, lac_tensor *x, lac_tensor *weight, lac_tensor *bias, lac_tensor *residual, const lac_conv2d_attr *a)
{
    return lac_apply(t, LAC_OP_conv2d, a, x, weight, bias, residual);
}
