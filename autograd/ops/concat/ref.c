#include "autograd/ops/concat/concat.h"
#include "tests/harness/op.h"

void concat_ref(const lac_ref *r)
{
    const bool batch = ((const lac_concat_attr *)r->attr)->axis == LAC_CONCAT_BATCH;
    const lac_shape *y = &r->out_shape[0];
    const int64_t wide = batch ? lac_shape_numel(y) : y->dim[y->ndim - 1], rows = lac_shape_numel(y) / wide;
    int64_t at = 0;
    for (int i = 0; i < LAC_MAX_IN && r->in[i] != NULL; i++) {
        const int64_t n = lac_shape_numel(&r->shape[i]) / rows;
        for (int64_t row = 0; row < rows; row++)
            for (int64_t k = 0; k < n; k++)
                r->out[0][row * wide + at + k] = r->in[i][row * n + k];
        at += n;
    }
}
