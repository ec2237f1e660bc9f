/* tests/harness/latent.h -- the smallest latent inpainter with a text encoder: what it takes to paint, not what it looks like. */
#pragma once

#include "models/inpainter.h"

/* unet2d-condition of two levels, autoencoder-kl that halves the sides, and `encoder`, "clip-text" with the tokenizer of data/stamps or "bert-encoder" with
 * tests/golden/text/bert, prompts of 77 ids; every weight drawn. def: "sd-inpaint", "catdiff" with a vision tower of 3 x 3 patches and SemInpainter,
 * "catdiff-masked" without the latter, "glide-latent", "smartbrush", or one whose UNet has as many channels in as out. config: of the inpainter, as JSON. */
void lac_test_latent(lac_inpainter *ip, const lac_inpainter_def *def, const char *encoder, const char *config);

/* Every weight of its networks is drawn, those too that are zero in a fresh one: a UNet whose last layer is zero hears nothing. */
void lac_test_latent_draw(lac_inpainter *ip);

/* The networks of a training of it, as members of the config's 'model': the UNet takes so many channels (a text), the text encoder 6 ids of data/stamps' tokenizer. */
#define LAC_TEST_LATENT_MODEL(channels)                                                                                                                    \
    "'tokenizer': 'data/stamps/tokenizer', 'prompts': { 'max_length': 6 },"                                                                               \
    "'vae': { 'config': { " LAC_TEST_LATENT_VAE " } },"                                                                                                    \
    "'unet': { 'config': { 'in_channels': " channels ", " LAC_TEST_LATENT_UNET " } },"                                                                     \
    "'text_encoder': { 'config': { 'max_position_embeddings': 6, " LAC_TEST_LATENT_TEXT " } }"
#define LAC_TEST_LATENT_VAE "'block_out_channels': [4, 4], 'norm_num_groups': 2, 'down_block_types': ['DownEncoderBlock2D', 'DownEncoderBlock2D'],"        \
                            "'up_block_types': ['UpDecoderBlock2D', 'UpDecoderBlock2D']"
#define LAC_TEST_LATENT_UNET "'block_out_channels': [4, 8], 'norm_num_groups': 2, 'layers_per_block': 1, 'cross_attention_dim': 8, 'attention_head_dim': 2,"   \
                             "'down_block_types': ['DownBlock2D', 'CrossAttnDownBlock2D'], 'up_block_types': ['CrossAttnUpBlock2D', 'UpBlock2D']"
#define LAC_TEST_LATENT_TEXT "'vocab_size': 1527, 'hidden_size': 8, 'intermediate_size': 16, 'num_hidden_layers': 1, 'num_attention_heads': 2, 'eos_token_id': 1526"

/* Beside them, what CAT-Diffusion sees with: a vision tower of 3 x 3 patches, of that width (a text), and SemInpainter of width 12. */
#define LAC_TEST_LATENT_SEEING(width)                                                                                                                      \
    "'clip_vision': { 'config': { 'hidden_size': " width ", 'intermediate_size': 16, 'num_hidden_layers': 1, 'num_attention_heads': 2, 'image_size': 12, 'patch_size': 4 } },"  \
    "'sem_inpainter': { 'config': { 'hidden_size': 12, 'intermediate_size': 16, 'num_attention_heads': 2, 'num_hidden_layers': 1, 'patch_size': 4, 'image_size': 12,"    \
    "  'label_mlp': { 'in_channels': 8, 'intermediate_size': 9, 'out_channels': 12 }, 'spatial_mlp': { 'hidden_size': 12, 'intermediate_size': 10 },"           \
    "  'global_mlp': { 'hidden_size': 12, 'intermediate_size': 10 } } }"

/* The signal-to-noise ratio of Stable Diffusion's schedule (scaled linear, 0.00085 to 0.012, 1000 steps). */
double lac_test_latent_snr(int64_t timestep);
