#include "autograd/ops/activation/activation.h"
#include "tests/harness/op.h"

#include <math.h>

void activation_ref(const lac_ref *r)
{
    const lac_act_fn a = ((const lac_activation_attr *)r->attr)->act;
    for (int64_t i = 0; i < lac_shape_numel(&r->shape[0]); i++) {
        const double x = r->in[0][i];
        switch (a.kind) {
        case LAC_ACT_NONE: break;
        case LAC_ACT_ELU: r->out[0][i] = x > 0 ? x : exp(x) - 1; break;
        case LAC_ACT_RELU: r->out[0][i] = fmax(x, 0); break;
        case LAC_ACT_LEAKY: r->out[0][i] = x > 0 ? x : (double)a.slope * x; break;
        case LAC_ACT_TANH: r->out[0][i] = tanh(x); break;
        case LAC_ACT_CLIP: r->out[0][i] = fmin(fmax(x, -1), 1); break;
        case LAC_ACT_SILU: r->out[0][i] = x / (1 + exp(-x)); break;
        case LAC_ACT_QUICK_GELU: r->out[0][i] = x / (1 + exp(-1.702 * x)); break;
        case LAC_ACT_GELU: r->out[0][i] = x * 0.5 * erfc(-x * sqrt(0.5)); break;
        }
    }
}
