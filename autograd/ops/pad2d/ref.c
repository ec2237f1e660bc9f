#include "autograd/ops/pad2d/pad2d.h"
#include "tests/harness/op.h"

/* Steps from the edge inwards and turns round there. */
static int64_t walk(lac_pad_mode mode, int64_t i, int64_t n)
{
    while (i < 0 || i >= n)
        switch (mode) {
        case LAC_PAD_REFLECT: i = i < 0 ? -i : 2 * (n - 1) - i; break;
        case LAC_PAD_SYMMETRIC: i = i < 0 ? -1 - i : 2 * n - 1 - i; break;
        case LAC_PAD_REPLICATE: i = i < 0 ? 0 : n - 1; break;
        }
    return i;
}

void pad2d_ref(const lac_ref *r)
{
    const lac_pad2d_attr *a = r->attr;
    const int64_t *x = r->shape[0].dim, *y = r->out_shape[0].dim;
    for (int64_t p = 0; p < y[0] * y[1] * y[2]; p++) {
        const int64_t row = walk(a->mode, p / y[2] % y[1] - a->pad[0], x[1]), col = walk(a->mode, p % y[2] - a->pad[2], x[2]);
        for (int64_t k = 0; k < x[3]; k++)
            r->out[0][p * x[3] + k] = r->in[0][((p / y[2] / y[1] * x[1] + row) * x[2] + col) * x[3] + k];
    }
}
