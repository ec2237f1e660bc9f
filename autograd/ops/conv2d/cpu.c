#include "autograd/ops/conv2d/shape.h"
#include "autograd/ops/upstream.h"
#include "core/cpu/cpu_vector.h"
#include "core/cpu/dnn.h"
#include "core/cpu/level.h"

static lac_dnn_weight weight_of(const lac_tensor *w) { return (lac_dnn_weight){ w->data, w->uid, w->version }; }

/* Backward's workspace: gy in the dtype of x | gw as f32, both only where the caller's differ | the library's. */
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
    *size = lac_upstream_bytes(c) + gw_bytes(c) + LAC_MAX(gx, gw);
    return LAC_OK;
}

lac_status LAC_CPU(conv2d_forward)(const lac_op_ctx *c)
{
    const lac_conv s = lac_conv2d_shape(c);
    const lac_dnn_weight w = weight_of(c->in[1]);
    if (s.n == 0)
        return LAC_OK;
    return lac_dnn_conv_forward(&s, c->in[0]->data, &w, c->in[2] ? c->in[2]->data : NULL, c->out[0]->data, c->workspace);
}

static lac_status weight_gradient(const lac_op_ctx *c, const lac_conv *s, const lac_tensor *gy, char *gw_f32, void *workspace)
{
    lac_tensor *gw = c->gin[1], *gb = c->gin[2], wide;
    const bool narrow = gw && gw->dtype != LAC_F32;
    float *to = gw ? narrow ? (float *)gw_f32 : gw->data : NULL;
    LAC_TRY(lac_dnn_conv_grad_w(s, c->in[0]->data, gy->data, to, !narrow && c->add[1], gb ? gb->data : NULL, c->add[2], workspace));
    if (!narrow)
        return LAC_OK;
    lac_tensor_shape(&wide, LAC_F32, gw->ndim, gw->dim);
    wide.data = gw_f32;
    return c->add[1] ? LAC_CPU(vector_add)(gw, &wide) : LAC_CPU(vector_convert)(gw, &wide);
}

lac_status LAC_CPU(conv2d_backward)(const lac_op_ctx *c)
{
    const lac_conv s = lac_conv2d_shape(c);
    const lac_dnn_weight w = weight_of(c->in[1]);
    if (lac_no_upstream(c))
        return lac_zero_gradients(c);
    lac_tensor gy;
    LAC_TRY(lac_upstream(c, c->workspace, &gy));
    char *gw_f32 = (char *)c->workspace + lac_upstream_bytes(c), *rest = gw_f32 + gw_bytes(c);
    if (c->gin[0])
        LAC_TRY(lac_dnn_conv_grad_x(&s, gy.data, &w, c->gin[0]->data, c->gin[0]->dtype, c->add[0], rest));
    return c->gin[1] || c->gin[2] ? weight_gradient(c, &s, &gy, gw_f32, rest) : LAC_OK;
}
