#include "autograd/ops/broadcast_add/broadcast_add.h"
#include "tests/harness/op.h"

void broadcast_add_ref(const lac_ref *r)
{
    const lac_shape *x = &r->shape[0], *b = &r->shape[1];
    for (int64_t i = 0; i < lac_shape_numel(x); i++) {
        int64_t left = i, at = 0, step = 1;
        for (int k = 1; k <= b->ndim; k++) {
            const int64_t n = x->dim[x->ndim - k], own = b->dim[b->ndim - k];
            at += own == 1 ? 0 : left % n * step;
            step *= own;
            left /= n;
        }
        r->out[0][i] = r->in[0][i] + r->in[1][at];
    }
}
