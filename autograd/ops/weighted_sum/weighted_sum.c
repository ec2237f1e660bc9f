#include "autograd/ops/weighted_sum/weighted_sum.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    for (int i = 0; i < LAC_MAX_IN && c->in[i] != NULL; i++)
        if (lac_numel(c->in[i]) != 1)
            return LAC_FAIL(LAC_ERR_SHAPE, "weighted_sum wants scalars, input %d is %s", i, lac_shape_str(c->in[i]));
    lac_tensor_shape(c->out[0], LAC_F32, 0, NULL);
    return LAC_OK;
}

#define PORT(name) { name, LAC_F32_ONLY | LAC_OPTIONAL }

const lac_op_def lac_op_weighted_sum = {
    .in = { { "s0", LAC_F32_ONLY }, PORT("s1"), PORT("s2"), PORT("s3"), PORT("s4"), PORT("s5"), PORT("s6"), PORT("s7") },
    .out = { { "y" } }, .infer = infer, .attr_size = sizeof(lac_weighted_sum_attr),
};

lac_tensor *lac_weighted_sum(lac_tape *t, lac_tensor *const *s, const float *w, int n)
{
    lac_tensor *in[LAC_MAX_IN] = { 0 }, *out[LAC_MAX_OUT];
    lac_weighted_sum_attr a = { { 0 } };
    if (lac_tape_status(t) != LAC_OK)
        return NULL;
    if (n < 1 || n > LAC_MAX_IN)
        return lac_tape_fail(t, LAC_FAIL(LAC_ERR_ARG, "weighted_sum takes 1 to %d inputs, got %d", LAC_MAX_IN, n));
    for (int i = 0; i < n; i++) {
        in[i] = s[i];
        a.w[i] = w[i];
    }
    lac_apply_n(t, LAC_OP_weighted_sum, &a, in, out);
    return out[0];
}
