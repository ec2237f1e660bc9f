#include "autograd/ops/gan_loss/formula.h"
#include "core/cuda/kernel.h"

static gan_line line_of(const lac_op_ctx *c) { return gan_line_of(((const lac_gan_loss_attr *)c->attr)->term); }

template <int V, typename T> static __global__ void gan_loss_forward(double *partial, const T *__restrict__ x, int64_t n, gan_line l)
{
    double sum = 0;
    for LAC_EACH(i, n / V) {
        float v[V];
        lac_load(v, x + i * V);
        for (int j = 0; j < V; j++)
            sum += (double)gan_value(l.margin, l.sign, l.bend, v[j]);
    }
    sum = lac_block_sum(sum);
    if (threadIdx.x == 0)
        partial[blockIdx.x] = sum;
}

static __global__ void gan_loss_finish(float *y, const double *partial, unsigned parts)
{
    const double sum = lac_sum_parts(partial, parts);
    if (threadIdx.x == 0)
        *y = (float)sum;
}

template <int V, typename T, typename GY, typename GX>
static __global__ void gan_loss_backward(GX *__restrict__ gx, const T *__restrict__ x, const GY *__restrict__ gy, int64_t n, gan_line l, bool add)
{
    const float g = lac_f32(*gy);
    for LAC_EACH(i, n / V) {
        float v[V];
        lac_load(v, x + i * V);
        for (int j = 0; j < V; j++)
            v[j] = g * gan_slope(l.margin, l.sign, l.bend, v[j]);
        lac_put(gx + i * V, v, add);
    }
}

/* A sum per block of the forward pass. */
extern "C" lac_status gan_loss_workspace_cuda(const lac_op_ctx *c, size_t *size)
{
    *size = c->backward ? 0 : lac_parts(lac_numel(c->in[0])) * sizeof(double);
    return LAC_OK;
}

extern "C" lac_status gan_loss_forward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0];
    const unsigned parts = lac_parts(lac_numel(x));
    double *partial = (double *)c->workspace;
    LAC_TRY(lac_typed(lac_wide(lac_numel(x), x->data), [&](auto v, auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid{ parts, LAC_THREADS }, gan_loss_forward<v, T>, partial, lac_data<T>(x), lac_numel(x), line_of(c));
    }, x->dtype));
    return lac_launch(lac_grid{ 1, LAC_THREADS }, gan_loss_finish, lac_data<float>(c->out[0]), (const double *)partial, parts);
}

extern "C" lac_status gan_loss_backward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *gy = c->gout[0], *gx = c->gin[0];
    const int64_t n = lac_numel(x);
    if (gx == NULL)
        return LAC_OK;
    return lac_typed(lac_wide(n, x->data, gx->data), [&](auto v, auto t, auto u, auto w) {
        using T = decltype(t);
        using GY = decltype(u);
        using GX = decltype(w);
        return lac_launch(lac_grid_each(n / v), gan_loss_backward<v, T, GY, GX>, lac_data<GX>(gx), lac_data<T>(x), lac_data<GY>(gy), n, line_of(c), c->add[0]);
    }, x->dtype, gy->dtype, gx->dtype);
}
