#include "tests/harness/op.h"

void linear_ref(const lac_ref *r)
{
    const lac_shape *w = &r->shape[1];
    const int64_t o = w->dim[0], n = lac_shape_numel(w) / o, b = r->in[3] ? r->shape[3].dim[r->shape[3].ndim - 1] : 0, a = n - b;
    for (int64_t k = 0; k < lac_shape_numel(&r->out_shape[0]); k++) {
        double sum = (r->in[2] ? r->in[2][k % o] : 0) + (r->in[4] ? r->in[4][k] : 0);
        for (int64_t i = 0; i < n; i++)
            sum += (i < a ? r->in[0][k / o * a + i] : r->in[3][k / o * b + i - a]) * r->in[1][k % o * n + i];
        r->out[0][k] = sum;
    }
}
