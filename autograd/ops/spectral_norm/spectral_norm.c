#include "autograd/ops/spectral_norm/spectral_norm.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_spectral_norm_attr *a = c->attr;
    const lac_tensor *w = c->in[0], *u = c->in[1];
    if (w->ndim < 2 || lac_numel(w) == 0)
        return LAC_FAIL(LAC_ERR_SHAPE, "spectral_norm wants a weight [O, ...], got %s", lac_shape_str(w));
    if (u->ndim != 1 || u->dim[0] != w->dim[0])
        return LAC_FAIL(LAC_ERR_SHAPE, "spectral_norm: u is %s, weight is %s", lac_shape_str(u), lac_shape_str(w));
    lac_tensor_like(c->out[0], w);
    c->out[0]->dtype = a->dtype;
    lac_tensor_shape(c->out[1], LAC_F32, 0, NULL);
    lac_tensor_like(c->out[2], u);
    lac_tensor_shape(c->out[3], LAC_F32, 1, (int64_t[]){ lac_numel(w) / w->dim[0] });
    lac_tensor_shape(c->out[4], LAC_F32, 0, NULL);
    return LAC_OK;
}

static int64_t flops(const lac_op_ctx *c) { return 5 * lac_numel(c->in[0]); }

const lac_op_def lac_op_spectral_norm = {
    .in = { { "weight", LAC_F32_ONLY }, { "u", LAC_F32_ONLY } },
    .out = { { "w_sn" }, { "sigma" }, { "u_new" }, { "v", LAC_SAVED }, { "norm", LAC_SAVED } },
    .keeps = LAC_KEEP_IN(0) | LAC_KEEP_IN(1) | LAC_KEEP_OUT(1) | LAC_KEEP_OUT(2) | LAC_KEEP_OUT(3) | LAC_KEEP_OUT(4),
    .infer = infer, .workspace = true, .attr_size = sizeof(lac_spectral_norm_attr), .flops = flops,
};

lac_tensor *lac_spectral_norm(lac_tape *t, lac_tensor *weight, lac_tensor *u, const lac_spectral_norm_attr *a, lac_tensor **sigma, lac_tensor **u_new)
{
    lac_tensor *out[LAC_MAX_OUT];
    lac_apply_n(t, LAC_OP_spectral_norm, a, (lac_tensor *[LAC_MAX_IN]){ weight, u }, out);
    if (sigma != NULL)
        *sigma = out[1];
    if (u_new != NULL)
        *u_new = out[2];
    return out[0];
}
