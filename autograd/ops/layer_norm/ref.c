#include "autograd/ops/layer_norm/layer_norm.h"
#include "tests/harness/op.h"

#include <math.h>

void layer_norm_ref(const lac_ref *r)
{
    const int64_t n = r->shape[1].dim[0];
    for (int64_t p = 0; p < lac_shape_numel(&r->shape[0]) / n; p++) {
        double mean = 0, var = 0, u[64];
        for (int64_t k = 0; k < n; k++) {
            u[k] = r->in[0][p * n + k] + (r->in[3] != NULL ? r->in[3][p * n + k] : 0);
            mean += u[k] / (double)n;
        }
        for (int64_t k = 0; k < n; k++)
            var += pow(u[k] - mean, 2) / (double)n;
        for (int64_t k = 0; k < n; k++) {
            r->out[0][p * n + k] = (u[k] - mean) / sqrt(var + (double)((const lac_layer_norm_attr *)r->attr)->eps) * r->in[1][k] + r->in[2][k];
            if (r->out[1] != NULL)
                r->out[1][p * n + k] = u[k];
        }
    }
}
