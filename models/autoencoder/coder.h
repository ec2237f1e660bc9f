/* models/autoencoder/coder.h -- the two halves of an autoencoder: residual blocks by levels, each level half the size of the one before.
 *
 *     encoder   conv_in, then per level `blocks` residual blocks and a downsampling except after the last; middle; norm, SiLU, conv_out
 *     decoder   conv_in, middle, then per level, from the last, `blocks` residual blocks and an upsampling except after the first; the same end
 *
 * The middle is residual block, attention, residual block. Names are diffusers' (AutoencoderKL) or CompVis' (VQGAN, Stable Diffusion's own files). */
#pragma once

#include "models/autoencoder/blocks.h"

enum { LAC_CODER_LEVELS = 8, LAC_CODER_BLOCKS = 9 };

typedef enum { LAC_NAMES_DIFFUSERS, LAC_NAMES_COMPVIS } lac_coder_naming;

typedef struct lac_coder_config {
    lac_coder_naming naming;
    int64_t in, first, out;                     /* channels that come in, after an encoder's conv_in, and that go out */
    int64_t n_levels, channels[LAC_CODER_LEVELS], blocks, groups;
    bool attends[LAC_CODER_LEVELS];             /* an attention after each residual block of the level */
    bool middle_attends;
} lac_coder_config;

typedef struct lac_coder_level {
    lac_residual_block block[LAC_CODER_BLOCKS];
    lac_pixel_attention attention[LAC_CODER_BLOCKS];
    lac_conv_layer resample;                    /* weight NULL: none */
} lac_coder_level;

typedef struct lac_coder {
    lac_coder_config c;
    bool recompute;                             /* in training each block keeps its input alone, and is run again for backward */
    lac_conv_layer conv_in, conv_out;
    lac_group_norm_layer norm_out;
    lac_residual_block middle[2];
    lac_pixel_attention middle_attention;
    lac_coder_level level[LAC_CODER_LEVELS];
} lac_coder;

/* Adds the parameters under `name` ("encoder", "decoder"). Groups must divide all channels, counts lie within the limits: the caller's to check. */
lac_status lac_picture_encoder_init(lac_coder *m, lac_params *ps, const char *name, const lac_coder_config *c);
lac_status lac_picture_decoder_init(lac_coder *m, lac_params *ps, const char *name, const lac_coder_config *c);

/* x [N, H, W, in], H and W multiples of 2^(n_levels - 1) -> [N, H / that, W / that, out]; the decoder the other way. NULL after an error. */
lac_tensor *lac_picture_encoder_forward(lac_tape *t, const lac_coder *m, lac_tensor *x);
lac_tensor *lac_picture_decoder_forward(lac_tape *t, const lac_coder *m, lac_tensor *x);
