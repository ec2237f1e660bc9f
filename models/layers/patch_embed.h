/* models/layers/patch_embed.h -- a picture as the tokens of a vision transformer (arXiv:2010.11929, eq. 1).
 *
 *     x_0 = [class | patches] + position
 *
 * Patches are those of a convolution with stride and kernel `patch`, row by row; what remains of the picture at the right and at the bottom is not read. */
#pragma once

#include "models/layers/conv.h"

/* image to no_bias are chosen before lac_patch_embed_init; the rest is its own. */
typedef struct lac_patch_embed {
    int64_t image, patch, channels, width;      /* sides of the picture and of a patch; channels of the picture, width of a token */
    bool no_bias;                               /* of the convolution */
    lac_param *class_token, *position;          /* [C], [1 + P, C] */
    lac_conv_layer patches;
} lac_patch_embed;

/* Names of its parameters within the module that lac_params_enter names; of the convolution without ".weight". */
typedef struct lac_patch_embed_names { const char *class_token, *patches, *position; } lac_patch_embed_names;

/* Class token and positions are N(0, 0.02^2), the convolution as models/layers/conv.h has it. */
lac_status lac_patch_embed_init(lac_patch_embed *m, lac_params *ps, const lac_patch_embed_names *names);

/* image [N, S, S, channels] -> [N, 1 + P, C], f32. LAC_ERR_SHAPE, in the name of who asks, for pictures of another size; NULL after an error. */
lac_tensor *lac_patch_embed_forward(lac_tape *t, const lac_patch_embed *m, lac_tensor *image, const char *who);
