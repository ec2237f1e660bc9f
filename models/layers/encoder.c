#include "models/layers/encoder.h"

#include "autograd/ops/activation/activation.h"
#include "autograd/ops/broadcast_add/broadcast_add.h"
#include "core/memory.h"

#include <stdlib.h>

lac_status lac_encoder_new(lac_encoder *e, const lac_encoder_attr *a)
{
    if (a->heads < 1 || a->inner % a->heads != 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "%lld heads do not divide a width of %lld", (long long)a->heads, (long long)a->inner);
    e->a = *a;
    return lac_calloc((void **)&e->layer, (size_t)a->layers, sizeof *e->layer);
}

void lac_encoder_free(lac_encoder *e)
{
    free(e->layer);
    e->layer = NULL;
}

lac_status lac_encoder_init_attention(lac_encoder *e, int64_t i, lac_params *ps, const lac_encoder_names *names)
{
    const lac_encoder_attr *a = &e->a;
    lac_encoder_layer *l = &e->layer[i];
    l->a = a;
    l->norm1.eps = a->eps;
    l->q.no_bias = l->k.no_bias = l->v.no_bias = a->no_qkv_bias;
    LAC_TRY(lac_layer_norm_layer_init(&l->norm1, ps, names->norm1, a->width));
    LAC_TRY(lac_linear_layer_init(&l->q, ps, names->q, a->width, a->inner));
    LAC_TRY(lac_linear_layer_init(&l->k, ps, names->k, a->width, a->inner));
    LAC_TRY(lac_linear_layer_init(&l->v, ps, names->v, a->width, a->inner));
    return lac_linear_layer_init(&l->out, ps, names->out, a->inner, a->width);
}

lac_status lac_encoder_init_mlp(lac_encoder *e, int64_t i, lac_params *ps, const lac_encoder_names *names)
{
    const lac_encoder_attr *a = &e->a;
    lac_encoder_layer *l = &e->layer[i];
    l->norm2.eps = a->eps;
    LAC_TRY(lac_layer_norm_layer_init(&l->norm2, ps, names->norm2, a->width));
    LAC_TRY(lac_linear_layer_init(&l->fc1, ps, names->fc1, a->width, a->mlp));
    return lac_linear_layer_init(&l->fc2, ps, names->fc2, a->mlp, a->width);
}

static lac_tensor *layer_forward(lac_tape *t, const lac_encoder_layer *l, lac_tensor *x)
{
    const lac_attention_attr a = { .heads = l->a->heads, .causal = l->a->causal };
    const lac_dtype d = l->fc1.weight->value->dtype;
    lac_tensor *n = lac_layer_norm_layer_as(t, &l->norm1, x, NULL, d, NULL), *sum = NULL;
    lac_tensor *q = lac_linear_layer_forward(t, &l->q, n), *k = lac_linear_layer_forward(t, &l->k, n), *v = lac_linear_layer_forward(t, &l->v, n);
    lac_tensor *y = lac_linear_layer_forward(t, &l->out, lac_attention(t, q, k, v, &a));
    n = lac_linear_layer_forward(t, &l->fc1, lac_layer_norm_layer_as(t, &l->norm2, x, y, d, &sum));
    return lac_broadcast_add(t, sum, lac_linear_layer_forward(t, &l->fc2, lac_activation(t, n, l->a->act)));
}

static lac_tensor *segment(lac_tape *t, void *context, lac_tensor *const *in) { return layer_forward(t, *(const lac_encoder_layer *const *)context, in[0]); }

lac_tensor *lac_encoder_forward(lac_tape *t, const lac_encoder *e, lac_tensor *x, lac_tensor **last)
{
    for (int64_t i = 0; i < e->a.layers; i++) {
        const lac_encoder_layer *l = &e->layer[i];
        if (last != NULL)
            *last = x;
        x = e->a.recompute ? lac_recompute(t, segment, &l, sizeof l, &x, 1) : layer_forward(t, l, x);
    }
    return x;
}
