/* Stable Diffusion's inpainting (Rombach et al. 2022; StableDiffusionInpaintPipeline): a UNet of nine channels, [z, mask, latent of the masked picture]. */
#include "models/latent/system.h"

static lac_status sample(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, lac_tensor **result)
{
    return lac_latent_paint(ip, t, c, &(lac_latent_system){ .beside = LAC_BESIDE_MASK_FIRST }, result);
}

static lac_status fits(const json_t *networks) { return lac_latent_fits(networks, 9); }

#define PNDM "{\"_class_name\": \"PNDMScheduler\", \"skip_prk_steps\": true, \"set_alpha_to_one\": false, \"steps_offset\": 1, " LAC_LATENT_SCHEDULE "}"
static const lac_key keys[] = { LAC_LATENT_KEYS("50", "7.5", PNDM, "0", "\"sample\"", "\"grey\"", "\"nearest\"", "\"none\""), { NULL } };

const lac_inpainter_def lac_inpainter_sd_inpaint = {
    .name = "sd-inpaint", .about = "Stable Diffusion's inpainting, a UNet of nine channels", .role = { LAC_LATENT_ROLES("unet2d-condition", "autoencoder-kl") },
    .keys = keys, .fits = fits, .multiple = 8, .asks = LAC_ASK_PROMPT | LAC_ASK_SEED, .sample = sample,
    .pipeline = "StableDiffusionInpaintPipeline", .scheduler = lac_latent_scheduler,
};
