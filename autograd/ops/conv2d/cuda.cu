#include "autograd/ops/conv2d/shape.h"
#include "autograd/ops/upstream.h"
#include "core/cuda/conv.h"
#include "core/cuda/kernel.h"
#include "core/cuda/vector.h"

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
    a.take(lac_conv2d_sums_bytes(c));
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
    return lac_cuda_conv_forward(&s, c->in[0]->data, c->in[1]->data, lac_data<float>(c->in[2]), lac_data<void>(c->in[3]), c->out[0]->data, a.take(0));
}

template <int V, typename T, typename GY> static __global__ void conv2d_through_activation(T *__restrict__ gs, const T *__restrict__ y, const GY *__restrict__ gy, int64_t n, lac_act_fn act)
{
    for LAC_EACH(i, n / V) {
        float v[V], g[V];
        lac_load(v, y + i * V);
        lac_load(g, gy + i * V);
        for (int k = 0; k < V; k++)
            g[k] *= lac_act_slope_by_value(act, v[k]);
        lac_store(gs + i * V, g);
    }
}

/* The gradient of the sums, in the dtype of x. */
static lac_status gradient_of_sums(const lac_op_ctx *c, void *memory, lac_tensor *gs)
{
    const lac_act_fn act = ((const lac_conv2d_attr *)c->attr)->act;
    const lac_tensor *y = c->out[0], *gy = c->gout[0];
    const int64_t n = lac_numel(y);
    if (act.kind == LAC_ACT_NONE)
        return lac_upstream(c, memory, gs);
    *gs = *y;
    gs->data = memory;
    return lac_typed(lac_wide(n, y->data, gy->data, memory), [&](auto v, auto t, auto u) {
        using T = decltype(t);
        using GY = decltype(u);
        return lac_launch(lac_grid_each(n / v), conv2d_through_activation<v, T, GY>, (T *)memory, lac_data<T>(y), lac_data<GY>(gy), n, act);
    }, y->dtype, gy->dtype);
}

extern "C" lac_status conv2d_backward_cuda(const lac_op_ctx *c)
{
    const lac_conv s = lac_conv2d_shape(c);
    lac_areas a(c->workspace);
    if (lac_no_upstream(c))
        return lac_zero_gradients(c);
    lac_tensor gs;
    void *memory = a.take(lac_conv2d_sums_bytes(c)), *rest = a.take(0);
    LAC_TRY(gradient_of_sums(c, memory, &gs));
    if (c->gin[0])
        LAC_TRY(lac_cuda_conv_grad_x(&s, gs.data, c->in[1]->data, c->gin[0]->data, c->gin[0]->dtype, c->add[0], rest));
    if (c->gin[1] || c->gin[2])
        LAC_TRY(lac_cuda_conv_grad_w(&s, c->in[0]->data, gs.data, lac_data<void>(c->gin[1]), gw_dtype(c), c->add[1], lac_data<float>(c->gin[2]), c->add[2], rest));
    if (c->gin[3])
        return c->add[3] ? lac_cuda_add(c->gin[3], &gs) : lac_cuda_convert(c->gin[3], &gs);
    return LAC_OK;
}
