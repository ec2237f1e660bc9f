#include "autograd/ops/concat/concat.h"
#include "tests/harness/op.h"

void concat_ref(const lac_ref *r)
{
    const lac_shape *y = &r->out_shape[0];
    const int named = ((const lac_concat_attr *)r->attr)->axis, axis = named < 0 ? y->ndim + named : named;
    int64_t rows = 1, wide = 1, at = 0;
    for (int i = 0; i < axis; i++)
        rows *= y->dim[i];
    for (int i = axis; i < y->ndim; i++)
        wide *= y->dim[i];
    for (int i = 0; i < LAC_MAX_IN && r->in[i] != NULL; i++) {
        const int64_t n = lac_shape_numel(&r->shape[i]) / rows;
        for (int64_t row = 0; row < rows; row++)
            for (int64_t k = 0; k < n; k++)
                r->out[0][row * wide + at + k] = r->in[i][row * n + k];
        at += n;
    }
}
