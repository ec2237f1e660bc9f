#include "autograd/ops/slice/slice.h"
#include "autograd/ops/strips_kernel.h"

static lac_strip strip_of(const lac_op_ctx *c, const lac_tensor *whole)
{
    const lac_slice_attr *a = (const lac_slice_attr *)c->attr;
    return lac_strip_of(whole, a->axis, a->from, a->count);
}

extern "C" lac_status slice_forward_cuda(const lac_op_ctx *c) { return lac_strip_move(c->out[0], c->in[0], strip_of(c, c->in[0]), true, false); }

extern "C" lac_status slice_backward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *gx = c->gin[0];
    if (!c->add[0])
        LAC_TRY(c->backend->fill_zero(gx->data, lac_bytes(gx)));
    return lac_strip_move(gx, c->gout[0], strip_of(c, gx), false, c->add[0]);
}
