/* models/clip/vision.h -- CLIP's vision transformer (arXiv:2010.11929 with a norm before the layers), under transformers' names (vision_model.*).
 *
 *     x_0 = LN([class | patches] + position)     x_i = layer_i(x_{i-1})     last = x_n     pooled = LN(last of the class token)     embeds = pooled P^T
 *
 * Patches are those of a convolution without bias (models/layers/patch_embed.h). */
#pragma once

#include "models/clip/config.h"
#include "models/layers/patch_embed.h"
#include "models/network.h"

/* Of pictures in [0, 1]: what they were normalised by in training. */
extern const float lac_clip_mean[3], lac_clip_std[3];

typedef struct lac_clip_vision {
    lac_clip_vision_config c;
    lac_params *params;
    lac_patch_embed embed;
    lac_layer_norm_layer before, after;
    lac_encoder encoder;
    lac_linear_layer projection;
} lac_clip_vision;

typedef struct lac_clip_vision_out {
    lac_tensor *last;               /* [N, 1 + P, C], before the last norm */
    lac_tensor *pooled;             /* [N, C] */
    lac_tensor *embeds;             /* [N, projection], not normalised */
    lac_tensor *penultimate;        /* [N, 1 + P, C]: input of the last layer */
} lac_clip_vision_out;

extern const lac_network_def lac_network_clip_vision;

lac_status lac_clip_vision_init(lac_clip_vision *m, lac_params *ps, const lac_clip_vision_config *c);
void lac_clip_vision_close(lac_clip_vision *m);

/* image [N, S, S, channels], normalised as the weights want it (OpenAI's: mean 0.48145466 0.4578275 0.40821073, std 0.26862954 0.26130258 0.27577711);
 * all NULL after an error. */
lac_clip_vision_out lac_clip_vision_forward(lac_tape *t, const lac_clip_vision *m, lac_tensor *image);

/* `pooled` of `last`. */
lac_tensor *lac_clip_vision_pool(lac_tape *t, const lac_clip_vision *m, lac_tensor *last);
