#include "autograd/ops/lincomb/lincomb.h"
#include "core/cuda/kernel.h"

struct terms { const void *at[LAC_LINCOMB_MAX]; bool narrow[LAC_LINCOMB_MAX]; int n; };     /* narrow: bf16 */

/* Elements that share a row of coefficients: all where there is one row. */
static int64_t each_of(const lac_op_ctx *c, const lac_tensor *x)
{
    const lac_tensor *a = c->in[0];
    const int64_t each = a->ndim == 2 && a->dim[0] > 0 ? lac_numel(x) / a->dim[0] : lac_numel(x);
    return each > 0 ? each : 1;
}

template <int V> __device__ static inline void load(float (&v)[V], const terms &x, int k, int64_t i)
{
    if (x.narrow[k])
        lac_load(v, (const lac_bf16 *)x.at[k] + i);
    else
        lac_load(v, (const float *)x.at[k] + i);
}

template <int V, typename Y> static __global__ void lincomb_forward(Y *__restrict__ y, const float *__restrict__ a, terms x, int64_t n, int64_t each)
{
    for LAC_EACH(p, n / V) {
        const int64_t i = p * V;
        const float *row = a + i / each * x.n;
        float sum[V], v[V];
        load(v, x, 0, i);
        for (int j = 0; j < V; j++)
            sum[j] = row[0] * v[j];
        for (int k = 1; k < x.n; k++) {
            load(v, x, k, i);
            for (int j = 0; j < V; j++)
                sum[j] = lac_fma(row[k], v[j], sum[j]);
        }
        lac_put(y + i, sum, false);
    }
}

/* a: the column of this term; n_terms from one sample's to the next. */
template <int V, typename GY, typename GX>
static __global__ void lincomb_backward(GX *__restrict__ gx, const GY *__restrict__ gy, const float *__restrict__ a, int n_terms, int64_t n, int64_t each, bool add)
{
    for LAC_EACH(p, n / V) {
        const int64_t i = p * V;
        const float w = a[i / each * n_terms];
        float v[V];
        lac_load(v, gy + i);
        for (int j = 0; j < V; j++)
            v[j] *= w;
        lac_put(gx + i, v, add);
    }
}

extern "C" lac_status lincomb_forward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *y = c->out[0];
    const int64_t n = lac_numel(y), each = each_of(c, y);
    terms x = {};
    bool wide = each % LAC_WIDE == 0 && lac_wide(n, y->data);
    for (; x.n < LAC_LINCOMB_MAX && c->in[1 + x.n] != NULL; x.n++) {
        x.at[x.n] = c->in[1 + x.n]->data;
        x.narrow[x.n] = c->in[1 + x.n]->dtype == LAC_BF16;
        wide = wide && lac_wide(n, x.at[x.n]);
    }
    return lac_typed(wide, [&](auto v, auto t) {
        using Y = decltype(t);
        return lac_launch(lac_grid_each(n / v), lincomb_forward<v, Y>, lac_data<Y>(y), lac_data<const float>(c->in[0]), x, n, each);
    }, y->dtype);
}

static lac_status backward(const lac_op_ctx *c, int k, int n_terms)
{
    const lac_tensor *gy = c->gout[0], *gx = c->gin[1 + k];
    const int64_t n = lac_numel(gy), each = each_of(c, gy);
    return lac_typed(each % LAC_WIDE == 0 && lac_wide(n, gy->data, gx->data), [&](auto v, auto t, auto u) {
        using GY = decltype(t);
        using GX = decltype(u);
        return lac_launch(lac_grid_each(n / v), lincomb_backward<v, GY, GX>, lac_data<GX>(gx), lac_data<GY>(gy), lac_data<const float>(c->in[0]) + k,
                          n_terms, n, each, c->add[1 + k]);
    }, gy->dtype, gx->dtype);
}

extern "C" lac_status lincomb_backward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *a = c->in[0];
    const int n_terms = (int)a->dim[a->ndim - 1];
    for (int k = 0; k < n_terms; k++)
        if (c->gin[1 + k] != NULL)
            LAC_TRY(backward(c, k, n_terms));
    return LAC_OK;
}
