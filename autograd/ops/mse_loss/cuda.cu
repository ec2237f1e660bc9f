#include "autograd/ops/mse_loss/mse_loss.h"
#include "core/cuda/kernel.h"

/* Samples of so many elements; each sample's sum goes over so many blocks. */
struct extent { int64_t samples, each; unsigned parts; };

static extent extent_of(const lac_tensor *x)
{
    const int64_t each = x->dim[0] ? lac_numel(x) / x->dim[0] : 0;
    return extent{ x->dim[0], each, lac_parts(each) };
}

template <int V, typename X, typename Y>
static __global__ void mse_loss_forward(double *partial, const X *__restrict__ x, const Y *__restrict__ y, extent e)
{
    for LAC_EACH_BLOCK(b, e.samples * e.parts) {
        const int64_t start = b / e.parts * e.each, step = (int64_t)e.parts * blockDim.x * V;
        double sum = 0;
        for (int64_t i = (b % e.parts * blockDim.x + threadIdx.x) * V; i < e.each; i += step) {
            float u[V], v[V];
            lac_load(u, x + start + i);
            lac_load(v, y + start + i);
            for (int j = 0; j < V; j++) {
                const float d = u[j] - v[j];
                sum += (double)d * (double)d;
            }
        }
        sum = lac_block_sum(sum);
        if (threadIdx.x == 0)
            partial[b] = sum;
    }
}

static __global__ void mse_loss_finish(float *sum, float *count, float *mean, const double *partial, const float *w, extent e)
{
    double total = 0;
    for (int64_t n = 0; n < e.samples; n++) {
        const double s = (w ? (double)w[n] : 1.0) * lac_sum_parts(partial + n * e.parts, e.parts);
        if (threadIdx.x == 0)
            mean[n] = e.each ? (float)(s / (double)e.each) : 0.0f;
        total += s;
    }
    if (threadIdx.x == 0) {
        *sum = (float)total;
        *count = (float)(e.samples * e.each);
    }
}

/* The gradient of x, or with sign -1 that of y. gsum, gmean NULL: zero. */
template <int V, typename X, typename Y, typename GX>
static __global__ void mse_loss_backward(GX *__restrict__ gx, const X *__restrict__ x, const Y *__restrict__ y, const float *w, const float *gsum,
                                         const float *gmean, extent e, float sign, bool add)
{
    for LAC_EACH(p, e.samples * e.each / V) {
        const int64_t i = p * V, n = i / e.each;
        const double g = (gsum ? (double)*gsum : 0.0) + (gmean ? (double)gmean[n] / (double)e.each : 0.0);
        const float slope = sign * (float)(2 * (w ? (double)w[n] : 1.0) * g);
        float u[V], v[V];
        lac_load(u, x + i);
        lac_load(v, y + i);
        for (int j = 0; j < V; j++)
            u[j] = slope * (u[j] - v[j]);
        lac_put(gx + i, u, add);
    }
}

/* A sum per block of the forward pass. */
extern "C" lac_status mse_loss_workspace_cuda(const lac_op_ctx *c, size_t *size)
{
    const extent e = extent_of(c->in[0]);
    *size = c->backward ? 0 : (size_t)e.samples * e.parts * sizeof(double);
    return LAC_OK;
}

extern "C" lac_status mse_loss_forward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *y = c->in[1];
    const extent e = extent_of(x);
    const int64_t blocks = e.samples * e.parts;
    const unsigned grid = (unsigned)(blocks < LAC_MAX_BLOCKS ? blocks : LAC_MAX_BLOCKS);
    double *partial = (double *)c->workspace;
    LAC_TRY(lac_typed(lac_wide(e.each, x->data, y->data), [&](auto v, auto t, auto u) {
        using X = decltype(t);
        using Y = decltype(u);
        return lac_launch(lac_grid{ grid, LAC_THREADS }, mse_loss_forward<v, X, Y>, partial, lac_data<X>(x), lac_data<Y>(y), e);
    }, x->dtype, y->dtype));
    return lac_launch(lac_grid{ 1, LAC_THREADS }, mse_loss_finish, lac_data<float>(c->out[0]), lac_data<float>(c->out[1]), lac_data<float>(c->out[2]),
                      (const double *)partial, lac_data<const float>(c->in[2]), e);
}

static lac_status backward(const lac_op_ctx *c, int which, const extent &e)
{
    const lac_tensor *x = c->in[0], *y = c->in[1], *gx = c->gin[which];
    return lac_typed(lac_wide(e.each, x->data, y->data, gx->data), [&](auto v, auto t, auto u, auto z) {
        using X = decltype(t);
        using Y = decltype(u);
        using GX = decltype(z);
        return lac_launch(lac_grid_each(e.samples * e.each / v), mse_loss_backward<v, X, Y, GX>, lac_data<GX>(gx), lac_data<X>(x), lac_data<Y>(y),
                          lac_data<const float>(c->in[2]), lac_data<const float>(c->gout[0]), lac_data<const float>(c->gout[2]), e,
                          which == 0 ? 1.0f : -1.0f, c->add[which]);
    }, x->dtype, y->dtype, gx->dtype);
}

extern "C" lac_status mse_loss_backward_cuda(const lac_op_ctx *c)
{
    const extent e = extent_of(c->in[0]);
    for (int which = 0; which < 2; which++)
        if (c->gin[which] != NULL)
            LAC_TRY(backward(c, which, e));
    return LAC_OK;
}
