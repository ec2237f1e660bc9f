#include "models/unet/res_block.h"

#include "autograd/ops/resize/resize.h"
#include "models/layers/initial.h"

const lac_res_block_names lac_res_block_diffusers = { "norm1", "conv1", "time_emb_proj", "norm2", "conv2", "conv_shortcut" };
const lac_res_block_names lac_res_block_compvis = { "in_layers.0", "in_layers.2", "emb_layers.1", "out_layers.0", "out_layers.3", "skip_connection" };

lac_status lac_res_block_init(lac_res_block *b, lac_params *ps, const lac_res_block_names *names, int64_t in, int64_t out, int64_t time_width)
{
    b->norm1 = b->norm2 = (lac_group_norm_layer){ .groups = b->groups, .eps = b->eps };
    b->conv1 = b->conv2 = (lac_conv_layer){ .k = 3, .pad = 1 };
    b->shortcut.kind = LAC_LINEAR_CONV2D;
    LAC_TRY(lac_group_norm_layer_init(&b->norm1, ps, names->norm1, in));
    LAC_TRY(lac_conv_layer_init(&b->conv1, ps, names->conv1, in, out));
    LAC_TRY(lac_linear_layer_init(&b->time, ps, names->time, time_width, b->scale_shift ? 2 * out : out));
    LAC_TRY(lac_group_norm_layer_init(&b->norm2, ps, names->norm2, out));
    LAC_TRY(lac_conv_layer_init(&b->conv2, ps, names->conv2, out, out));
    lac_initial_zero(b->conv2.weight, b->conv2.bias);
    return in == out ? LAC_OK : lac_linear_layer_init(&b->shortcut, ps, names->shortcut, in, out);
}

static lac_tensor *resampled(lac_tape *t, lac_resample r, lac_tensor *x)
{
    if (r == LAC_RESAMPLE_NONE || x == NULL)
        return x;
    const bool down = r == LAC_RESAMPLE_DOWN;
    return lac_resize(t, x, &(lac_resize_attr){ .height = down ? x->dim[1] / 2 : 2 * x->dim[1], .width = down ? x->dim[2] / 2 : 2 * x->dim[2],
                                                .mode = down ? LAC_RESIZE_AREA : LAC_RESIZE_NEAREST });
}

lac_tensor *lac_res_block_forward(lac_tape *t, const lac_res_block *b, lac_tensor *x, lac_tensor *skip, lac_tensor *time)
{
    const lac_act_fn none = lac_act_of(LAC_ACT_NONE);
    lac_tensor *e = lac_linear_layer_forward(t, &b->time, time);
    lac_tensor *h = resampled(t, b->resample, lac_group_norm_layer_forward(t, &b->norm1, x, skip, NULL, NULL, LAC_ACT_SILU));
    lac_tensor *straight = resampled(t, b->resample, x);
    h = lac_conv_layer_forward(t, &b->conv1, h, NULL, none);
    h = lac_group_norm_layer_forward(t, &b->norm2, h, NULL, b->scale_shift ? NULL : e, b->scale_shift ? e : NULL, LAC_ACT_SILU);
    if (b->shortcut.weight != NULL)
        straight = lac_linear_layer_sum(t, &b->shortcut, straight, skip, NULL);
    return lac_conv_layer_forward(t, &b->conv2, h, straight, none);
}
