#include "autograd/ops/gaussian/gaussian.h"
#include "tests/harness/op.h"

#include <math.h>

void gaussian_ref(const lac_ref *r)
{
    const int64_t samples = r->shape[0].dim[0], pixels = r->shape[0].dim[1] * r->shape[0].dim[2], z = r->shape[0].dim[3] / 2;
    for (int64_t n = 0; n < samples; n++) {
        r->out[3][n] = 0;
        for (int64_t p = n * pixels; p < (n + 1) * pixels; p++)
            for (int64_t k = 0; k < z; k++) {
                const double mean = r->in[0][p * 2 * z + k], logvar = fmin(fmax(r->in[0][p * 2 * z + z + k], -30), 20);
                r->out[0][p * z + k] = mean + exp(logvar / 2) * (r->in[1] ? r->in[1][p * z + k] : 0);
                r->out[1][p * z + k] = mean;
                r->out[2][p * z + k] = logvar;
                r->out[3][n] += (mean * mean + exp(logvar) - 1 - logvar) / 2;
            }
    }
}
