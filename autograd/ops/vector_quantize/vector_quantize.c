#include "autograd/ops/vector_quantize/vector_quantize.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *z = c->in[0], *e = c->in[1];
    if (e->ndim != 2 || e->dim[0] < 1 || e->dim[1] < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "vector_quantize wants codebook [K, D], got %s", lac_shape_str(e));
    if (z->ndim < 1 || z->dim[z->ndim - 1] != e->dim[1])
        return LAC_FAIL(LAC_ERR_SHAPE, "vector_quantize wants z [..., %lld] for codebook %s, got %s", (long long)e->dim[1], lac_shape_str(e), lac_shape_str(z));
    lac_tensor_like(c->out[0], z);
    lac_tensor_shape(c->out[1], LAC_I64, z->ndim - 1, z->dim);
    lac_tensor_shape(c->out[2], LAC_F32, 0, NULL);
    lac_tensor_shape(c->out[3], LAC_F32, 0, NULL);
    return LAC_OK;
}

const lac_op_def lac_op_vector_quantize = {
    .in = { { "z", LAC_FLOATS }, { "codebook", LAC_F32_ONLY } }, .out = { { "quantized" }, { "index" }, { "sum" }, { "count" } },
    .keeps = LAC_KEEP_IN(0) | LAC_KEEP_IN(1) | LAC_KEEP_OUT(1),
    .infer = infer, .workspace = true, .attr_size = sizeof(lac_vector_quantize_attr),
};

lac_vector_quantize_out lac_vector_quantize(lac_tape *t, lac_tensor *z, lac_tensor *codebook, const lac_vector_quantize_attr *a)
{
    lac_tensor *out[LAC_MAX_OUT];
    lac_apply_n(t, LAC_OP_vector_quantize, a, (lac_tensor *[LAC_MAX_IN]){ z, codebook }, out);
    return (lac_vector_quantize_out){ out[0], out[1], out[2], out[3] };
}
