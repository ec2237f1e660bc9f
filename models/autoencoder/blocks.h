/* models/autoencoder/blocks.h -- what encoders and decoders are made of (arXiv:2012.09841; CompVis' diffusionmodules, catdiff.md 1.1).
 *
 * Names are made under the module that lac_params_enter names. All maps are [N, H, W, C]. */
#pragma once

#include "models/layers/conv.h"
#include "models/layers/norm.h"

/* How published checkpoints name and lay out the parts. */
typedef struct lac_block_names {
    const char *shortcut;                       /* of a residual block whose channels change */
    const char *norm, *q, *k, *v, *out;         /* of attention */
    bool linear;                                /* q .. out are [C, C] at the border, else convolutions [C, C, 1, 1] */
} lac_block_names;

/* y = skip(x) + conv2(silu(norm2(conv1(silu(norm1(x)))))); skip is a 1x1 convolution where the channels change. Norms of eps 1e-6. */
typedef struct lac_residual_block {
    lac_group_norm_layer norm1, norm2;
    lac_conv_layer conv1, conv2, skip;          /* skip.weight NULL: the identity */
} lac_residual_block;

lac_status lac_residual_block_init(lac_residual_block *b, lac_params *ps, const lac_block_names *names, int64_t groups, int64_t in, int64_t out);
lac_tensor *lac_residual_block_forward(lac_tape *t, const lac_residual_block *b, lac_tensor *x);

/* y = x + out(attention(q(u), k(u), v(u))), u = norm(x), over all pixels, one head of all channels. */
typedef struct lac_pixel_attention {
    lac_group_norm_layer norm;
    lac_conv_layer q, k, v, out;
} lac_pixel_attention;

lac_status lac_pixel_attention_init(lac_pixel_attention *a, lac_params *ps, const lac_block_names *names, int64_t groups, int64_t channels);
lac_tensor *lac_pixel_attention_forward(lac_tape *t, const lac_pixel_attention *a, lac_tensor *x);

/* Half of height and width, which are even: a row and a column of zeros below and to the right, then 3x3 with stride 2. */
lac_status lac_downsample_init(lac_conv_layer *l, lac_params *ps, const char *name, int64_t channels);
/* Each pixel four times, then 3x3. */
lac_status lac_upsample_init(lac_conv_layer *l, lac_params *ps, const char *name, int64_t channels);
lac_tensor *lac_upsample_forward(lac_tape *t, const lac_conv_layer *l, lac_tensor *x);
