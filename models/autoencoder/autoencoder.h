/* models/autoencoder/autoencoder.h -- the first stages of latent diffusion, of both sorts: AutoencoderKL (arXiv:2112.10752) and VQGAN (arXiv:2012.09841).
 *
 *     encode    image -> moments: mean and log-variance [N, h, w, 2z] (KL), or z before quantisation [N, h, w, z] (VQ)
 *     decode    latent [N, h, w, z] -> image, without quantisation
 *
 * A diffusion model works on lac_autoencoder_latent's scaled latents and gives them back to lac_autoencoder_picture, whichever sort it is. Pictures are in [-1, 1]
 * and not clipped. Networks "autoencoder-kl" (config and names of diffusers) and "vqgan" (of CompVis). */
#pragma once

#include "autograd/ops/gaussian/gaussian.h"
#include "autograd/ops/vector_quantize/vector_quantize.h"
#include "core/config.h"
#include "models/autoencoder/coder.h"

extern const lac_key lac_autoencoder_kl_keys[], lac_vqgan_keys[];

typedef struct lac_autoencoder {
    lac_params *ps;
    lac_coder encoder, decoder;                 /* set `recompute` of both for training in less memory */
    lac_conv_layer quant_conv, post_quant_conv; /* weight NULL: none */
    lac_param *codebook;                        /* VQ: [n_embed, z], f32; KL: NULL */
    lac_vector_quantize_attr loss;              /* VQ: weights of its two sides */
    int64_t in, z, factor;                      /* channels of pictures and of latents; sizes of pictures are multiples of factor */
    int64_t tile;                               /* pixels a side of lac_tiles_of; 0: not known */
    float scaling[2];                           /* the config's scaling_factor, and one over it */
} lac_autoencoder;

/* From resolved configs. LAC_ERR_CONFIG names the key. */
lac_status lac_autoencoder_kl_init(lac_autoencoder *a, lac_params *ps, const json_t *config);
lac_status lac_vqgan_init(lac_autoencoder *a, lac_params *ps, const json_t *config);

/* image [N, H, W, in] in the dtype of the parameters. LAC_ERR_SHAPE where H or W is no multiple of factor, or channels differ. */
lac_tensor *lac_autoencoder_encode(lac_tape *t, const lac_autoencoder *a, lac_tensor *image);
/* latent [N, h, w, z], unscaled, in the dtype of the parameters. */
lac_tensor *lac_autoencoder_decode(lac_tape *t, const lac_autoencoder *a, lac_tensor *latent);

/* VQ: the nearest codes of z, with their loss; and the codes of ids [N, h, w], i32, whose gradient reaches the codebook. In the dtype of the parameters. */
lac_vector_quantize_out lac_autoencoder_quantize(lac_tape *t, const lac_autoencoder *a, lac_tensor *z);
lac_tensor *lac_autoencoder_codes(lac_tape *t, const lac_autoencoder *a, lac_tensor *ids);

/* What a diffusion model sees of encode's result, f32: KL scaling_factor times a sample by noise [N, h, w, z] (NULL: the mean), VQ scaling_factor times z. */
lac_tensor *lac_autoencoder_latent(lac_tape *t, const lac_autoencoder *a, lac_tensor *moments, lac_tensor *noise);
/* Of such a latent, f32 or bf16, what the decoder reads: divided by scaling_factor, VQ then quantised (LDM's VQModelInterface); and its picture: that, decoded. */
lac_tensor *lac_autoencoder_unscaled(lac_tape *t, const lac_autoencoder *a, lac_tensor *latent);
lac_tensor *lac_autoencoder_picture(lac_tape *t, const lac_autoencoder *a, lac_tensor *latent);
