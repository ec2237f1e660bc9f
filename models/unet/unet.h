/* models/unet/unet.h -- the UNet of latent diffusion (arXiv:2112.10752), whatever its config is called: the layers in their order, and the walk over them.
 *
 *     time    = silu(W2 silu(W1 sinusoid(timestep)) + table[label])
 *     x       = conv_in(sample), kept;  each layer down: x = layer(x), kept;  middle
 *     each layer up: x = layer([x | the last kept]), upsampled to the size of the next one kept where it ends a level
 *     y       = conv_out(silu(GN(x)))
 *
 * Maps may have any size: a strided convolution leaves ceil(H / 2), and the way up follows the sizes of the way down. */
#pragma once

#include "models/unet/attention_block.h"
#include "models/unet/res_block.h"
#include "models/unet/transformer.h"

enum { LAC_UNET_LEVELS = 16, LAC_UNET_LAYERS = 16 };                /* at most: levels, res-blocks of a level on the way down */

typedef enum { LAC_UNET_DIFFUSERS, LAC_UNET_COMPVIS } lac_unet_names;

typedef struct lac_unet_level { int64_t channels, heads; bool down_attention, up_attention; } lac_unet_level;

/* What a published config comes down to. */
typedef struct lac_unet_config {
    lac_unet_names names;
    int64_t in, out, width, groups;             /* width: of conv_in and of the sinusoid */
    float eps;                                  /* of the res-blocks' norms and the last one */
    bool flip_sin_to_cos;
    float freq_shift;
    int n_levels;
    int64_t layers;                             /* res-blocks of a level on the way down; one more on the way up */
    lac_unet_level level[LAC_UNET_LEVELS];      /* the middle has the heads of the last */
    int64_t context, depth;                     /* context 0: attention blocks, else spatial transformers of that depth */
    int64_t labels;                             /* rows of a table whose row a sample's label adds to the time embedding; 0: no table */
    int64_t fusion;                             /* width of a visual prompt, with a RefAdapter in every transformer block; 0: none */
    bool linear_projection, scale_shift, resample_blocks;
} lac_unet_config;

/* A res-block and what follows it; on the way down either a res-block or the end of a level. */
typedef struct lac_unet_layer {
    bool has_res, has_attention, has_transformer, has_resample_block;
    lac_res_block res, resample_block;
    lac_attention_block attention;
    lac_spatial_transformer transformer;
    lac_conv_layer resample;                    /* no weight where there is none */
} lac_unet_layer;

typedef struct lac_unet {
    lac_unet_config config;
    lac_params *params;
    lac_linear_layer time1, time2;
    lac_param *label;                           /* [labels, 4 width], or NULL */
    lac_conv_layer conv_in, conv_out;
    lac_group_norm_layer norm_out;
    lac_unet_layer *down, *up, middle[2];
    int n_down, n_up;
} lac_unet;

/* heads must divide the channels where there is attention, groups all channels: the caller has looked. Ended by lac_unet_close, also after an error. */
lac_status lac_unet_init(lac_unet *u, lac_params *ps, const lac_unet_config *c);
void lac_unet_close(lac_unet *u);

/* sample [N, H, W, in] of the network's dtype, timestep f32 [N], context [N, T, width] or NULL for attention blocks, fusion [N, R, width] or NULL without
 * RefAdapters, or in place of these two `read` (models/unet/read.h); label i32 [N] or NULL without a table. recompute: each layer keeps its inputs alone and runs again
 * in backward; not with `read`. -> [N, H, W, out]; NULL after an error. */
typedef struct lac_unet_in { lac_tensor *sample, *timestep, *context, *fusion; bool recompute; lac_tensor *label; const struct lac_unet_read *read; } lac_unet_in;
lac_tensor *lac_unet_forward(lac_tape *t, const lac_unet *u, const lac_unet_in *in);

/* Whether they are what n pictures' attentions want. */
lac_status lac_unet_check_prompts(const lac_unet *u, int64_t n, const lac_tensor *context, const lac_tensor *fusion);

/* The network's transformers in the order of the walk; NULL past the last. *at: 0 at first, then the function's own. */
const lac_spatial_transformer *lac_unet_next_transformer(const lac_unet *u, int *at);
