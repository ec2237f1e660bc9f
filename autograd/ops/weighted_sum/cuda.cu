#include "autograd/ops/weighted_sum/weighted_sum.h"
#include "core/cuda/kernel.h"

struct scalars { const float *at[LAC_MAX_IN]; };

static __global__ void weighted_sum_forward(float *y, scalars s, lac_weighted_sum_attr a)
{
    double sum = 0;
    for (int i = 0; i < LAC_MAX_IN && s.at[i] != NULL; i++)
        sum += (double)a.w[i] * (double)*s.at[i];
    if (threadIdx.x == 0)
        *y = (float)sum;
}

template <typename GY, typename GX> static __global__ void weighted_sum_backward(GX *gx, const GY *gy, float w, bool add)
{
    if (threadIdx.x == 0)
        lac_put(gx, w * lac_f32(*gy), add);
}

static const lac_weighted_sum_attr *attr_of(const lac_op_ctx *c) { return (const lac_weighted_sum_attr *)c->attr; }

extern "C" lac_status weighted_sum_forward_cuda(const lac_op_ctx *c)
{
    scalars s;
    for (int i = 0; i < LAC_MAX_IN; i++)
        s.at[i] = lac_data<const float>(c->in[i]);
    return lac_launch(lac_grid{ 1, LAC_WARP }, weighted_sum_forward, lac_data<float>(c->out[0]), s, *attr_of(c));
}

extern "C" lac_status weighted_sum_backward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *gy = c->gout[0];
    for (int i = 0; i < LAC_MAX_IN && c->in[i] != NULL; i++)
        if (c->gin[i] != NULL)
            LAC_TRY(lac_typed([&](auto t, auto u) {
                using GY = decltype(t);
                using GX = decltype(u);
                return lac_launch(lac_grid{ 1, LAC_WARP }, weighted_sum_backward<GY, GX>, lac_data<GX>(c->gin[i]), lac_data<GY>(gy), attr_of(c)->w[i], c->add[i]);
            }, gy->dtype, c->gin[i]->dtype));
    return LAC_OK;
}
