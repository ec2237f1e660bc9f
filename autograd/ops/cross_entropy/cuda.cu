#include "autograd/ops/cross_entropy/cross_entropy.h"
#include "autograd/ops/cross_entropy/formula.h"
#include "core/cuda/kernel.h"

struct targets { const void *ids, *column; bool wide; };       /* column NULL: ids are columns, or there are none */

static targets targets_of(const lac_op_ctx *c)
{
    return targets{ c->in[1] != NULL ? c->in[1]->data : NULL, c->in[2] != NULL ? c->in[2]->data : NULL, c->in[1] != NULL && c->in[1]->dtype == LAC_I64 };
}

/* Of a row of that many columns, the same on each lane of its warp. */
static __device__ inline float columns_of_name(const targets &to, int64_t r, int64_t n)
{
    float count = 0;
    for (int64_t k = threadIdx.x % LAC_WARP; k < n; k += LAC_WARP)
        count += lac_named_alike(to.ids, to.column, to.wide, r, k) ? 1.0f : 0.0f;
    return lac_warp_all<lac_sum>(count);
}

/* What is taken off the logarithm. */
template <typename T> static __device__ inline double wanted(const targets &to, const T *__restrict__ l, int64_t r, int64_t n)
{
    const int64_t target = to.column == NULL ? lac_target(to.ids, to.wide, r, n) : 0;
    if (to.column == NULL)
        return target < 0 ? (double)lac_from_bits(0x7fc00000u) : (double)lac_f32(l[r * n + target]);
    float sum = 0;
    for (int64_t k = threadIdx.x % LAC_WARP; k < n; k += LAC_WARP)
        sum += lac_named_alike(to.ids, to.column, to.wide, r, k) ? lac_f32(l[r * n + k]) : 0.0f;
    const float all = lac_warp_all<lac_sum>(sum), count = columns_of_name(to, r, n);
    return count > 0 ? (double)(all / count) : (double)lac_from_bits(0x7fc00000u);
}

/* A warp a row. */
template <typename T>
static __global__ void cross_entropy_forward(double *loss, float *log_sum, const T *__restrict__ l, targets to, int64_t rows, int64_t n)
{
    const int lane = threadIdx.x % LAC_WARP;
    for LAC_EACH(i, rows * LAC_WARP) {
        const int64_t r = i / LAC_WARP;
        float most = lac_f32(l[r * n]), sum = 0;
        for (int64_t k = lane; k < n; k += LAC_WARP)
            most = LAC_MAX(most, lac_f32(l[r * n + k]));
        most = lac_warp_all<lac_max>(most);
        for (int64_t k = lane; k < n; k += LAC_WARP)
            sum += lac_exp(lac_f32(l[r * n + k]) - most);
        const float all = lac_log_sum(most, lac_warp_all<lac_sum>(sum));
        const double off = wanted(to, l, r, n);
        if (lane != 0)
            continue;
        loss[r] = (double)all - off;
        if (log_sum != NULL)
            log_sum[r] = all;
    }
}

static __global__ void cross_entropy_finish(float *sum, float *count, const double *loss, int64_t rows)
{
    const double total = lac_sum_parts(loss, (unsigned)rows);
    if (threadIdx.x == 0) {
        *sum = (float)total;
        *count = (float)rows;
    }
}

template <typename T, typename G>
static __global__ void cross_entropy_backward(G *__restrict__ gl, const T *__restrict__ l, const float *__restrict__ log_sum, const float *g, targets to, int64_t rows,
                                              int64_t n, bool add)
{
    for LAC_EACH(i, rows * n) {
        const int64_t r = i / n, target = lac_target(to.ids, to.wide, r, n);
        const float all = target < 0 ? lac_from_bits(0x7fc00000u) : log_sum[r], up = g != NULL ? *g : 0.0f;
        lac_put(&gl[i], up * (lac_exp(lac_f32(l[i]) - all) - (i % n == target ? 1.0f : 0.0f)), add);
    }
}

/* A warp a row. */
template <typename T, typename G>
static __global__ void cross_entropy_backward_named(G *__restrict__ gl, const T *__restrict__ l, const float *__restrict__ log_sum, const float *g, targets to, int64_t rows,
                                                    int64_t n, bool add)
{
    for LAC_EACH(i, rows * LAC_WARP) {
        const int64_t r = i / LAC_WARP;
        const float count = columns_of_name(to, r, n), all = count > 0 ? log_sum[r] : lac_from_bits(0x7fc00000u), share = 1.0f / count, up = g != NULL ? *g : 0.0f;
        for (int64_t k = threadIdx.x % LAC_WARP; k < n; k += LAC_WARP)
            lac_put(&gl[r * n + k], up * (lac_exp(lac_f32(l[r * n + k]) - all) - (lac_named_alike(to.ids, to.column, to.wide, r, k) ? share : 0.0f)), add);
    }
}

/* A number a row. */
extern "C" lac_status cross_entropy_workspace_cuda(const lac_op_ctx *c, size_t *size)
{
    *size = c->backward ? 0 : (size_t)c->in[0]->dim[0] * sizeof(double);
    return LAC_OK;
}

extern "C" lac_status cross_entropy_forward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *l = c->in[0];
    const int64_t rows = l->dim[0];
    double *loss = (double *)c->workspace;
    LAC_TRY(lac_typed([&](auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid_each(rows * LAC_WARP), cross_entropy_forward<T>, loss, lac_data<float>(c->out[2]), lac_data<const T>(l), targets_of(c), rows, l->dim[1]);
    }, l->dtype));
    return lac_launch(lac_grid{ 1, LAC_THREADS }, cross_entropy_finish, lac_data<float>(c->out[0]), lac_data<float>(c->out[1]), (const double *)loss, rows);
}

extern "C" lac_status cross_entropy_backward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *l = c->in[0], *gl = c->gin[0];
    return lac_typed([&](auto t, auto u) {
        using T = decltype(t);
        using G = decltype(u);
        if (c->in[2] != NULL)
            return lac_launch(lac_grid_each(l->dim[0] * LAC_WARP), cross_entropy_backward_named<T, G>, lac_data<G>(gl), lac_data<const T>(l), lac_data<const float>(c->out[2]),
                              lac_data<const float>(c->gout[0]), targets_of(c), l->dim[0], l->dim[1], c->add[0]);
        return lac_launch(lac_grid_each(lac_numel(l)), cross_entropy_backward<T, G>, lac_data<G>(gl), lac_data<const T>(l), lac_data<const float>(c->out[2]),
                          lac_data<const float>(c->gout[0]), targets_of(c), l->dim[0], l->dim[1], c->add[0]);
    }, l->dtype, gl->dtype);
}
