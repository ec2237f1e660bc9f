#include "autograd/ops/lincomb/lincomb.h"
#include "tests/harness/op.h"

void lincomb_ref(const lac_ref *r)
{
    const lac_shape *a = &r->shape[0], *x = &r->shape[1];
    const int64_t all = lac_shape_numel(x), n = a->dim[a->ndim - 1];
    for (int64_t i = 0; i < all; i++) {
        const int64_t row = a->ndim == 2 ? i / (all / x->dim[0]) : 0;
        r->out[0][i] = 0;
        for (int64_t k = 0; k < n; k++)
            r->out[0][i] += r->in[0][row * n + k] * r->in[1 + k][i];
    }
}
