#include "autograd/ops/composite/composite.h"
#include "tests/harness/op.h"

void composite_ref(const lac_ref *r)
{
    const lac_composite_attr *a = r->attr;
    const int64_t n = r->shape[1].dim[3], wide = r->out_shape[0].dim[3], n_mask = lac_shape_numel(&r->shape[2]);
    for (int64_t p = 0; p < lac_shape_numel(&r->shape[1]) / n; p++) {
        const double m = r->in[2][p % n_mask], *image = r->in[1] + p * n;
        double *y = r->out[0] + p * wide;
        for (int64_t k = 0; k < n; k++)
            *y++ = a->whole ? image[k] : image[k] * (1 - m) + (r->in[0] ? r->in[0][p * n + k] * m : 0);
        if (a->ones)
            *y++ = 1;
        if (a->append_mask)
            *y++ = m;
    }
}
