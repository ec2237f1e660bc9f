/* autograd/ops/attention/geometry.h -- sizes that follow from one call. */
#pragma once

#include "autograd/ops/attention/attention.h"
#include "core/fmath.h"

typedef struct lac_attention_shape {
    int64_t n, heads, d, tq, tk;
    int64_t width;                          /* heads * d: from token to token */
    float scale;
    bool causal;
    lac_dtype dtype;
} lac_attention_shape;

static inline int64_t lac_attention_tokens(const lac_tensor *x)
{
    int64_t n = 1;
    for (int i = 1; i < x->ndim - 1; i++)
        n *= x->dim[i];
    return n;
}

static inline lac_attention_shape lac_attention_shape_of(const lac_op_ctx *c)
{
    const lac_attention_attr *a = (const lac_attention_attr *)c->attr;
    const lac_tensor *q = c->in[0];
    const int64_t width = q->dim[q->ndim - 1], d = width / a->heads;
    return (lac_attention_shape){ q->dim[0], a->heads, d, lac_attention_tokens(q), lac_attention_tokens(c->in[1]), width,
                                  a->scale == 0 ? 1.0f / lac_sqrt((float)d) : a->scale, a->causal, q->dtype };
}

/* What S' = P (<gy, v> - D) is multiplied by: the softmax of one score is 1 whatever it is, and what rounding leaves of the difference is no slope. */
static inline float lac_attention_slope(const lac_attention_shape *s) { return s->tk == 1 || (s->causal && s->tq == 1) ? 0.0f : s->scale; }

/* Keys that a query sees. */
#ifdef __CUDACC__
__host__ __device__
#endif
static inline int64_t lac_attention_seen(bool causal, int64_t query, int64_t tk) { return causal && query + 1 < tk ? query + 1 : tk; }
