#include "autograd/ops/concat/concat.h"
#include "autograd/ops/strips_kernel.h"

static lac_strip strip_of(const lac_op_ctx *c, const lac_tensor *y, int i) { return lac_strip_of_part(y, ((const lac_concat_attr *)c->attr)->axis, c->in, i); }

extern "C" lac_status concat_forward_cuda(const lac_op_ctx *c)
{
    for (int i = 0; i < LAC_MAX_IN && c->in[i] != NULL; i++)
        LAC_TRY(lac_strip_move(c->out[0], c->in[i], strip_of(c, c->out[0], i), false, false));
    return LAC_OK;
}

extern "C" lac_status concat_backward_cuda(const lac_op_ctx *c)
{
    for (int i = 0; i < LAC_MAX_IN && c->in[i] != NULL; i++)
        if (c->gin[i] != NULL)
            LAC_TRY(lac_strip_move(c->gin[i], c->gout[0], strip_of(c, c->gout[0], i), true, c->add[i]));
    return LAC_OK;
}
