#include "autograd/ops/gate/gate.h"
#include "tests/harness/op.h"

#include <math.h>

void gate_ref(const lac_ref *r)
{
    const lac_gate_attr *a = r->attr;
    const int64_t *y = r->out_shape[0].dim, n = y[3], s = a->upsample, w = y[2] / s, h = y[1] / s;
    for (int64_t i = 0; i < lac_shape_numel(&r->out_shape[0]); i++) {
        const int64_t k = i % n, col = i / n % y[2] / s, row = i / n / y[2] % y[1] / s, sample = i / n / y[2] / y[1];
        const double *x = r->in[0] + ((sample * h + row) * w + col) * 2 * n, f = x[k], g = x[n + k];
        r->out[0][i] = (f > 0 ? f : a->act == LAC_ACT_ELU ? exp(f) - 1 : 0) / (1 + exp(-g));
    }
}
