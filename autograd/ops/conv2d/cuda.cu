#include "autograd/ops/conv2d/shape.h"
#include "core/backend.h"
#include "core/cuda/conv.h"
#include "core/cuda/kernel.h"

static bool is_empty(const lac_op_ctx *c) { return lac_numel(c->in[0]) == 0; }

/* A failure comes back with the call itself. */
static size_t library_bytes(const lac_conv &s, lac_conv_pass pass, lac_dtype d)
{
    size_t size = 0;
    return lac_cuda_conv_workspace(&s, pass, d, &size) == LAC_OK ? size : 0;
}

static lac_dtype gw_dtype(const lac_op_ctx *c) { return c->gin[1] ? c->gin[1]->dtype : LAC_F32; }

static size_t largest(const lac_op_ctx *c, const lac_conv &s)
{
    if (!c->backward)
        return library_bytes(s, LAC_CONV_FORWARD, s.dtype);
    const size_t gx = c->gin[0] ? library_bytes(s, LAC_CONV_GRAD_X, c->gin[0]->dtype) : 0;
    const size_t gw = c->gin[1] || c->gin[2] ? library_bytes(s, LAC_CONV_GRAD_W, gw_dtype(c)) : 0;
    return LAC_MAX(gx, gw);
}

/* The upstream gradient in the dtype of x, where the caller's differs. */
static size_t gy_bytes(const lac_op_ctx *c)
{
    return !c->backward || c->gout[0]->dtype == c->in[0]->dtype ? 0 : (size_t)lac_numel(c->gout[0]) * lac_dtype_size(c->in[0]->dtype);
}

extern "C" size_t conv2d_workspace_cuda(const lac_op_ctx *c)
{
    lac_areas a(NULL);
    if (is_empty(c))
        return 0;
    a.take(gy_bytes(c));
    a.take(largest(c, lac_conv2d_shape(c)));
    return a.size();
}

extern "C" lac_status conv2d_forward_cuda(const lac_op_ctx *c)
{
    const lac_conv s = lac_conv2d_shape(c);
    lac_areas a(c->workspace);
    if (is_empty(c))
        return LAC_OK;
    return lac_cuda_conv_forward(&s, c->in[0]->data, c->in[1]->data, lac_data<float>(c->in[2]), c->out[0]->data, a.take(0));
}

static lac_status zero_gradients(const lac_op_ctx *c)
{
    for (int i = 0; i < 3; i++)
        if (c->gin[i] && !c->add[i])
            LAC_TRY(c->backend->fill_zero(c->gin[i]->data, lac_bytes(c->gin[i])));
    return LAC_OK;
}

extern "C" lac_status conv2d_backward_cuda(const lac_op_ctx *c)
{
    const lac_conv s = lac_conv2d_shape(c);
    lac_areas a(c->workspace);
    if (is_empty(c))
        return zero_gradients(c);
    lac_tensor gy = *c->gout[0];
    void *converted = a.take(gy_bytes(c)), *rest = a.take(0);
    if (gy_bytes(c) > 0) {
        gy.dtype = s.dtype;
        gy.data = converted;
        LAC_TRY(c->backend->convert(&gy, c->gout[0]));
    }
    if (c->gin[0])
        LAC_TRY(lac_cuda_conv_grad_x(&s, gy.data, c->in[1]->data, c->gin[0]->data, c->gin[0]->dtype, c->add[0], rest));
    if (!c->gin[1] && !c->gin[2])
        return LAC_OK;
    return lac_cuda_conv_grad_w(&s, c->in[0]->data, gy.data, lac_data<void>(c->gin[1]), gw_dtype(c), c->add[1], lac_data<float>(c->gin[2]), c->add[2], rest);
}
