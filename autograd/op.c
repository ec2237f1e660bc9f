#include "autograd/op.h"
#include "autograd/ops/ops.h"

#define LAC_OP(name, doc) extern const lac_op_def lac_op_##name;
#include "autograd/ops/ops.def"
#undef LAC_OP

static const struct { const lac_op_def *def; const char *name, *doc; } ops[LAC_N_OPS] = {
#define LAC_OP(name, doc) { &lac_op_##name, #name, doc },
#include "autograd/ops/ops.def"
#undef LAC_OP
};

const lac_op_def *lac_op_find(lac_op op) { return ops[op].def; }
const char *lac_op_name(lac_op op) { return ops[op].name; }
const char *lac_op_doc(lac_op op) { return ops[op].doc; }

int lac_op_n_in(const lac_op_def *d)
{
    int n = 0;
    while (n < LAC_MAX_IN && d->in[n].name != NULL)
        n++;
    return n;
}

int lac_op_n_out(const lac_op_def *d)
{
    int n = 0;
    while (n < LAC_MAX_OUT && d->out[n].name != NULL)
        n++;
    return n;
}

const char *lac_op_misfit(const lac_op_def *d, const lac_kernel *k)
{
    if (k->forward == NULL)
        return "forward";
    if ((k->backward != NULL) == d->no_gradient)
        return "backward";
    return (k->workspace != NULL) != d->workspace ? "workspace" : NULL;
}

void lac_op_cost(const lac_op_ctx *c, int64_t *bytes, int64_t *flops)
{
    *bytes = 0;
    for (int i = 0; i < LAC_MAX_IN; i++)
        *bytes += (c->in[i] ? (int64_t)lac_bytes(c->in[i]) : 0) + (c->gin[i] ? (int64_t)lac_bytes(c->gin[i]) : 0);
    for (int i = 0; i < LAC_MAX_OUT; i++)
        *bytes += (c->backward ? 0 : c->out[i] ? (int64_t)lac_bytes(c->out[i]) : 0) + (c->gout[i] ? (int64_t)lac_bytes(c->gout[i]) : 0);
    *flops = c->def->flops ? c->def->flops(c) * (c->backward ? (c->gin[0] != NULL) + (c->gin[1] != NULL) : 1) : 0;
}
