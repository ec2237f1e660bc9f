#include "tests/harness/op.h"

#include <math.h>

void l2_normalize_ref(const lac_ref *r)
{
    const lac_shape *x = &r->shape[0];
    const int64_t n = x->dim[x->ndim - 1];
    for (int64_t i = 0; i < lac_shape_numel(x); i++) {
        double sum = 0;
        for (int64_t k = 0; k < n; k++)
            sum += pow(r->in[0][i / n * n + k], 2);
        r->out[0][i] = r->in[0][i] / sqrt(sum);
    }
}
