#include "autograd/ops/max_pool/max_pool.h"
#include "tests/harness/op.h"

#include <math.h>

void max_pool_ref(const lac_ref *r)
{
    const lac_max_pool_attr *a = r->attr;
    const int64_t *in = r->shape[0].dim, *out = r->out_shape[0].dim;
    for (int64_t k = 0; k < lac_shape_numel(&r->out_shape[0]); k++) {
        const int64_t c = k % out[3], j = k / out[3] % out[2], i = k / out[3] / out[2] % out[1], n = k / out[3] / out[2] / out[1];
        r->out[0][k] = -INFINITY;
        for (int64_t at = 0; at < a->kernel * a->kernel; at++) {
            const int64_t row = i * a->stride - a->pad + at / a->kernel, column = j * a->stride - a->pad + at % a->kernel;
            if (row >= 0 && row < in[1] && column >= 0 && column < in[2])
                r->out[0][k] = fmax(r->out[0][k], r->in[0][((n * in[1] + row) * in[2] + column) * in[3] + c]);
        }
    }
}
