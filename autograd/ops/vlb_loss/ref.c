#include "tests/harness/op.h"

#include <math.h>

/* (1 + tanh(x)) / 2 as it keeps its digits far below. */
static double below(double z) { return 1 / (1 + exp(-2 * sqrt(2 / acos(-1)) * (z + 0.044715 * z * z * z))); }

static double level(double e, double x0, double s)
{
    const double high = (e + 1 / 255.0) / s, low = (e - 1 / 255.0) / s;
    const double share = x0 < -0.999 ? below(high) : x0 > 0.999 ? below(-low) : low > 0 ? below(-low) - below(-high) : below(high) - below(low);
    return -log(fmax(share, 1e-12));
}

void vlb_loss_ref(const lac_ref *r)
{
    const int64_t samples = r->shape[0].dim[0], each = samples ? lac_shape_numel(&r->shape[0]) / samples : 0;
    *r->out[0] = 0;
    for (int64_t i = 0; i < samples * each; i++) {
        const double *row = r->in[4] + 4 * (i / each), e = row[0] * (r->in[2][i] - r->in[1][i]);
        const double variance = exp(row[1] + (1 + r->in[0][i]) / 2 * row[2]);
        const double nats = row[3] > 0.5 ? level(e, r->in[3][i], sqrt(variance)) : 0.5 * (exp(row[1]) / variance - 1 - row[1] + log(variance) + e * e / variance);
        *r->out[0] += nats / log(2);
    }
}
