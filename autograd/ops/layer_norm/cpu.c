#include "autograd/ops/layer_norm/formula.h"
#include "autograd/ops/layer_norm/layer_norm.h"
#include "autograd/ops/rows.h"

#include <string.h>

static int64_t channels_of(const lac_op_ctx *c) { return c->in[1]->dim[0]; }
static int64_t rows_of(const lac_op_ctx *c) { return lac_numel(c->in[0]) / channels_of(c); }

/* Backward: sums of gy (u - mean) rstd and of gy over a block's rows, [LAC_BLOCKS][C] each. */
lac_status LAC_CPU(layer_norm_workspace)(const lac_op_ctx *c, size_t *size)
{
    *size = c->backward && (c->gin[1] != NULL || c->gin[2] != NULL) ? (size_t)(2 * LAC_BLOCKS * channels_of(c)) * sizeof(float) : 0;
    return LAC_OK;
}

/* ---- forward ---- */

LAC_BODY void add_row(void *restrict sum, const void *restrict x, const void *restrict residual, int64_t n, lac_dtype d, lac_dtype dr)
{
    #pragma omp simd
    for (int64_t k = 0; k < n; k++)
        lac_st(sum, k, d, lac_ld(x, k, d) + lac_ld(residual, k, dr));
}

/* stats: mean and 1/std of a row, its halves summed side by side. */
LAC_BODY void measure(float stats[2], const void *restrict u, int64_t n, float eps, lac_dtype d)
{
    const int64_t half = n / 2;
    float left = n % 2 != 0 ? lac_ld(u, n - 1, d) : 0, right = 0;
    #pragma omp simd reduction(+ : left, right)
    for (int64_t k = 0; k < half; k++) {
        left += lac_ld(u, k, d);
        right += lac_ld(u, half + k, d);
    }
    const float mean = (left + right) / (float)n, last = n % 2 != 0 ? lac_ld(u, n - 1, d) - mean : 0;
    left = last * last, right = 0;
    #pragma omp simd reduction(+ : left, right)
    for (int64_t k = 0; k < half; k++) {
        const float v = lac_ld(u, k, d) - mean, w = lac_ld(u, half + k, d) - mean;
        left = lac_fma(v, v, left);
        right = lac_fma(w, w, right);
    }
    stats[0] = mean;
    stats[1] = lac_layer_rstd(left + right, n, eps);
}

/* Rounded as lac_pair_of does. */
LAC_BODY void put_nearest(void *y, int64_t k, lac_dtype d, float v)
{
    if (d == LAC_F32)
        ((float *)y)[k] = v;
    else
        ((uint16_t *)y)[k] = (uint16_t)((lac_to_bits(v) + 0x8000) >> 16);
}

LAC_BODY void normalise(const lac_op_ctx *c, int64_t p, const void *restrict u, int64_t n, lac_dtype d, lac_dtype dy)
{
    const float *restrict weight = c->in[1]->data, *restrict bias = c->in[2]->data, eps = ((const lac_layer_norm_attr *)c->attr)->eps;
    void *restrict y = lac_at(c->out[0]->data, p * n, dy);
    float stats[2];
    measure(stats, u, n, eps, d);
    if (c->out[2] != NULL)
        memcpy((float *)c->out[2]->data + 2 * p, stats, sizeof stats);
    #pragma omp simd
    for (int64_t k = 0; k < n; k++)
        put_nearest(y, k, dy, lac_layer_value(lac_ld(u, k, d), stats[0], stats[1], weight[k], bias[k]));
}

enum { WIDE = 4096 };           /* elements of a row that is widened once, and not in each of its three passes */

LAC_BODY void forward(const lac_op_ctx *c, int64_t from, int64_t to, lac_dtype d, lac_dtype dr, lac_dtype dy)
{
    const int64_t n = channels_of(c);
    float wide[WIDE];
    for (int64_t p = from; p < to; p++) {
        const void *restrict u = lac_at(c->in[0]->data, p * n, d);
        if (c->in[3] != NULL) {
            add_row(lac_at(c->out[1]->data, p * n, d), u, lac_at(c->in[3]->data, p * n, dr), n, d, dr);
            u = lac_at(c->out[1]->data, p * n, d);
        }
        if (d == LAC_BF16 && n <= WIDE) {
            for (int64_t k = 0; k < n; k++)
                wide[k] = lac_ld(u, k, d);
            normalise(c, p, wide, n, LAC_F32, dy);
        } else {
            normalise(c, p, u, n, d, dy);
        }
    }
}

lac_status LAC_CPU(layer_norm_forward)(const lac_op_ctx *c)
{
    LAC_PARALLEL_BLOCKS(b, from, to, rows_of(c))
        LAC_EACH_DTYPE_3(c->in[0]->dtype, (c->in[3] != NULL ? c->in[3] : c->in[0])->dtype, c->out[0]->dtype, forward, c, from, to);
    return LAC_OK;
}

/* ---- backward ---- */

/* What gu of a row is computed with. */
typedef struct slopes { float mean, rstd, s1, s2; } slopes;

LAC_BODY slopes slopes_of(const lac_op_ctx *c, int64_t p, const void *restrict u, const void *restrict gy, int64_t n, lac_dtype d, lac_dtype dgy)
{
    const float *restrict stats = (const float *)c->out[2]->data + 2 * p, *restrict weight = c->in[1]->data, mean = stats[0];
    float s1 = 0, s2 = 0;
    #pragma omp simd reduction(+ : s1, s2)
    for (int64_t k = 0; k < n; k++) {
        const float g = weight[k] * lac_ld(gy, k, dgy);
        s1 += g;
        s2 = lac_fma(g, lac_ld(u, k, d) - mean, s2);
    }
    return (slopes){ mean, stats[1], s1, s2 };
}

LAC_BODY void add_parameters(float *restrict gw, float *restrict gb, const slopes *s, const void *restrict u, const void *restrict gy, int64_t n, lac_dtype d, lac_dtype dgy)
{
    const float mean = s->mean, rstd = s->rstd;
    #pragma omp simd
    for (int64_t k = 0; k < n; k++) {
        const float g = lac_ld(gy, k, dgy);
        gw[k] = lac_fma(g, (lac_ld(u, k, d) - mean) * rstd, gw[k]);
        gb[k] += g;
    }
}

/* gu of a row in f32, in front of what reaches the sum from elsewhere. */
LAC_BODY void gradient(float *restrict to, const lac_op_ctx *c, const slopes *s, const void *restrict u, const void *restrict gy, int64_t first, int64_t n, int64_t all,
                       lac_dtype d, lac_dtype dgy)
{
    const float *restrict weight = (const float *)c->in[1]->data + first;
    const slopes at = *s;
    #pragma omp simd
    for (int64_t k = 0; k < n; k++)
        to[k] = lac_layer_grad(lac_ld(u, first + k, d), lac_ld(gy, first + k, dgy), at.mean, at.rstd, weight[k], at.s1, at.s2, all);
}

LAC_BODY void take(float *restrict to, const void *restrict g, int64_t n, bool add, lac_dtype d)
{
    #pragma omp simd
    for (int64_t k = 0; k < n; k++)
        to[k] = add ? to[k] + lac_ld(g, k, d) : lac_ld(g, k, d);
}

LAC_BODY void put(void *restrict to, const float *restrict g, int64_t n, bool add, lac_dtype d)
{
    #pragma omp simd
    for (int64_t k = 0; k < n; k++)
        lac_put(to, k, d, g[k], add);
}

enum { CHUNK = 1024 };          /* elements of a row at a time, in the first level of cache */

/* What has arrived at u, [first, first + n) of row p, to x and to the residual. */
static void hand_on(const lac_op_ctx *c, float *g, int64_t at, int64_t n)
{
    const lac_tensor *up = c->gout[1];
    if (up != NULL)
        LAC_EACH_DTYPE(up->dtype, take, g, lac_at(up->data, at, up->dtype), n, c->gout[0] != NULL);
    for (int i = 0; i < 4; i += 3)
        if (c->gin[i] != NULL)
            LAC_EACH_DTYPE(c->gin[i]->dtype, put, lac_at(c->gin[i]->data, at, c->gin[i]->dtype), g, n, c->add[i]);
}

LAC_BODY void backward(const lac_op_ctx *c, float *part, int64_t from, int64_t to, lac_dtype d, lac_dtype dgy)
{
    const int64_t n = channels_of(c);
    const bool inputs = c->gin[0] != NULL || c->gin[3] != NULL;
    const void *all = c->in[3] != NULL ? c->out[1]->data : c->in[0]->data;
    if (part != NULL)
        memset(part, 0, (size_t)(2 * n) * sizeof *part);
    for (int64_t p = from; p < to; p++) {
        const void *u = lac_at(all, p * n, d), *gy = lac_at(c->gout[0]->data, p * n, dgy);
        const slopes s = slopes_of(c, p, u, gy, n, d, dgy);
        if (part != NULL)
            add_parameters(part, part + n, &s, u, gy, n, d, dgy);
        for (int64_t k = 0, m; inputs && k < n; k += m) {
            float g[CHUNK];
            m = LAC_MIN(n - k, CHUNK);
            gradient(g, c, &s, u, gy, k, m, n, d, dgy);
            hand_on(c, g, p * n + k, m);
        }
    }
}

/* Where nothing reached y, what reached the sum goes on, and the parameters get nothing. */
static void pass_on(const lac_op_ctx *c, int64_t from, int64_t to)
{
    float g[CHUNK];
    for (int64_t i = from; i < to; i += CHUNK)
        hand_on(c, g, i, LAC_MIN(to - i, CHUNK));
}

static void put_parameters(const lac_op_ctx *c, float *parts)
{
    const int64_t n = channels_of(c);
    for (int i = 1; i < 3; i++)
        for (int64_t k = 0; c->gin[i] != NULL && k < n; k++) {
            float *to = (float *)c->gin[i]->data + k, sum = c->add[i] ? *to : 0;
            for (int64_t b = 0; c->gout[0] != NULL && b < LAC_BLOCKS; b++)
                sum += parts[(2 * b + i - 1) * n + k];
            *to = sum;
        }
}

lac_status LAC_CPU(layer_norm_backward)(const lac_op_ctx *c)
{
    const int64_t n = channels_of(c);
    float *parts = c->gin[1] != NULL || c->gin[2] != NULL ? c->workspace : NULL;
    if (c->gout[0] != NULL)
        LAC_PARALLEL_BLOCKS(b, from, to, rows_of(c))
            LAC_EACH_DTYPE_2(c->in[0]->dtype, c->gout[0]->dtype, backward, c, parts != NULL ? parts + 2 * b * n : NULL, from, to);
    else
        LAC_PARALLEL_BLOCKS(b, from, to, lac_numel(c->in[0]))
            pass_on(c, from, to);
    put_parameters(c, parts);
    return LAC_OK;
}
