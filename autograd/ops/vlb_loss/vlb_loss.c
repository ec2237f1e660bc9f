#include "autograd/ops/vlb_loss/vlb_loss.h"
#include "autograd/ops/ops.h"

static lac_status infer(lac_op_ctx *c)
{
    const lac_tensor *v = c->in[0], *row = c->in[4];
    for (int i = 1; i < 4; i++)
        if (v->ndim < 1 || !lac_same_shape(v, c->in[i]))
            return LAC_FAIL(LAC_ERR_SHAPE, "vlb_loss wants four tensors [N, ...], v is %s, %s is %s", lac_shape_str(v), c->def->in[i].name, lac_shape_str(c->in[i]));
    if (row->ndim != 2 || row->dim[0] != v->dim[0] || row->dim[1] != 4)
        return LAC_FAIL(LAC_ERR_SHAPE, "vlb_loss wants four numbers for each sample of %s, row is %s", lac_shape_str(v), lac_shape_str(row));
    lac_tensor_shape(c->out[0], LAC_F32, 0, NULL);
    return LAC_OK;
}

const lac_op_def lac_op_vlb_loss = {
    .in = { { "v", LAC_FLOATS }, { "output", LAC_FLOATS }, { "target", LAC_F32_ONLY }, { "x0", LAC_F32_ONLY }, { "row", LAC_F32_ONLY } }, .out = { { "sum" } },
    .keeps = LAC_KEEP_IN(0) | LAC_KEEP_IN(1) | LAC_KEEP_IN(2) | LAC_KEEP_IN(3) | LAC_KEEP_IN(4), .infer = infer, .workspace = true,
};

lac_tensor *lac_vlb_loss(lac_tape *t, const lac_vlb_loss_in *in)
{
    return lac_apply(t, LAC_OP_vlb_loss, NULL, in->v, in->output, in->target, in->x0, in->row);
}
