/* models/blip/vision.h -- BLIP's vision transformer (arXiv:2201.12086; arXiv:2010.11929), under the names that timm gave its parts.
 *
 *     x_0 = [class | patches] + position     x_i = layer_i(x_{i-1})     what comes out is LN(x_n), all tokens
 *
 * The published files have q, k and v of a layer in one tensor (models/blip/formats.h). */
#pragma once

#include "models/layers/encoder.h"
#include "models/layers/patch_embed.h"

typedef struct lac_blip_vision_config { lac_encoder_attr encoder; int64_t channels, image, patch; } lac_blip_vision_config;

typedef struct lac_blip_vision {
    lac_blip_vision_config c;
    lac_patch_embed embed;
    lac_encoder encoder;
    lac_layer_norm_layer norm;
} lac_blip_vision;

/* Within the module that lac_params_enter names. */
lac_status lac_blip_vision_init(lac_blip_vision *m, lac_params *ps, const lac_blip_vision_config *c);
void lac_blip_vision_close(lac_blip_vision *m);

/* image [N, S, S, channels], minus CLIP's mean, over its deviation -> [N, 1 + P, C] in the network's dtype; NULL after an error. */
lac_tensor *lac_blip_vision_forward(lac_tape *t, const lac_blip_vision *m, lac_tensor *image);
