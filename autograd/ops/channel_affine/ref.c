#include "autograd/ops/channel_affine/channel_affine.h"
#include "tests/harness/op.h"

void channel_affine_ref(const lac_ref *r)
{
    const lac_channel_affine_attr *a = r->attr;
    const int64_t c = r->shape[0].dim[r->shape[0].ndim - 1];
    for (int64_t i = 0; i < lac_shape_numel(&r->shape[0]); i++)
        r->out[0][i] = r->in[0][i] * (double)a->scale[i % c] + (double)a->shift[i % c];
}
