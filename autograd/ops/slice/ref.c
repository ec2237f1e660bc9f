#include "autograd/ops/slice/slice.h"
#include "tests/harness/op.h"

void slice_ref(const lac_ref *r)
{
    const lac_slice_attr *a = r->attr;
    const lac_shape *x = &r->shape[0], *y = &r->out_shape[0];
    const int axis = a->axis < 0 ? a->axis + x->ndim : a->axis;
    int64_t inner = 1;
    for (int i = axis + 1; i < x->ndim; i++)
        inner *= x->dim[i];
    for (int64_t k = 0; k < lac_shape_numel(y); k++) {
        const int64_t row = k / inner / y->dim[axis], place = k / inner % y->dim[axis] + a->from;
        r->out[0][k] = r->in[0][(row * x->dim[axis] + place) * inner + k % inner];
    }
}
