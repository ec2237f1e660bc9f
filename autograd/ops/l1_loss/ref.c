#include "autograd/ops/l1_loss/l1_loss.h"
#include "tests/harness/op.h"

#include <math.h>

void l1_loss_ref(const lac_ref *r)
{
    const lac_region_kind region = ((const lac_l1_loss_attr *)r->attr)->region;
    const int64_t n = r->in[2] ? r->shape[0].dim[3] : 1;
    *r->out[0] = *r->out[1] = 0;
    for (int64_t i = 0; i < lac_shape_numel(&r->shape[0]); i++) {
        const double w = r->in[2] ? r->in[2][i / n % lac_shape_numel(&r->shape[2])] : 1, v = region == LAC_REGION_VALID ? 1 - w : w;
        *r->out[0] += v * fabs(r->in[0][i] - r->in[1][i]);
        *r->out[1] += v;
    }
}
