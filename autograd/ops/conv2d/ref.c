#include "autograd/ops/conv2d/conv2d.h"
#include "tests/harness/op.h"

#include <math.h>

static double act(lac_act_fn f, double s)
{
    switch (f.kind) {
    case LAC_ACT_ELU: return s > 0 ? s : exp(s) - 1;
    case LAC_ACT_RELU: return s > 0 ? s : 0;
    case LAC_ACT_LEAKY: return s > 0 ? s : (double)f.slope * s;
    default: return s;
    }
}

static double one(const lac_ref *r, int64_t n, int64_t p, int64_t q, int64_t o)
{
    const lac_conv2d_attr *a = r->attr;
    const int64_t *x = r->shape[0].dim, *w = r->shape[1].dim, first = o / (w[0] / a->groups) * w[3];
    double sum = (r->in[2] ? r->in[2][o] : 0) + (r->in[3] ? r->in[3][((n * r->out_shape[0].dim[1] + p) * r->out_shape[0].dim[2] + q) * w[0] + o] : 0);
    for (int64_t i = 0; i < w[1]; i++)
        for (int64_t j = 0; j < w[2]; j++) {
            const int64_t row = p * a->stride[0] + i * a->dilation[0] - a->pad[0], column = q * a->stride[1] + j * a->dilation[1] - a->pad[2];
            if (row < 0 || row >= x[1] || column < 0 || column >= x[2])
                continue;
            for (int64_t c = 0; c < w[3]; c++)
                sum += r->in[0][((n * x[1] + row) * x[2] + column) * x[3] + first + c] * r->in[1][((o * w[1] + i) * w[2] + j) * w[3] + c];
        }
    return act(a->act, sum);
}

void conv2d_ref(const lac_ref *r)
{
    const int64_t *y = r->out_shape[0].dim;
    for (int64_t k = 0; k < lac_shape_numel(&r->out_shape[0]); k++)
        r->out[0][k] = one(r, k / y[3] / y[2] / y[1], k / y[3] / y[2] % y[1], k / y[3] % y[2], k % y[3]);
}
