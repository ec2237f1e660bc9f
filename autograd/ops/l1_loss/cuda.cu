#include "autograd/ops/l1_loss/l1_loss.h"
#include "core/cuda/kernel.h"

/* Elements, and how many share a weight; w NULL: all weigh 1. */
struct extent { int64_t all, n, n_mask; const float *w; bool valid; };

static extent extent_of(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *w = c->in[2];
    if (w == NULL)
        return extent{ lac_numel(x), 1, 1, NULL, false };
    return extent{ lac_numel(x), x->dim[3], lac_numel(w), (const float *)w->data, ((const lac_l1_loss_attr *)c->attr)->region == LAC_REGION_VALID };
}

__device__ static inline float weight(const extent &e, int64_t i)
{
    if (e.w == NULL)
        return 1;
    const float w = e.w[i / e.n % e.n_mask];
    return e.valid ? 1.0f - w : w;
}

template <int V, typename X, typename Y>
static __global__ void l1_loss_forward(double *partial, const X *__restrict__ x, const Y *__restrict__ y, extent e)
{
    double sum = 0, count = 0;
    for LAC_EACH(i, e.all / V) {
        float a[V], b[V];
        lac_load(a, x + i * V);
        lac_load(b, y + i * V);
        for (int j = 0; j < V; j++) {
            const float v = weight(e, i * V + j), d = a[j] - b[j];
            sum += (double)v * (double)(d < 0 ? -d : d);
            count += (double)v;
        }
    }
    sum = lac_block_sum(sum);
    count = lac_block_sum(count);
    if (threadIdx.x == 0) {
        partial[blockIdx.x] = sum;
        partial[gridDim.x + blockIdx.x] = count;
    }
}

static __global__ void l1_loss_finish(float *sum, float *count, const double *partial, unsigned parts)
{
    const double s = lac_sum_parts(partial, parts), n = lac_sum_parts(partial + parts, parts);
    if (threadIdx.x == 0) {
        *sum = (float)s;
        *count = (float)n;
    }
}

/* The gradient of x, or with sign -1 that of y. gy NULL: zero. */
template <int V, typename X, typename Y, typename GY, typename GX>
static __global__ void l1_loss_backward(GX *__restrict__ gx, const X *__restrict__ x, const Y *__restrict__ y, const GY *__restrict__ gy, extent e,
                                        float sign, bool add)
{
    const float g = gy ? sign * lac_f32(*gy) : 0.0f;
    for LAC_EACH(i, e.all / V) {
        float a[V], b[V];
        lac_load(a, x + i * V);
        lac_load(b, y + i * V);
        for (int j = 0; j < V; j++) {
            const float d = a[j] - b[j];
            a[j] = g * weight(e, i * V + j) * (d > 0 ? 1.0f : d < 0 ? -1.0f : 0.0f);
        }
        lac_put(gx + i * V, a, add);
    }
}

/* Two sums per block of the forward pass. */
extern "C" lac_status l1_loss_workspace_cuda(const lac_op_ctx *c, size_t *size)
{
    *size = c->backward ? 0 : 2 * lac_parts(lac_numel(c->in[0])) * sizeof(double);
    return LAC_OK;
}

extern "C" lac_status l1_loss_forward_cuda(const lac_op_ctx *c)
{
    const extent e = extent_of(c);
    const lac_tensor *x = c->in[0], *y = c->in[1];
    const unsigned parts = lac_parts(e.all);
    double *partial = (double *)c->workspace;
    LAC_TRY(lac_typed(lac_wide(e.all, x->data, y->data), [&](auto v, auto t, auto u) {
        using X = decltype(t);
        using Y = decltype(u);
        return lac_launch(lac_grid{ parts, LAC_THREADS }, l1_loss_forward<v, X, Y>, partial, lac_data<X>(x), lac_data<Y>(y), e);
    }, x->dtype, y->dtype));
    return lac_launch(lac_grid{ 1, LAC_THREADS }, l1_loss_finish, lac_data<float>(c->out[0]), lac_data<float>(c->out[1]), (const double *)partial, parts);
}

static lac_status backward(const lac_op_ctx *c, int which, const extent &e)
{
    const lac_tensor *x = c->in[0], *y = c->in[1], *gy = c->gout[0], *gx = c->gin[which];
    return lac_typed(lac_wide(e.all, x->data, y->data, gx->data), [&](auto v, auto t, auto u, auto w, auto z) {
        using X = decltype(t);
        using Y = decltype(u);
        using GY = decltype(w);
        using GX = decltype(z);
        return lac_launch(lac_grid_each(e.all / v), l1_loss_backward<v, X, Y, GY, GX>, lac_data<GX>(gx), lac_data<X>(x), lac_data<Y>(y), lac_data<GY>(gy), e,
                          which == 0 ? 1.0f : -1.0f, c->add[which]);
    }, x->dtype, y->dtype, gy ? gy->dtype : LAC_F32, gx->dtype);
}

extern "C" lac_status l1_loss_backward_cuda(const lac_op_ctx *c)
{
    const extent e = extent_of(c);
    for (int which = 0; which < 2; which++)
        if (c->gin[which] != NULL)
            LAC_TRY(backward(c, which, e));
    return LAC_OK;
}
