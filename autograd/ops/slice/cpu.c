#include "autograd/ops/slice/slice.h"
#include "autograd/ops/strips_cpu.h"

static lac_strip strip_of(const lac_op_ctx *c, const lac_tensor *whole)
{
    const lac_slice_attr *a = c->attr;
    return lac_strip_of(whole, a->axis, a->from, a->count);
}

lac_status LAC_CPU(slice_forward)(const lac_op_ctx *c)
{
    lac_strip_move(c->out[0], c->in[0], strip_of(c, c->in[0]), true, false);
    return LAC_OK;
}

static void clear(const lac_tensor *x)
{
    const size_t size = lac_dtype_size(x->dtype);
    LAC_PARALLEL_BLOCKS(b, from, to, lac_numel(x))
        if (to > from)
            memset((char *)x->data + (size_t)from * size, 0, (size_t)(to - from) * size);
}

lac_status LAC_CPU(slice_backward)(const lac_op_ctx *c)
{
    if (!c->add[0])
        clear(c->gin[0]);
    lac_strip_move(c->gin[0], c->gout[0], strip_of(c, c->gin[0]), false, c->add[0]);
    return LAC_OK;
}
