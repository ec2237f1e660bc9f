#include "autograd/ops/concat/concat.h"
#include "autograd/ops/strips_cpu.h"

static lac_strip strip_of(const lac_op_ctx *c, const lac_tensor *y, int i) { return lac_strip_of_part(y, ((const lac_concat_attr *)c->attr)->axis, c->in, i); }

lac_status LAC_CPU(concat_forward)(const lac_op_ctx *c)
{
    for (int i = 0; i < LAC_MAX_IN && c->in[i] != NULL; i++)
        lac_strip_move(c->out[0], c->in[i], strip_of(c, c->out[0], i), false, false);
    return LAC_OK;
}

lac_status LAC_CPU(concat_backward)(const lac_op_ctx *c)
{
    for (int i = 0; i < LAC_MAX_IN && c->in[i] != NULL; i++)
        if (c->gin[i] != NULL)
            lac_strip_move(c->gin[i], c->gout[0], strip_of(c, c->gout[0], i), true, c->add[i]);
    return LAC_OK;
}
