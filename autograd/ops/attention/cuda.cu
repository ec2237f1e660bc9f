/* Forward in bf16 without a causal mask: cuDNN's fused attention where it has an engine. Everything else, and backward (cuDNN 9.19 takes no graph of
 * its fused one), in strips of query rows: matrix products of the library over all heads of a sample, and between them a kernel that makes softmax of scores, and
 * in backward their slopes. */
#include "autograd/ops/attention/geometry.h"
#include "autograd/ops/upstream.h"
#include "core/cuda/attention.h"
#include "core/cuda/kernel.h"
#include "core/cuda/product.h"
#include "core/cuda/vector.h"

constexpr int64_t SCORES = 16 << 20;        /* at a time: 64 MiB in f32 */

typedef lac_attention_shape shape;

static int64_t strip_of(const shape &s)
{
    const int64_t rows = SCORES / (s.heads * s.tk);
    return rows < 1 ? 1 : rows < s.tq ? rows : s.tq;
}

/* A row of scores becomes P, in place or rounded; lse may be NULL. Row: head, then query from `from` on. */
static __global__ void attention_softmax(float *score, lac_bf16 *rounded, float *lse, int64_t heads, int64_t rows, int64_t from, int64_t tq, int64_t tk, float scale, bool causal)
{
    for LAC_EACH_BLOCK(row, heads * rows) {
        const int64_t query = from + row % rows, seen = lac_attention_seen(causal, query, tk);
        float *s = score + row * tk, most = -INFINITY, sum = 0;
        for (int64_t j = threadIdx.x; j < seen; j += blockDim.x)
            most = s[j] > most ? s[j] : most;
        most = lac_block_max(most);
        const float shift = -most * scale;
        for (int64_t j = threadIdx.x; j < seen; j += blockDim.x) {
            s[j] = lac_exp_negative(lac_fma(s[j], scale, shift));
            sum += s[j];
        }
        sum = lac_block_sum(sum);
        const float inverse = 1.0f / sum;
        for (int64_t j = threadIdx.x; j < tk; j += blockDim.x) {
            s[j] = j < seen ? s[j] * inverse : 0.0f;
            if (rounded != NULL)
                lac_store(rounded + row * tk + j, s[j]);
        }
        if (lse != NULL && threadIdx.x == 0)
            lse[row / rows * tq + query] = lac_fma(most, scale, lac_log(sum));
    }
}

/* A row of scores and of <gy, v> becomes P and S' (cpu_backward.c), in place or rounded. */
template <typename T>
static __global__ void attention_slopes(float *score, float *slope, lac_bf16 *p, lac_bf16 *ds, const T *y, const T *gy, const float *lse, int64_t heads,
                                        int64_t rows, int64_t from, int64_t tq, int64_t tk, int64_t d, float scale, float factor, bool causal)
{
    for LAC_EACH_BLOCK(row, heads * rows) {
        const int64_t query = from + row % rows, head = row / rows, seen = lac_attention_seen(causal, query, tk), at = (query * heads + head) * d;
        const float l = lse[head * tq + query];
        float drop = 0;
        for (int64_t e = threadIdx.x; e < d; e += blockDim.x)
            drop = lac_fma(lac_f32(y[at + e]), lac_f32(gy[at + e]), drop);
        drop = lac_block_sum(drop);
        for (int64_t j = row * tk + threadIdx.x; j < (row + 1) * tk; j += blockDim.x) {
            const float share = j - row * tk < seen ? lac_exp_negative(lac_fma(score[j], scale, -l)) : 0.0f, s = share == 0 ? 0.0f : share * (slope[j] - drop) * factor;
            if (p == NULL) {
                score[j] = share;
                slope[j] = s;
            } else {
                lac_store(p + j, share);
                lac_store(ds + j, s);
            }
        }
    }
}

/* Products over all heads: of tokens with tokens, of scores with tokens, of turned scores with tokens. */
static lac_product scores(const shape &s, int64_t rows)
{
    return (lac_product){ .batch = s.heads, .m = rows, .n = s.tk, .k = s.d, .a_row = s.width, .a_col = 1, .a_batch = s.d, .b_row = 1, .b_col = s.width,
                          .b_batch = s.d, .c_row = s.tk, .c_batch = rows * s.tk, .dtype = s.dtype, .c_dtype = LAC_F32 };
}

static lac_product sums(const shape &s, int64_t rows, lac_dtype to, bool add)
{
    return (lac_product){ .batch = s.heads, .m = rows, .n = s.d, .k = s.tk, .a_row = s.tk, .a_col = 1, .a_batch = rows * s.tk, .b_row = s.width, .b_col = 1,
                          .b_batch = s.d, .c_row = s.width, .c_batch = s.d, .dtype = s.dtype, .c_dtype = to, .add = add };
}

static lac_product turned_sums(const shape &s, int64_t rows, bool add)
{
    return (lac_product){ .batch = s.heads, .m = s.tk, .n = s.d, .k = rows, .a_row = 1, .a_col = s.tk, .a_batch = rows * s.tk, .b_row = s.width, .b_col = 1,
                          .b_batch = s.d, .c_row = s.width, .c_batch = s.d, .dtype = s.dtype, .c_dtype = LAC_F32, .add = add };
}

static lac_status widen(size_t *most, const lac_product &p)
{
    size_t size = 0;
    LAC_TRY(lac_cuda_product_workspace(&p, &size));
    *most = LAC_MAX(*most, size);
    return LAC_OK;
}

struct areas {
    void *gy;
    float *score, *slope;
    lac_bf16 *p, *ds;           /* NULL in f32 */
    float *gk, *gv;             /* sums over strips, where the gradient is no f32 */
    void *library;
};

static bool summed_apart(const lac_op_ctx *c, int input) { return c->gin[input] != NULL && c->gin[input]->dtype != LAC_F32; }

static areas lay_out(const lac_op_ctx *c, const shape &s, lac_areas *m)
{
    const size_t n = (size_t)(s.heads * strip_of(s) * s.tk), rounded = s.dtype == LAC_BF16 ? 2 * n : 0, all = (size_t)(s.tk * s.width) * sizeof(float);
    areas a = {};
    a.gy = m->take(c->backward ? lac_upstream_bytes(c) : 0);
    a.score = m->take<float>(n * sizeof(float));
    a.slope = m->take<float>(c->backward ? n * sizeof(float) : 0);
    a.p = m->take<lac_bf16>(rounded);
    a.ds = m->take<lac_bf16>(c->backward ? rounded : 0);
    a.gk = m->take<float>(c->backward && summed_apart(c, 1) ? all : 0);
    a.gv = m->take<float>(c->backward && summed_apart(c, 2) ? all : 0);
    a.library = m->take(0);
    if (s.dtype != LAC_BF16)
        a.p = a.ds = NULL;
    return a;
}

static lac_status largest_of_strip(const lac_op_ctx *c, const shape &s, int64_t rows, size_t *most)
{
    LAC_TRY(widen(most, scores(s, rows)));
    if (!c->backward)
        return widen(most, sums(s, rows, s.dtype, false));
    if (c->gin[0] != NULL)
        LAC_TRY(widen(most, sums(s, rows, c->gin[0]->dtype, c->add[0])));
    LAC_TRY(widen(most, turned_sums(s, rows, false)));
    return widen(most, turned_sums(s, rows, true));
}

/* *fused: cuDNN serves this call, with so many bytes of workspace; in front of them lies L where it is not saved. */
static lac_status ask_fused(const lac_op_ctx *c, const shape &s, bool *fused, size_t *size)
{
    const lac_cuda_attention a = { s.n, s.heads, s.tq, s.tk, s.d };
    *fused = false;
    return c->backward || s.dtype != LAC_BF16 || s.causal ? LAC_OK : lac_cuda_attention_workspace(&a, fused, size);
}

static size_t lse_bytes(const lac_op_ctx *c, const shape &s) { return c->out[1] != NULL ? 0 : (size_t)(s.n * s.heads * s.tq) * sizeof(float); }

extern "C" lac_status attention_workspace_cuda(const lac_op_ctx *c, size_t *size)
{
    const shape s = lac_attention_shape_of(c);
    bool fused;
    size_t library;
    const int64_t strip = strip_of(s), last = s.tq - (s.tq - 1) / strip * strip;
    lac_areas m(NULL);
    size_t most = 0;
    if (s.n == 0)
        return LAC_OK;
    LAC_TRY(ask_fused(c, s, &fused, &library));
    if (fused) {
        m.take(lse_bytes(c, s));
        m.take(library);
        *size = m.size();
        return LAC_OK;
    }
    lay_out(c, s, &m);
    LAC_TRY(largest_of_strip(c, s, strip, &most));
    LAC_TRY(largest_of_strip(c, s, last, &most));
    m.take(most);
    *size = m.size();
    return LAC_OK;
}

static void *tokens_of(const lac_tensor *x, const shape &s, int64_t sample, int64_t from, int64_t tokens)
{
    return (char *)x->data + (size_t)((sample * tokens + from) * s.width) * lac_dtype_size(x->dtype);
}

static const void *left(const shape &s, const float *wide, const lac_bf16 *rounded) { return s.dtype == LAC_BF16 ? (const void *)rounded : wide; }

static lac_status forward_strip(const lac_op_ctx *c, const shape &s, const areas &a, int64_t sample, int64_t from, int64_t rows)
{
    const lac_product score = scores(s, rows), sum = sums(s, rows, s.dtype, false);
    float *lse = c->out[1] != NULL ? (float *)c->out[1]->data + sample * s.heads * s.tq : NULL;
    LAC_TRY(lac_cuda_product(&score, tokens_of(c->in[0], s, sample, from, s.tq), tokens_of(c->in[1], s, sample, 0, s.tk), NULL, a.score, a.library));
    LAC_TRY(lac_launch(lac_grid_rows(s.heads * rows, s.tk), attention_softmax, a.score, a.p, lse, s.heads, rows, from, s.tq, s.tk, s.scale, s.causal));
    return lac_cuda_product(&sum, left(s, a.score, a.p), tokens_of(c->in[2], s, sample, 0, s.tk), NULL, tokens_of(c->out[0], s, sample, from, s.tq), a.library);
}

extern "C" lac_status attention_forward_cuda(const lac_op_ctx *c)
{
    const shape s = lac_attention_shape_of(c);
    const int64_t strip = strip_of(s);
    lac_areas m(c->workspace);
    bool fused;
    size_t library;
    if (s.n == 0)
        return LAC_OK;
    LAC_TRY(ask_fused(c, s, &fused, &library));
    if (fused) {
        float *apart = m.take<float>(lse_bytes(c, s)), *lse = c->out[1] != NULL ? (float *)c->out[1]->data : apart;
        const lac_cuda_attention a = { s.n, s.heads, s.tq, s.tk, s.d };
        return lac_cuda_attention_forward(&a, c->in[0]->data, c->in[1]->data, c->in[2]->data, c->out[0]->data, lse, s.scale, m.take(0));
    }
    const areas a = lay_out(c, s, &m);
    for (int64_t sample = 0; sample < s.n; sample++)
        for (int64_t from = 0; from < s.tq; from += strip)
            LAC_TRY(forward_strip(c, s, a, sample, from, LAC_MIN(strip, s.tq - from)));
    return LAC_OK;
}

/* P, S' of a strip. */
static lac_status slopes_of_strip(const lac_op_ctx *c, const shape &s, const areas &a, const lac_tensor &gy, int64_t sample, int64_t from, int64_t rows)
{
    const lac_product score = scores(s, rows);
    const float *lse = (const float *)c->out[1]->data + sample * s.heads * s.tq;
    LAC_TRY(lac_cuda_product(&score, tokens_of(c->in[0], s, sample, from, s.tq), tokens_of(c->in[1], s, sample, 0, s.tk), NULL, a.score, a.library));
    LAC_TRY(lac_cuda_product(&score, tokens_of(&gy, s, sample, from, s.tq), tokens_of(c->in[2], s, sample, 0, s.tk), NULL, a.slope, a.library));
    return lac_typed([&](auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid_rows(s.heads * rows, s.tk), attention_slopes<T>, a.score, a.slope, a.p, a.ds, (const T *)tokens_of(c->out[0], s, sample, 0, s.tq),
                          (const T *)tokens_of(&gy, s, sample, 0, s.tq), lse, s.heads, rows, from, s.tq, s.tk, s.d, s.scale, lac_attention_slope(&s), s.causal);
    }, s.dtype);
}

/* A strip's share of gk or gv. */
static lac_status sum_keys(const lac_op_ctx *c, const shape &s, const areas &a, int input, const void *scores_of, const void *of, int64_t sample, int64_t from, int64_t rows)
{
    float *apart = input == 1 ? a.gk : a.gv;
    if (c->gin[input] == NULL)
        return LAC_OK;
    const bool is_apart = summed_apart(c, input);
    const lac_product p = turned_sums(s, rows, from > 0 || (!is_apart && c->add[input]));
    return lac_cuda_product(&p, scores_of, of, NULL, is_apart ? (void *)apart : tokens_of(c->gin[input], s, sample, 0, s.tk), a.library);
}

static lac_status store_keys(const lac_op_ctx *c, const shape &s, const areas &a, int input, int64_t sample)
{
    const int64_t n = s.tk * s.width;
    lac_tensor to, from;
    if (c->gin[input] == NULL || !summed_apart(c, input))
        return LAC_OK;
    lac_tensor_shape(&to, c->gin[input]->dtype, 1, &n);
    lac_tensor_shape(&from, LAC_F32, 1, &n);
    to.data = tokens_of(c->gin[input], s, sample, 0, s.tk);
    from.data = input == 1 ? a.gk : a.gv;
    return c->add[input] ? lac_cuda_add(&to, &from) : lac_cuda_convert(&to, &from);
}

static lac_status backward_strip(const lac_op_ctx *c, const shape &s, const areas &a, const lac_tensor &gy, int64_t sample, int64_t from, int64_t rows)
{
    const void *p = left(s, a.score, a.p), *ds = left(s, a.slope, a.ds);
    LAC_TRY(slopes_of_strip(c, s, a, gy, sample, from, rows));
    LAC_TRY(sum_keys(c, s, a, 1, ds, tokens_of(c->in[0], s, sample, from, s.tq), sample, from, rows));
    LAC_TRY(sum_keys(c, s, a, 2, p, tokens_of(&gy, s, sample, from, s.tq), sample, from, rows));
    if (c->gin[0] == NULL)
        return LAC_OK;
    const lac_product sum = sums(s, rows, c->gin[0]->dtype, c->add[0]);
    return lac_cuda_product(&sum, ds, tokens_of(c->in[1], s, sample, 0, s.tk), NULL, tokens_of(c->gin[0], s, sample, from, s.tq), a.library);
}

extern "C" lac_status attention_backward_cuda(const lac_op_ctx *c)
{
    const shape s = lac_attention_shape_of(c);
    const int64_t strip = strip_of(s);
    lac_areas m(c->workspace);
    if (s.n == 0)
        return LAC_OK;
    const areas a = lay_out(c, s, &m);
    lac_tensor gy;
    LAC_TRY(lac_upstream(c, a.gy, &gy));
    for (int64_t sample = 0; sample < s.n; sample++) {
        for (int64_t from = 0; from < s.tq; from += strip)
            LAC_TRY(backward_strip(c, s, a, gy, sample, from, LAC_MIN(strip, s.tq - from)));
        LAC_TRY(store_keys(c, s, a, 1, sample));
        LAC_TRY(store_keys(c, s, a, 2, sample));
    }
    return LAC_OK;
}
