#include "autograd/ops/rows.h"
#include "autograd/ops/spectral_norm/spectral_norm.h"

static int64_t n_rows(const lac_op_ctx *c) { return c->in[0]->dim[0]; }
static int64_t n_columns(const lac_op_ctx *c) { return c->in[0]->dim[0] ? lac_numel(c->in[0]) / c->in[0]->dim[0] : 0; }

/* In runs of 512 in f32, the runs in double. */
static double dot(const float *restrict a, const float *restrict b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i += 512) {
        const int64_t end = LAC_MIN(i + 512, n);
        float s = 0;
        #pragma omp simd reduction(+ : s)
        for (int64_t k = i; k < end; k++)
            s += a[k] * b[k];
        sum += (double)s;
    }
    return sum;
}

/* y = M^T x: blocks of columns, so no sum crosses threads. */
static void times_transposed(float *restrict y, const float *restrict m, const float *restrict x, int64_t rows, int64_t columns)
{
    LAC_PARALLEL_BLOCKS(b, from, to, columns) {
        memset(y + from, 0, (size_t)(to - from) * sizeof *y);
        for (int64_t o = 0; o < rows; o++) {
            const float s = x[o], *restrict row = m + o * columns;
            #pragma omp simd
            for (int64_t k = from; k < to; k++)
                y[k] = lac_fma(s, row[k], y[k]);
        }
    }
}

/* y = M x, a row at a time. */
static void times(float *restrict y, const float *restrict m, const float *restrict x, int64_t rows, int64_t columns)
{
    LAC_PARALLEL_FOR(o, rows)
        y[o] = (float)dot(m + o * columns, x, columns);
}

/* x / (|x| + 1e-12) in place; returns |x|. */
static float normalise(float *x, int64_t n)
{
    const double norm = __builtin_sqrt(dot(x, x, n)), scale = 1.0 / (norm + 1e-12);
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)((double)x[i] * scale);
    return (float)norm;
}

LAC_BODY void scale(void *restrict y, const float *restrict x, float s, int64_t from, int64_t to, lac_dtype d)
{
    #pragma omp simd
    for (int64_t i = from; i < to; i++)
        lac_st(y, i, d, x[i] / s);
}

lac_status LAC_CPU(spectral_norm_forward)(const lac_op_ctx *c)
{
    const int64_t rows = n_rows(c), columns = n_columns(c);
    const float *m = c->in[0]->data;
    float *sigma = c->out[1]->data, *u = c->out[2]->data, *v = c->out[3] ? c->out[3]->data : c->workspace;
    times_transposed(v, m, c->in[1]->data, rows, columns);
    const float norm = normalise(v, columns);
    if (c->out[4] != NULL)
        *(float *)c->out[4]->data = norm;
    times(u, m, v, rows, columns);
    const double r = (double)normalise(u, rows);
    *sigma = (float)(r * (r / (r + 1e-12)));                /* M v . u' = |M v|^2 / (|M v| + 1e-12) */
    LAC_PARALLEL_BLOCKS(b, from, to, rows * columns)
        LAC_EACH_DTYPE(c->out[0]->dtype, scale, c->out[0]->data, m, *sigma, from, to);
    return LAC_OK;
}

/* Of forward: v, unless it is saved. Of backward: a sum per row, then (full) a gradient as long as v. */
lac_status LAC_CPU(spectral_norm_workspace)(const lac_op_ctx *c, size_t *size)
{
    const size_t vector = (size_t)n_columns(c) * sizeof(float);
    *size = c->backward ? (size_t)n_rows(c) * sizeof(double) + vector : c->out[3] ? 0 : vector;
    return LAC_OK;
}

LAC_BODY void row_dot(const lac_op_ctx *c, int64_t o, double *sum, lac_dtype d)
{
    const int64_t columns = n_columns(c);
    const float *restrict m = (const float *)c->in[0]->data + o * columns;
    const void *restrict g = (const char *)c->gout[0]->data + (size_t)(o * columns) * lac_dtype_size(d);
    *sum = 0;
    for (int64_t i = 0; i < columns; i += 512) {
        const int64_t end = LAC_MIN(i + 512, columns);
        float s = 0;
        #pragma omp simd reduction(+ : s)
        for (int64_t k = i; k < end; k++)
            s += lac_ld(g, k, d) * m[k];
        *sum += (double)s;
    }
}

/* dL/dsigma: what comes from above, and - <gw_sn, weight> / sigma^2. */
static double sigma_gradient(const lac_op_ctx *c, double *rows)
{
    const double sigma = (double)*(const float *)c->out[1]->data;
    double g = c->gout[1] ? (double)lac_ld(c->gout[1]->data, 0, c->gout[1]->dtype) : 0.0, sum = 0;
    if (c->gout[0] == NULL)
        return g;
    LAC_PARALLEL_FOR(o, n_rows(c))
        LAC_EACH_DTYPE(c->gout[0]->dtype, row_dot, c, o, &rows[o]);
    for (int64_t o = 0; o < n_rows(c); o++)
        sum += rows[o];
    return g - sum / (sigma * sigma);
}

/* dsigma/d(M v) = u' (|M v| >> 1e-12), so dsigma/dv = M^T u' and dsigma/d(M^T u) = (M^T u' - v <v, M^T u'>) / |M^T u|. */
static void through_iteration(const lac_op_ctx *c, float *ga)
{
    const int64_t columns = n_columns(c);
    const float *v = c->out[3]->data, norm = *(const float *)c->out[4]->data;
    times_transposed(ga, c->in[0]->data, c->out[2]->data, n_rows(c), columns);
    const float along = (float)dot(v, ga, columns), inverse = 1.0f / (norm + 1e-12f);
    for (int64_t k = 0; k < columns; k++)
        ga[k] = (ga[k] - v[k] * along) * inverse;
}

/* gw = gw_sn / sigma + gs (u'_o v + u_o ga). */
LAC_BODY void backward_row(const lac_op_ctx *c, int64_t o, float gs, const float *restrict ga, lac_dtype dgy, lac_dtype dgx)
{
    const int64_t columns = n_columns(c);
    const float *restrict v = c->out[3]->data;
    const float a = gs * ((const float *)c->out[2]->data)[o], b = gs * ((const float *)c->in[1]->data)[o];
    const float sigma = *(const float *)c->out[1]->data;
    const void *restrict g = c->gout[0] ? (const char *)c->gout[0]->data + (size_t)(o * columns) * lac_dtype_size(dgy) : NULL;
    void *restrict gx = (char *)c->gin[0]->data + (size_t)(o * columns) * lac_dtype_size(dgx);
    const bool add = c->add[0];
    #pragma omp simd
    for (int64_t k = 0; k < columns; k++) {
        float s = a * v[k];
        if (ga != NULL)
            s = lac_fma(b, ga[k], s);
        if (g != NULL)
            s += lac_ld(g, k, dgy) / sigma;
        lac_put(gx, k, dgx, s, add);
    }
}

lac_status LAC_CPU(spectral_norm_backward)(const lac_op_ctx *c)
{
    const lac_spectral_norm_attr *a = c->attr;
    double *rows = c->workspace;
    float *ga = a->full ? (float *)(rows + n_rows(c)) : NULL;
    const lac_dtype dgy = c->gout[0] ? c->gout[0]->dtype : LAC_F32;
    if (c->gin[0] == NULL)
        return LAC_OK;
    const float gs = (float)sigma_gradient(c, rows);
    if (ga != NULL)
        through_iteration(c, ga);
    LAC_PARALLEL_FOR(o, n_rows(c))
        LAC_EACH_DTYPE_2(dgy, c->gin[0]->dtype, backward_row, c, o, gs, ga);
    return LAC_OK;
}
