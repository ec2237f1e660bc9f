#include "autograd/ops/hinge_loss/hinge_loss.h"
#include "tests/harness/op.h"

#include <math.h>

void hinge_loss_ref(const lac_ref *r)
{
    const lac_hinge kind = ((const lac_hinge_loss_attr *)r->attr)->kind;
    *r->out[0] = 0;
    for (int64_t i = 0; i < lac_shape_numel(&r->shape[0]); i++) {
        const double x = r->in[0][i];
        *r->out[0] += kind == LAC_HINGE_REAL ? fmax(1 - x, 0) : kind == LAC_HINGE_FAKE ? fmax(1 + x, 0) : kind == LAC_HINGE_PLUS ? x : -x;
    }
}
