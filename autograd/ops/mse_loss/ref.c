#include "autograd/ops/mse_loss/mse_loss.h"
#include "tests/harness/op.h"

void mse_loss_ref(const lac_ref *r)
{
    const int64_t all = lac_shape_numel(&r->shape[0]), samples = r->shape[0].dim[0], each = all / samples;
    *r->out[0] = 0;
    *r->out[1] = (double)all;
    for (int64_t n = 0; n < samples; n++) {
        double s = 0;
        for (int64_t i = n * each; i < (n + 1) * each; i++)
            s += (r->in[2] ? r->in[2][n] : 1) * (r->in[0][i] - r->in[1][i]) * (r->in[0][i] - r->in[1][i]);
        r->out[2][n] = s / (double)each;
        *r->out[0] += s;
    }
}
