#include "autograd/ops/conv2d/shape.h"
#include "autograd/ops/upstream.h"
#include "core/cuda/conv.h"
#include "core/cuda/kernel.h"

/* *most becomes what the pass wants where that is more. */
static lac_status widen(size_t *most, const lac_conv &s, lac_conv_pass pass, lac_dtype d)
{
    size_t size = 0;
    LAC_TRY(lac_cuda_conv_workspace(&s, pass, d, &size));
    *most = LAC_MAX(*most, size);
    return LAC_OK;
}

static lac_dtype gw_dtype(const lac_op_ctx *c) { return c->gin[1] ? c->gin[1]->dtype : LAC_F32; }

static lac_status largest(const lac_op_ctx *c, const lac_conv &s, size_t *most)
{
    if (!c->backward)
        return widen(most, s, LAC_CONV_FORWARD, s.dtype);
    if (c->gin[0])
        LAC_TRY(widen(most, s, LAC_CONV_GRAD_X, c->gin[0]->dtype));
    return c->gin[1] || c->gin[2] ? widen(most, s, LAC_CONV_GRAD_W, gw_dtype(c)) : LAC_OK;
}

extern "C" lac_status conv2d_workspace_cuda(const lac_op_ctx *c, size_t *size)
{
    const lac_conv s = lac_conv2d_shape(c);
    lac_areas a(NULL);
    size_t most = 0;
    if (s.n == 0 || lac_no_upstream(c))
        return LAC_OK;
    LAC_TRY(largest(c, s, &most));
    a.take(lac_upstream_bytes(c));
    a.take(most);
    *size = a.size();
    return LAC_OK;
}

extern "C" lac_status conv2d_forward_cuda(const lac_op_ctx *c)
{
    const lac_conv s = lac_conv2d_shape(c);
    lac_areas a(c->workspace);
    if (lac_no_upstream(c))
        return LAC_OK;
    return lac_cuda_conv_forward(&s, c->in[0]->data, c->in[1]->data, lac_data<float>(c->in[2]), c->out[0]->data, a.take(0));
}

extern "C" lac_status conv2d_backward_cuda(const lac_op_ctx *c)
{
    const lac_conv s = lac_conv2d_shape(c);
    lac_areas a(c->workspace);
    if (lac_no_upstream(c))
        return lac_zero_gradients(c);
    lac_tensor gy;
    void *converted = a.take(lac_upstream_bytes(c)), *rest = a.take(0);
    LAC_TRY(lac_upstream(c, converted, &gy));
    if (c->gin[0])
        LAC_TRY(lac_cuda_conv_grad_x(&s, gy.data, c->in[1]->data, c->gin[0]->data, c->gin[0]->dtype, c->add[0], rest));
    if (!c->gin[1] && !c->gin[2])
        return LAC_OK;
    return lac_cuda_conv_grad_w(&s, c->in[0]->data, gy.data, lac_data<void>(c->gin[1]), gw_dtype(c), c->add[1], lac_data<float>(c->gin[2]), c->add[2], rest);
}
