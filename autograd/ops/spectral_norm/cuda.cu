#include "autograd/ops/spectral_norm/spectral_norm.h"
#include "core/cuda/kernel.h"

/* M [rows, columns] as it lies, and what one call makes of it; *sigma and *norm are on the device. */
struct matrix { int64_t rows, columns; const float *m; };

static matrix matrix_of(const lac_op_ctx *c)
{
    const lac_tensor *w = c->in[0];
    return matrix{ w->dim[0], lac_numel(w) / w->dim[0], (const float *)w->data };
}

/* y = M^T x: a block takes LAC_WARP columns, its warps every SLICES-th row; their sums are added in order. */
constexpr int SLICES = LAC_THREADS / LAC_WARP;

static __global__ void spectral_norm_times_transposed(float *__restrict__ y, matrix a, const float *__restrict__ x)
{
    __shared__ float part[SLICES][LAC_WARP];
    const int lane = threadIdx.x % LAC_WARP, slice = threadIdx.x / LAC_WARP;
    for LAC_EACH_BLOCK(b, (a.columns + LAC_WARP - 1) / LAC_WARP) {
        const int64_t j = b * LAC_WARP + lane;
        float sum = 0;
        for (int64_t o = slice; o < a.rows && j < a.columns; o += SLICES)
            sum = lac_fma(x[o], a.m[o * a.columns + j], sum);
        __syncthreads();
        part[slice][lane] = sum;
        __syncthreads();
        for (int s = 1; slice == 0 && s < SLICES; s++)
            sum += part[s][lane];
        if (slice == 0 && j < a.columns)
            y[j] = sum;
    }
}

__device__ static inline double dot(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = threadIdx.x; i < n; i += blockDim.x)
        sum += (double)a[i] * (double)b[i];
    return lac_block_sum(sum);
}

/* y = M x: a block per row. */
static __global__ void spectral_norm_times(float *__restrict__ y, matrix a, const float *__restrict__ x)
{
    for LAC_EACH_BLOCK(o, a.rows) {
        const double sum = dot(a.m + o * a.columns, x, a.columns);
        if (threadIdx.x == 0)
            y[o] = (float)sum;
    }
}

/* One block: x / (|x| + 1e-12) in place; |x| goes to *norm, and to *sigma M v . u' = |x|^2 / (|x| + 1e-12), where they are wanted. */
static __global__ void spectral_norm_normalise(float *x, int64_t n, float *norm, float *sigma)
{
    const double length = sqrt(dot(x, x, n)), scale = 1.0 / (length + 1e-12);
    for (int64_t i = threadIdx.x; i < n; i += blockDim.x)
        x[i] = (float)((double)x[i] * scale);
    if (threadIdx.x > 0)
        return;
    if (norm != NULL)
        *norm = (float)length;
    const double r = (double)(float)length;
    if (sigma != NULL)
        *sigma = (float)(r * (r / (r + 1e-12)));
}

template <int V, typename T> static __global__ void spectral_norm_scale(T *__restrict__ y, const float *__restrict__ x, const float *sigma, int64_t n)
{
    for LAC_EACH(i, n / V) {
        float v[V];
        lac_load(v, x + i * V);
        for (int j = 0; j < V; j++)
            v[j] /= *sigma;
        lac_store(y + i * V, v);
    }
}

static lac_status times_transposed(float *y, const matrix &a, const float *x)
{
    return lac_launch(lac_grid_rows((a.columns + LAC_WARP - 1) / LAC_WARP, LAC_THREADS), spectral_norm_times_transposed, y, a, x);
}

extern "C" lac_status spectral_norm_forward_cuda(const lac_op_ctx *c)
{
    const matrix a = matrix_of(c);
    const lac_tensor *y = c->out[0];
    float *sigma = lac_data<float>(c->out[1]), *u = lac_data<float>(c->out[2]), *norm = lac_data<float>(c->out[4]);
    float *v = c->out[3] ? lac_data<float>(c->out[3]) : (float *)c->workspace;
    const lac_grid one = { 1, 1024 };
    LAC_TRY(times_transposed(v, a, lac_data<float>(c->in[1])));
    LAC_TRY(lac_launch(one, spectral_norm_normalise, v, a.columns, norm, (float *)NULL));
    LAC_TRY(lac_launch(lac_grid_rows(a.rows, a.columns), spectral_norm_times, u, a, (const float *)v));
    LAC_TRY(lac_launch(one, spectral_norm_normalise, u, a.rows, (float *)NULL, sigma));
    const int64_t n = a.rows * a.columns;
    return lac_typed(lac_wide(n, a.m, y->data), [&](auto width, auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid_each(n / width), spectral_norm_scale<width, T>, lac_data<T>(y), a.m, (const float *)sigma, n);
    }, y->dtype);
}

/* Backward's workspace: <gw_sn, weight> by row | dL/dsigma | (full) dL/d(M^T u) over dL/dsigma. */
struct areas { double *rows; float *gs, *ga; };

static areas lay_out(const lac_op_ctx *c, lac_areas *a)
{
    const matrix m = matrix_of(c);
    areas s;
    s.rows = a->take<double>((size_t)m.rows * sizeof(double));
    s.gs = a->take<float>(sizeof(float));
    s.ga = ((const lac_spectral_norm_attr *)c->attr)->full ? a->take<float>((size_t)m.columns * sizeof(float)) : NULL;
    return s;
}

extern "C" lac_status spectral_norm_workspace_cuda(const lac_op_ctx *c, size_t *size)
{
    lac_areas a(NULL);
    if (c->backward)
        lay_out(c, &a);
    else if (c->out[3] == NULL)         /* v, where it is not saved */
        a.take((size_t)matrix_of(c).columns * sizeof(float));
    *size = a.size();
    return LAC_OK;
}

template <typename GY> static __global__ void spectral_norm_row_dots(double *rows, const GY *__restrict__ gy, matrix a)
{
    for LAC_EACH_BLOCK(o, a.rows) {
        double sum = 0;
        for (int64_t i = threadIdx.x; i < a.columns && gy != NULL; i += blockDim.x)
            sum += (double)lac_f32(gy[o * a.columns + i]) * (double)a.m[o * a.columns + i];
        sum = lac_block_sum(sum);
        if (threadIdx.x == 0)
            rows[o] = sum;
    }
}

/* One block. dL/dsigma: what comes from above, and - <gw_sn, weight> / sigma^2. */
template <typename GS> static __global__ void spectral_norm_sigma_gradient(float *gs, const double *rows, int64_t n, const GS *gsigma, const float *sigma)
{
    const double sum = lac_sum_parts(rows, (unsigned)n), s = (double)*sigma;
    if (threadIdx.x == 0)
        *gs = (float)((gsigma ? (double)lac_f32(*gsigma) : 0.0) - sum / (s * s));
}

/* One block. dsigma/d(M v) = u' (|M v| >> 1e-12), so dsigma/dv = M^T u' = ga, which becomes dsigma/d(M^T u) = (ga - v <v, ga>) / |M^T u|. */
static __global__ void spectral_norm_through_iteration(float *ga, const float *v, const float *norm, int64_t n)
{
    const float along = (float)dot(v, ga, n), inverse = 1.0f / (*norm + 1e-12f);
    for (int64_t k = threadIdx.x; k < n; k += blockDim.x)
        ga[k] = (ga[k] - v[k] * along) * inverse;
}

/* gw = gw_sn / sigma + gs (u'_o v + u_o ga). */
struct terms { const float *u, *u_new, *v, *sigma, *gs, *ga; };

template <typename GY, typename GX>
static __global__ void spectral_norm_backward(GX *__restrict__ gx, const GY *__restrict__ gy, matrix a, terms t, bool add)
{
    for LAC_EACH(i, a.rows * a.columns) {
        const int64_t o = i / a.columns, k = i % a.columns;
        float s = *t.gs * t.u_new[o] * t.v[k];
        if (t.ga != NULL)
            s = lac_fma(*t.gs * t.u[o], t.ga[k], s);
        if (gy != NULL)
            s += lac_f32(gy[i]) / *t.sigma;
        lac_put(gx + i, s, add);
    }
}

static lac_status sigma_gradient(const lac_op_ctx *c, const matrix &a, const areas &s)
{
    const lac_tensor *gy = c->gout[0], *gsigma = c->gout[1];
    LAC_TRY(lac_typed([&](auto t) {
        using GY = decltype(t);
        return lac_launch(lac_grid_rows(a.rows, a.columns), spectral_norm_row_dots<GY>, s.rows, lac_data<GY>(gy), a);
    }, gy ? gy->dtype : LAC_F32));
    return lac_typed([&](auto t) {
        using GS = decltype(t);
        return lac_launch(lac_grid{ 1, LAC_THREADS }, spectral_norm_sigma_gradient<GS>, s.gs, s.rows, a.rows, lac_data<GS>(gsigma), lac_data<float>(c->out[1]));
    }, gsigma ? gsigma->dtype : LAC_F32);
}

extern "C" lac_status spectral_norm_backward_cuda(const lac_op_ctx *c)
{
    const matrix a = matrix_of(c);
    const lac_tensor *gy = c->gout[0], *gx = c->gin[0];
    lac_areas memory(c->workspace);
    const areas s = lay_out(c, &memory);
    const terms t = { lac_data<float>(c->in[1]), lac_data<float>(c->out[2]), lac_data<float>(c->out[3]), lac_data<float>(c->out[1]), s.gs, s.ga };
    if (gx == NULL)
        return LAC_OK;
    LAC_TRY(sigma_gradient(c, a, s));
    if (s.ga != NULL) {
        LAC_TRY(times_transposed(s.ga, a, t.u_new));
        LAC_TRY(lac_launch(lac_grid{ 1, 1024 }, spectral_norm_through_iteration, s.ga, t.v, lac_data<float>(c->out[4]), a.columns));
    }
    return lac_typed([&](auto x, auto y) {
        using GY = decltype(x);
        using GX = decltype(y);
        return lac_launch(lac_grid_each(a.rows * a.columns), spectral_norm_backward<GY, GX>, lac_data<GX>(gx), lac_data<GY>(gy), a, t, c->add[0]);
    }, gy ? gy->dtype : LAC_F32, gx->dtype);
}
