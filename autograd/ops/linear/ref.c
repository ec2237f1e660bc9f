#include "tests/harness/op.h"

void linear_ref(const lac_ref *r)
{
    const int64_t o = r->shape[1].dim[0], n = r->shape[1].dim[1];
    for (int64_t k = 0; k < lac_shape_numel(&r->out_shape[0]); k++) {
        double sum = r->in[2] ? r->in[2][k % o] : 0;
        for (int64_t i = 0; i < n; i++)
            sum += r->in[0][k / o * n + i] * r->in[1][k % o * n + i];
        r->out[0][k] = sum;
    }
}
