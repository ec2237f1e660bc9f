#include "autograd/ops/vlb_loss/vlb_loss.h"
#include "autograd/ops/vlb_loss/formula.h"
#include "core/cuda/kernel.h"

template <typename V, typename Y> struct vlb_given { const V *v; const Y *y; const float *target, *x0, *row; int64_t each, n; };

template <typename V, typename Y> static vlb_given<V, Y> given_of(const lac_op_ctx *c)
{
    const lac_tensor *v = c->in[0];
    return vlb_given<V, Y>{ lac_data<const V>(v), lac_data<const Y>(c->in[1]), lac_data<const float>(c->in[2]), lac_data<const float>(c->in[3]), lac_data<const float>(c->in[4]),
                            v->dim[0] ? lac_numel(v) / v->dim[0] : 0, lac_numel(v) };
}

template <typename V, typename Y> __device__ static inline float vlb_term(const vlb_given<V, Y> &g, int64_t i, float *slope)
{
    const float *row = g.row + i / g.each * VLB_ROW, e = row[VLB_MEAN] * (g.target[i] - lac_f32(g.y[i])), above = vlb_above(lac_f32(g.v[i]), row);
    return row[VLB_FIRST] > 0.5f ? vlb_surprise(e, g.x0[i], row[VLB_LEAST] + above, slope) : vlb_divergence(e, row[VLB_LEAST], above, slope);
}

template <typename V, typename Y> static __global__ void vlb_loss_forward(double *partial, vlb_given<V, Y> g)
{
    double sum = 0;
    float slope;
    for LAC_EACH(i, g.n)
        sum += (double)vlb_term(g, i, &slope);
    sum = lac_block_sum(sum);
    if (threadIdx.x == 0)
        partial[blockIdx.x] = sum;
}

static __global__ void vlb_loss_finish(float *sum, const double *partial, unsigned parts)
{
    const double s = lac_sum_parts(partial, parts);
    if (threadIdx.x == 0)
        *sum = (float)(s * (double)VLB_BITS);
}

template <typename V, typename Y, typename G> static __global__ void vlb_loss_backward(G *__restrict__ gv, vlb_given<V, Y> g, const float *gsum, bool add)
{
    for LAC_EACH(i, g.n) {
        const float *row = g.row + i / g.each * VLB_ROW;
        float slope;
        vlb_term(g, i, &slope);
        lac_put(gv + i, *gsum * VLB_BITS * 0.5f * row[VLB_SPAN] * slope, add);
    }
}

extern "C" lac_status vlb_loss_workspace_cuda(const lac_op_ctx *c, size_t *size)
{
    *size = c->backward ? 0 : lac_parts(lac_numel(c->in[0])) * sizeof(double);
    return LAC_OK;
}

extern "C" lac_status vlb_loss_forward_cuda(const lac_op_ctx *c)
{
    const unsigned parts = lac_parts(lac_numel(c->in[0]));
    double *partial = (double *)c->workspace;
    LAC_TRY(lac_typed([&](auto t, auto u) {
        using V = decltype(t);
        using Y = decltype(u);
        return lac_launch(lac_grid{ parts, LAC_THREADS }, vlb_loss_forward<V, Y>, partial, given_of<V, Y>(c));
    }, c->in[0]->dtype, c->in[1]->dtype));
    return lac_launch(lac_grid{ 1, LAC_THREADS }, vlb_loss_finish, lac_data<float>(c->out[0]), (const double *)partial, parts);
}

extern "C" lac_status vlb_loss_backward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *gv = c->gin[0];
    if (gv == NULL)
        return LAC_OK;
    return lac_typed([&](auto t, auto u, auto w) {
        using V = decltype(t);
        using Y = decltype(u);
        using G = decltype(w);
        return lac_launch(lac_grid_each(lac_numel(gv)), vlb_loss_backward<V, Y, G>, lac_data<G>(gv), given_of<V, Y>(c), lac_data<const float>(c->gout[0]), c->add[0]);
    }, c->in[0]->dtype, c->in[1]->dtype, gv->dtype);
}
