#include "models/deepfill/generator.h"

#include "autograd/ops/composite/composite.h"
#include "autograd/ops/concat/concat.h"
#include "autograd/ops/contextual_attention/contextual_attention.h"
#include "autograd/ops/resize/resize.h"

#include <string.h>

/* The released code's table (deepfillv2.md 1.4). filters = cnum * halves / 2; RGB rows have 3. `before` is the layer whose output
 * comes in: -1 a stage's input, -2 both branches. */
typedef struct row { const char *name; int before, halves, k, stride, dilation, upsample; } row;
enum { INPUT = -1, BRANCHES = -2, RGB = 0 };

static const row table[LAC_DEEPFILL_LAYERS] = {
    { "conv1", INPUT, 2, 5, 1, 1, 1 },
    { "conv2_downsample", 0, 4, 3, 2, 1, 1 },
    { "conv3", 1, 4, 3, 1, 1, 1 },
    { "conv4_downsample", 2, 8, 3, 2, 1, 1 },
    { "conv5", 3, 8, 3, 1, 1, 1 },
    { "conv6", 4, 8, 3, 1, 1, 1 },
    { "conv7_atrous", 5, 8, 3, 1, 2, 1 },
    { "conv8_atrous", 6, 8, 3, 1, 4, 1 },
    { "conv9_atrous", 7, 8, 3, 1, 8, 1 },
    { "conv10_atrous", 8, 8, 3, 1, 16, 1 },
    { "conv11", 9, 8, 3, 1, 1, 1 },
    { "conv12", 10, 8, 3, 1, 1, 2 },
    { "conv13_upsample", 11, 4, 3, 1, 1, 1 },
    { "conv14", 12, 4, 3, 1, 1, 2 },
    { "conv15_upsample", 13, 2, 3, 1, 1, 1 },
    { "conv16", 14, 1, 3, 1, 1, 1 },
    { "conv17", 15, RGB, 3, 1, 1, 1 },
    { "xconv1", INPUT, 2, 5, 1, 1, 1 },
    { "xconv2_downsample", 17, 2, 3, 2, 1, 1 },
    { "xconv3", 18, 4, 3, 1, 1, 1 },
    { "xconv4_downsample", 19, 4, 3, 2, 1, 1 },
    { "xconv5", 20, 8, 3, 1, 1, 1 },
    { "xconv6", 21, 8, 3, 1, 1, 1 },
    { "xconv7_atrous", 22, 8, 3, 1, 2, 1 },
    { "xconv8_atrous", 23, 8, 3, 1, 4, 1 },
    { "xconv9_atrous", 24, 8, 3, 1, 8, 1 },
    { "xconv10_atrous", 25, 8, 3, 1, 16, 1 },
    { "pmconv1", INPUT, 2, 5, 1, 1, 1 },
    { "pmconv2_downsample", 27, 2, 3, 2, 1, 1 },
    { "pmconv3", 28, 4, 3, 1, 1, 1 },
    { "pmconv4_downsample", 29, 8, 3, 2, 1, 1 },
    { "pmconv5", 30, 8, 3, 1, 1, 1 },
    { "pmconv6", 31, 8, 3, 1, 1, 1 },
    { "pmconv9", 32, 8, 3, 1, 1, 1 },
    { "pmconv10", 33, 8, 3, 1, 1, 1 },
    { "allconv11", BRANCHES, 8, 3, 1, 1, 1 },
    { "allconv12", 35, 8, 3, 1, 1, 2 },
    { "allconv13_upsample", 36, 4, 3, 1, 1, 1 },
    { "allconv14", 37, 4, 3, 1, 1, 2 },
    { "allconv15_upsample", 38, 2, 3, 1, 1, 1 },
    { "allconv16", 39, 1, 3, 1, 1, 1 },
    { "allconv17", 40, RGB, 3, 1, 1, 1 },
};

enum { STAGE_1 = 0, CONV_BRANCH = 17, PM_BRANCH = 27, PM_RELU = 32, PM_AFTER_ATTENTION = 33, DECODER = 35, END = LAC_DEEPFILL_LAYERS };

static int64_t channels_in(const lac_deepfill *g, int i)
{
    const int before = table[i].before;
    if (before == BRANCHES)
        return g->layer[DECODER - 1].out + g->layer[PM_BRANCH - 1].out;
    if (before == INPUT)
        return 3 + 2 * (i == STAGE_1 ? g->config.input_aux : g->config.stage2_aux);
    return g->layer[before].out;
}

lac_status lac_deepfill_init(lac_deepfill *g, lac_params *ps, const lac_deepfill_config *c)
{
    *g = (lac_deepfill){ .config = *c, .params = ps };
    for (int i = 0; i < LAC_DEEPFILL_LAYERS; i++) {
        const row *r = &table[i];
        g->layer[i] = (lac_conv_block){
            .kind = r->halves == RGB ? LAC_BLOCK_PLAIN : c->conv == LAC_CONV_GATED ? LAC_BLOCK_GATED : LAC_BLOCK_VANILLA,
            .act = i == PM_RELU ? LAC_ACT_RELU : LAC_ACT_ELU, .mode = c->mode,
            .k = r->k, .stride = r->stride, .dilation = r->dilation, .upsample = r->upsample };
        const int64_t filters = r->halves == RGB ? 3 : c->cnum * r->halves / 2;
        LAC_TRY(lac_conv_block_init(&g->layer[i], ps, r->name, channels_in(g, i), filters));
    }
    return LAC_OK;
}

static lac_tensor *run(lac_tape *t, const lac_deepfill *g, lac_tensor *x, int from, int to)
{
    for (int i = from; i < to; i++)
        x = lac_conv_block_forward(t, &g->layer[i], x);
    return x;
}

static lac_tensor *squash(lac_tape *t, const lac_deepfill *g, lac_tensor *x)
{
    return lac_activation(t, x, g->config.clip ? LAC_ACT_CLIP : LAC_ACT_TANH);
}

/* The mask at a quarter of the size, where the attention works. */
static lac_tensor *quarter(lac_tape *t, const lac_deepfill *g, lac_tensor *mask)
{
    return lac_resize(t, mask, &(lac_resize_attr){ .height = mask->dim[1] / 4, .width = mask->dim[2] / 4,
        .mode = g->config.mask_down_max ? LAC_RESIZE_MAX : LAC_RESIZE_NEAREST, .align_corners = g->config.mode == LAC_MODE_TF });
}

static lac_tensor *attend(lac_tape *t, const lac_deepfill *g, lac_tensor *x, lac_tensor *mask)
{
    const lac_deepfill_config *c = &g->config;
    const lac_contextual_attention_attr a = { .ksize = 3, .rate = 2, .fuse = c->fuse, .softmax_scale = (float)c->softmax_scale,
        .torch = c->mode == LAC_MODE_TORCH, .exact_overlap = c->exact_overlap, .exclude_masked = c->exclude_masked,
        .mask_max = c->mask_down_max };
    lac_tape_enter(t, "attention");
    x = lac_contextual_attention(t, x, NULL, quarter(t, g, mask), &a);
    lac_tape_leave(t);
    return x;
}

static lac_tensor *refine(lac_tape *t, const lac_deepfill *g, lac_tensor *x, lac_tensor *mask)
{
    lac_tensor *branches[2] = { run(t, g, x, CONV_BRANCH, PM_BRANCH), run(t, g, x, PM_BRANCH, PM_AFTER_ATTENTION) };
    branches[1] = run(t, g, attend(t, g, branches[1], mask), PM_AFTER_ATTENTION, DECODER);
    return squash(t, g, run(t, g, lac_concat(t, branches, 2, -1), DECODER, END));
}

static lac_status check(const lac_tensor *image, const lac_tensor *mask)
{
    if (image->ndim != 4 || image->dim[3] != 3)
        return LAC_FAIL(LAC_ERR_SHAPE, "image must be [N, H, W, 3], got %s", lac_shape_str(image));
    if (image->dim[1] % 8 != 0 || image->dim[2] % 8 != 0 || image->dim[1] == 0 || image->dim[2] == 0)
        return LAC_FAIL(LAC_ERR_SHAPE, "image height and width must be multiples of 8, got %s", lac_shape_str(image));
    if (mask->ndim != 4 || mask->dim[3] != 1 || mask->dim[1] != image->dim[1] || mask->dim[2] != image->dim[2] ||
        (mask->dim[0] != 1 && mask->dim[0] != image->dim[0]))
        return LAC_FAIL(LAC_ERR_SHAPE, "mask must be [N or 1, H, W, 1] of image %s, got %s", lac_shape_str(image), lac_shape_str(mask));
    return LAC_OK;
}

lac_deepfill_out lac_deepfill_forward(lac_tape *t, const lac_deepfill *g, lac_tensor *image, lac_tensor *mask)
{
    lac_deepfill_out y = { NULL, NULL, NULL };
    if (image == NULL || mask == NULL)
        return y;
    const lac_status s = check(image, mask);
    if (s != LAC_OK)
        return lac_tape_fail(t, lac_context(s, "%s", g->params->name)), y;
    const lac_dtype d = g->params->dtype;
    const bool aux1 = g->config.input_aux, aux2 = g->config.stage2_aux;
    lac_tape_enter(t, g->params->name);
    lac_tensor *in = lac_composite(t, NULL, image, mask, &(lac_composite_attr){ .ones = aux1, .append_mask = aux1, .dtype = d });
    y.x1 = squash(t, g, run(t, g, in, STAGE_1, CONV_BRANCH));
    in = lac_composite(t, y.x1, image, mask, &(lac_composite_attr){ .ones = aux2, .append_mask = aux2, .dtype = d });
    y.x2 = refine(t, g, in, mask);
    y.complete = lac_composite(t, y.x2, image, mask, &(lac_composite_attr){ .dtype = d });
    lac_tape_leave(t);
    return y.complete != NULL ? y : (lac_deepfill_out){ NULL, NULL, NULL };
}
