#include "models/unet/attention_block.h"

#include "autograd/ops/attention/attention.h"
#include "autograd/ops/slice/slice.h"
#include "models/layers/initial.h"

lac_status lac_attention_block_init(lac_attention_block *b, lac_params *ps, int64_t channels)
{
    b->norm = (lac_group_norm_layer){ .groups = b->groups, .eps = 1e-5f };
    b->qkv.kind = b->proj_out.kind = LAC_LINEAR_CONV1D;
    LAC_TRY(lac_group_norm_layer_init(&b->norm, ps, "norm", channels));
    LAC_TRY(lac_linear_layer_init(&b->qkv, ps, "qkv", channels, 3 * channels));
    LAC_TRY(lac_linear_layer_init(&b->proj_out, ps, "proj_out", channels, channels));
    lac_initial_zero(b->proj_out.weight, b->proj_out.bias);
    return LAC_OK;
}

/* One of q, k and v of all heads: as x. */
static lac_tensor *part(lac_tape *t, const lac_attention_block *b, lac_tensor *qkv, const lac_tensor *x, int which)
{
    const int64_t tokens = x->dim[0] * x->dim[1] * x->dim[2], d = x->dim[3] / b->heads;
    lac_tensor *by_head = lac_reshape(t, qkv, 4, (int64_t[]){ tokens, b->heads, 3, d });
    lac_tensor *y = by_head == NULL ? NULL : lac_slice(t, by_head, -2, which, 1);
    return y == NULL ? NULL : lac_reshape(t, y, x->ndim, x->dim);
}

lac_tensor *lac_attention_block_forward(lac_tape *t, const lac_attention_block *b, lac_tensor *x)
{
    lac_tensor *qkv = lac_linear_layer_forward(t, &b->qkv, lac_group_norm_layer_forward(t, &b->norm, x, NULL, NULL, NULL, LAC_ACT_NONE));
    if (qkv == NULL)
        return NULL;
    lac_tape_enter(t, b->qkv.name);
    lac_tensor *q = part(t, b, qkv, x, 0), *k = part(t, b, qkv, x, 1), *v = part(t, b, qkv, x, 2);
    lac_tensor *y = lac_attention(t, q, k, v, &(lac_attention_attr){ .heads = b->heads });
    lac_tape_leave(t);
    return lac_linear_layer_sum(t, &b->proj_out, y, NULL, x);
}
