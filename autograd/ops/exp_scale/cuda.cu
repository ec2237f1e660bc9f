#include "autograd/ops/exp_scale/exp_scale.h"
#include "core/cuda/kernel.h"

template <typename F, typename T> static __global__ void exp_scale_apply(T *__restrict__ to, const F *__restrict__ from, const float *s, int64_t n, bool add)
{
    for LAC_EACH(i, n)
        lac_put(&to[i], lac_exp(*s) * lac_f32(from[i]), add);
}

template <typename X, typename GY> static __global__ void exp_scale_dot(double *partial, const X *__restrict__ x, const GY *__restrict__ gy, int64_t n)
{
    double sum = 0;
    for LAC_EACH(i, n)
        sum += (double)lac_f32(x[i]) * (double)lac_f32(gy[i]);
    sum = lac_block_sum(sum);
    if (threadIdx.x == 0)
        partial[blockIdx.x] = sum;
}

static __global__ void exp_scale_finish(float *gs, const double *partial, unsigned parts, const float *s, bool add)
{
    const double sum = lac_sum_parts(partial, parts);
    if (threadIdx.x == 0)
        lac_put(gs, (float)(sum * (double)lac_exp(*s)), add);
}

extern "C" lac_status exp_scale_workspace_cuda(const lac_op_ctx *c, size_t *size)
{
    *size = c->backward && c->gin[1] != NULL ? lac_parts(lac_numel(c->in[0])) * sizeof(double) : 0;
    return LAC_OK;
}

static lac_status apply(const lac_op_ctx *c, const lac_tensor *to, const lac_tensor *from, bool add)
{
    return lac_typed([&](auto t, auto u) {
        using F = decltype(t);
        using T = decltype(u);
        return lac_launch(lac_grid_each(lac_numel(to)), exp_scale_apply<F, T>, lac_data<T>(to), lac_data<const F>(from), lac_data<const float>(c->in[1]), lac_numel(to), add);
    }, from->dtype, to->dtype);
}

extern "C" lac_status exp_scale_forward_cuda(const lac_op_ctx *c) { return apply(c, c->out[0], c->in[0], false); }

extern "C" lac_status exp_scale_backward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *gy = c->gout[0];
    const unsigned parts = lac_parts(lac_numel(x));
    double *partial = (double *)c->workspace;
    if (c->gin[0] != NULL)
        LAC_TRY(apply(c, c->gin[0], gy, c->add[0]));
    if (c->gin[1] == NULL)
        return LAC_OK;
    LAC_TRY(lac_typed([&](auto t, auto u) {
        using X = decltype(t);
        using GY = decltype(u);
        return lac_launch(lac_grid{ parts, LAC_THREADS }, exp_scale_dot<X, GY>, partial, lac_data<const X>(x), lac_data<const GY>(gy), lac_numel(x));
    }, x->dtype, gy->dtype));
    return lac_launch(lac_grid{ 1, LAC_THREADS }, exp_scale_finish, lac_data<float>(c->gin[1]), (const double *)partial, parts, lac_data<const float>(c->in[1]), c->add[1]);
}
