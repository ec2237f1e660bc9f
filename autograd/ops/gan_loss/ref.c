#include "autograd/ops/gan_loss/gan_loss.h"
#include "tests/harness/op.h"

#include <math.h>

static double term(lac_gan_term kind, double x)
{
    switch (kind) {
    case LAC_HINGE_REAL: return fmax(1 - x, 0);
    case LAC_HINGE_FAKE: return fmax(1 + x, 0);
    case LAC_SOFTPLUS_REAL: return log1p(exp(-x));
    case LAC_SOFTPLUS_FAKE: return log1p(exp(x));
    case LAC_LOGIT_PLUS: return x;
    default: return -x;
    }
}

void gan_loss_ref(const lac_ref *r)
{
    *r->out[0] = 0;
    for (int64_t i = 0; i < lac_shape_numel(&r->shape[0]); i++)
        *r->out[0] += term(((const lac_gan_loss_attr *)r->attr)->term, r->in[0][i]);
}
