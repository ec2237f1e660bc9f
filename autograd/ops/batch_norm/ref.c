#include "autograd/ops/batch_norm/batch_norm.h"
#include "tests/harness/op.h"

#include <math.h>

void batch_norm_ref(const lac_ref *r)
{
    const lac_batch_norm_attr *a = r->attr;
    const int64_t c = r->shape[0].dim[3], n = lac_shape_numel(&r->shape[0]) / c;
    for (int64_t k = 0; k < c; k++) {
        double mean = 0, var = 0;
        for (int64_t p = 0; p < n; p++)
            mean += r->in[0][p * c + k] / (double)n;
        for (int64_t p = 0; p < n; p++)
            var += pow(r->in[0][p * c + k] - mean, 2) / (double)n;
        const double m = a->training ? (double)a->momentum : 0;
        r->out[1][k] = (1 - m) * r->in[3][k] + m * mean;
        r->out[2][k] = (1 - m) * r->in[4][k] + m * var * (double)n / (double)(n - 1);
        if (!a->training) {
            mean = r->in[3][k];
            var = r->in[4][k];
        }
        for (int64_t p = 0; p < n; p++) {
            const double z = (r->in[0][p * c + k] - mean) / sqrt(fmax(var, 0) + (double)a->eps) * r->in[1][k] + r->in[2][k];
            r->out[0][p * c + k] = a->act.kind == LAC_ACT_LEAKY && z < 0 ? (double)a->act.slope * z : z;
        }
    }
}
