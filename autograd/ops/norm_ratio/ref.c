#include "autograd/ops/norm_ratio/norm_ratio.h"
#include "tests/harness/op.h"

#include <math.h>

void norm_ratio_ref(const lac_ref *r)
{
    double square[2] = { 0 };
    for (int k = 0; k < 2; k++)
        for (int64_t i = 0; i < lac_shape_numel(&r->shape[k]); i++)
            square[k] += r->in[k][i] * r->in[k][i];
    const lac_norm_ratio_attr *a = r->attr;
    *r->out[0] = sqrt(square[0]) / (sqrt(square[1]) + (double)a->eps);
    if (a->most > 0)
        *r->out[0] = fmin(*r->out[0], (double)a->most);
}
