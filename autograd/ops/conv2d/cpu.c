#include "autograd/ops/conv2d/shape.h"
#include "autograd/ops/rows.h"
#include "autograd/ops/upstream.h"
#include "core/cpu/cpu_vector.h"
#include "core/cpu/dnn.h"
#include "core/cpu/level.h"

static lac_dnn_weight weight_of(const lac_tensor *w) { return (lac_dnn_weight){ w->data, w->uid, w->version, 0 }; }

/* Backward's workspace: the gradient of the sums | gw as f32, both only where the caller's differ | the library's. */
static size_t rounded(size_t bytes) { return (bytes + 63) / 64 * 64; }
static size_t gw_bytes(const lac_op_ctx *c) { return !c->gin[1] || c->gin[1]->dtype == LAC_F32 ? 0 : rounded((size_t)lac_numel(c->gin[1]) * sizeof(float)); }

lac_status LAC_CPU(conv2d_workspace)(const lac_op_ctx *c, size_t *size)
{
    const lac_conv s = lac_conv2d_shape(c);
    const bool packed = c->in[1]->uid != 0;
    size_t gx = 0, gw = 0;
    if (s.n == 0 || lac_no_upstream(c))
        return LAC_OK;
    if (!c->backward)
        return lac_dnn_conv_workspace(&s, LAC_CONV_FORWARD, s.dtype, packed, size);
    if (c->gin[0])
        LAC_TRY(lac_dnn_conv_workspace(&s, LAC_CONV_GRAD_X, c->gin[0]->dtype, packed, &gx));
    if (c->gin[1] || c->gin[2])
        LAC_TRY(lac_dnn_conv_workspace(&s, LAC_CONV_GRAD_W, s.dtype, packed, &gw));
    *size = lac_conv2d_sums_bytes(c) + gw_bytes(c) + LAC_MAX(gx, gw);
    return LAC_OK;
}

lac_status LAC_CPU(conv2d_forward)(const lac_op_ctx *c)
{
    const lac_conv s = lac_conv2d_shape(c);
    const lac_dnn_weight w = weight_of(c->in[1]);
    if (s.n == 0)
        return LAC_OK;
    return lac_dnn_conv_forward(&s, c->in[0]->data, &w, c->in[2] ? c->in[2]->data : NULL, c->in[3] ? c->in[3]->data : NULL, c->out[0]->data, c->workspace);
}

static lac_status weight_gradient(const lac_op_ctx *c, const lac_conv *s, const lac_tensor *gs, char *gw_f32, void *workspace)
{
    lac_tensor *gw = c->gin[1], *gb = c->gin[2], wide;
    const bool narrow = gw && gw->dtype != LAC_F32;
    float *to = gw ? narrow ? (float *)gw_f32 : gw->data : NULL;
    LAC_TRY(lac_dnn_conv_grad_w(s, c->in[0]->data, gs->data, to, !narrow && c->add[1], gb ? gb->data : NULL, c->add[2], workspace));
    if (!narrow)
        return LAC_OK;
    lac_tensor_shape(&wide, LAC_F32, gw->ndim, gw->dim);
    wide.data = gw_f32;
    return c->add[1] ? LAC_CPU(vector_add)(gw, &wide) : LAC_CPU(vector_convert)(gw, &wide);
}

LAC_BODY void through_activation(void *restrict gs, const void *restrict y, const void *restrict gy, int64_t from, int64_t to, lac_act_fn act, lac_dtype d, lac_dtype dgy)
{
    #pragma omp simd
    for (int64_t i = from; i < to; i++)
        lac_st(gs, i, d, lac_ld(gy, i, dgy) * lac_act_slope_by_value(act, lac_ld(y, i, d)));
}

/* The gradient of the sums, in the dtype of x. */
static lac_status gradient_of_sums(const lac_op_ctx *c, void *memory, lac_tensor *gs)
{
    const lac_act_fn act = ((const lac_conv2d_attr *)c->attr)->act;
    const lac_tensor *y = c->out[0], *gy = c->gout[0];
    if (act.kind == LAC_ACT_NONE)
        return lac_upstream(c, memory, gs);
    *gs = *y;
    gs->data = memory;
    LAC_PARALLEL_BLOCKS(b, from, to, lac_numel(y)) {
        (void)b;
        if (act.kind == LAC_ACT_LEAKY)
            LAC_EACH_DTYPE_2(y->dtype, gy->dtype, through_activation, memory, y->data, gy->data, from, to, lac_act_leaky(act.slope));
        else if (act.kind == LAC_ACT_RELU)
            LAC_EACH_DTYPE_2(y->dtype, gy->dtype, through_activation, memory, y->data, gy->data, from, to, lac_act_of(LAC_ACT_RELU));
        else
            LAC_EACH_DTYPE_2(y->dtype, gy->dtype, through_activation, memory, y->data, gy->data, from, to, lac_act_of(LAC_ACT_ELU));
    }
    return LAC_OK;
}

lac_status LAC_CPU(conv2d_backward)(const lac_op_ctx *c)
{
    const lac_conv s = lac_conv2d_shape(c);
    const lac_dnn_weight w = weight_of(c->in[1]);
    if (lac_no_upstream(c))
        return lac_zero_gradients(c);
    lac_tensor gs;
    LAC_TRY(gradient_of_sums(c, c->workspace, &gs));
    char *gw_f32 = (char *)c->workspace + lac_conv2d_sums_bytes(c), *rest = gw_f32 + gw_bytes(c);
    if (c->gin[0])
        LAC_TRY(lac_dnn_conv_grad_x(&s, gs.data, &w, c->gin[0]->data, c->gin[0]->dtype, c->add[0], rest));
    if (c->gin[1] || c->gin[2])
        LAC_TRY(weight_gradient(c, &s, &gs, gw_f32, rest));
    if (c->gin[3])
        return c->add[3] ? LAC_CPU(vector_add)(c->gin[3], &gs) : LAC_CPU(vector_convert)(c->gin[3], &gs);
    return LAC_OK;
}
