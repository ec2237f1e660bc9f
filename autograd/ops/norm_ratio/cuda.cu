#include "autograd/ops/norm_ratio/norm_ratio.h"
#include "core/cuda/kernel.h"

template <int V, typename T> static __global__ void norm_ratio_squares(double *partial, const T *__restrict__ x, int64_t n)
{
    double sum = 0;
    for LAC_EACH(i, n / V) {
        float v[V];
        lac_load(v, x + i * V);
        for (int j = 0; j < V; j++)
            sum += (double)v[j] * (double)v[j];
    }
    sum = lac_block_sum(sum);
    if (threadIdx.x == 0)
        partial[blockIdx.x] = sum;
}

static __global__ void norm_ratio_finish(float *y, const double *a, unsigned parts_a, const double *b, unsigned parts_b, lac_norm_ratio_attr attr)
{
    const double square_a = lac_sum_parts(a, parts_a), square_b = lac_sum_parts(b, parts_b);
    const float ratio = (float)(sqrt(square_a) / (sqrt(square_b) + (double)attr.eps));
    if (threadIdx.x == 0)
        *y = attr.most > 0 && ratio > attr.most ? attr.most : ratio;
}

static unsigned parts(const lac_op_ctx *c, int i) { return lac_parts(lac_numel(c->in[i])); }

static lac_status squares(const lac_tensor *x, unsigned n_parts, double *partial)
{
    const int64_t n = lac_numel(x);
    return lac_typed(lac_wide(n, x->data), [&](auto v, auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid{ n_parts, LAC_THREADS }, norm_ratio_squares<v, T>, partial, lac_data<const T>(x), n);
    }, x->dtype);
}

/* The sums of a's blocks, then those of b's. */
extern "C" lac_status norm_ratio_workspace_cuda(const lac_op_ctx *c, size_t *size)
{
    *size = (parts(c, 0) + parts(c, 1)) * sizeof(double);
    return LAC_OK;
}

extern "C" lac_status norm_ratio_forward_cuda(const lac_op_ctx *c)
{
    double *a = (double *)c->workspace, *b = a + parts(c, 0);
    LAC_TRY(squares(c->in[0], parts(c, 0), a));
    LAC_TRY(squares(c->in[1], parts(c, 1), b));
    return lac_launch(lac_grid{ 1, LAC_THREADS }, norm_ratio_finish, lac_data<float>(c->out[0]), (const double *)a, parts(c, 0), (const double *)b, parts(c, 1),
                      *(const lac_norm_ratio_attr *)c->attr);
}
