#include "autograd/ops/geglu/geglu.h"
#include "tests/harness/op.h"

#include <math.h>

void geglu_ref(const lac_ref *r)
{
    const int64_t half = r->out_shape[0].dim[r->out_shape[0].ndim - 1];
    for (int64_t i = 0; i < lac_shape_numel(&r->out_shape[0]); i++) {
        const double *v = r->in[0] + i + i / half * half, g = v[half];
        r->out[0][i] = *v * g * 0.5 * erfc(-g * sqrt(0.5));
    }
}
