#include "models/bert/layer.h"

#include "autograd/ops/activation/activation.h"
#include "autograd/ops/attention/attention.h"

static lac_status init_attention(lac_bert_attention *m, lac_params *ps, const char *module, const lac_bert_layer_attr *a, int64_t seen)
{
    LAC_TRY(lac_params_enter(ps, "%s", module));
    m->norm.eps = a->eps;
    LAC_TRY(lac_linear_layer_init(&m->q, ps, "self.query", a->width, a->width));
    LAC_TRY(lac_linear_layer_init(&m->k, ps, "self.key", seen, a->width));
    LAC_TRY(lac_linear_layer_init(&m->v, ps, "self.value", seen, a->width));
    LAC_TRY(lac_linear_layer_init(&m->out, ps, "output.dense", a->width, a->width));
    LAC_TRY(lac_layer_norm_layer_init(&m->norm, ps, "output.LayerNorm", a->width));
    lac_params_leave(ps);
    return LAC_OK;
}

lac_status lac_bert_layer_init(lac_bert_layer *l, lac_params *ps, const lac_bert_layer_attr *a)
{
    if (a->heads < 1 || a->width % a->heads != 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "%lld heads do not divide a width of %lld", (long long)a->heads, (long long)a->width);
    l->a = *a;
    l->norm.eps = a->eps;
    LAC_TRY(init_attention(&l->self, ps, "attention", a, a->width));
    if (a->states > 0)
        LAC_TRY(init_attention(&l->cross, ps, "crossattention", a, a->states));
    LAC_TRY(lac_linear_layer_init(&l->intermediate, ps, "intermediate.dense", a->width, a->mlp));
    LAC_TRY(lac_linear_layer_init(&l->output, ps, "output.dense", a->mlp, a->width));
    return lac_layer_norm_layer_init(&l->norm, ps, "output.LayerNorm", a->width);
}

static lac_tensor *attend(lac_tape *t, const lac_bert_attention *m, lac_tensor *x, lac_tensor *seen, int64_t heads)
{
    const lac_attention_attr a = { .heads = heads };
    lac_tensor *q = lac_linear_layer_forward(t, &m->q, x), *k = lac_linear_layer_forward(t, &m->k, seen), *v = lac_linear_layer_forward(t, &m->v, seen);
    return lac_layer_norm_layer_forward(t, &m->norm, x, lac_linear_layer_forward(t, &m->out, lac_attention(t, q, k, v, &a)), NULL);
}

lac_tensor *lac_bert_layer_forward(lac_tape *t, const lac_bert_layer *l, lac_tensor *x, lac_tensor *states)
{
    x = attend(t, &l->self, x, x, l->a.heads);
    if (l->a.states > 0)
        x = attend(t, &l->cross, x, states, l->a.heads);
    lac_tensor *h = lac_activation(t, lac_linear_layer_forward(t, &l->intermediate, x), LAC_ACT_GELU);
    return lac_layer_norm_layer_forward(t, &l->norm, x, lac_linear_layer_forward(t, &l->output, h), NULL);
}
