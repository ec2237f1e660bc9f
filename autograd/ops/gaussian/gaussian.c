#include "autograd/ops/gaussian/gaussian.h"
#include "autograd/ops/ops.h"

#include <string.h>

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *noise = c->in[1];
    if (x->ndim != 4 || x->dim[3] < 2 || x->dim[3] % 2 != 0)
        return LAC_FAIL(LAC_ERR_SHAPE, "gaussian wants moments [N, h, w, 2z], got %s", lac_shape_str(x));
    for (int k = 0; k < 3; k++) {
        lac_tensor_like(c->out[k], x);
        c->out[k]->dim[3] /= 2;
    }
    lac_tensor_shape(c->out[3], LAC_F32, 1, x->dim);
    return noise == NULL || lac_same_shape(noise, c->out[0]) ? LAC_OK
         : LAC_FAIL(LAC_ERR_SHAPE, "gaussian wants noise %s for moments %s, got %s", lac_shape_str(c->out[0]), lac_shape_str(x), lac_shape_str(noise));
}

const lac_op_def lac_op_gaussian = {
    .in = { { "moments", LAC_FLOATS }, { "noise", LAC_FLOATS | LAC_OPTIONAL } },
    .out = { { "sample" }, { "mean" }, { "logvar" }, { "kl" } },
    .keeps = LAC_KEEP_IN(0) | LAC_KEEP_IN(1), .infer = infer,
};

lac_gaussian_out lac_gaussian(lac_tape *t, lac_tensor *moments, lac_tensor *noise)
{
    lac_tensor *out[LAC_MAX_OUT];
    lac_apply_n(t, LAC_OP_gaussian, NULL, (lac_tensor *[LAC_MAX_IN]){ moments, noise }, out);
    return (lac_gaussian_out){ out[0], out[1], out[2], out[3] };
}
