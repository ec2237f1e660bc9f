/* A text-to-image UNet made to inpaint by blending: after each step the known part is put back with the noise of the next timestep, always the noise
 * of the start, at last without (StableDiffusionInpaintPipeline with a UNet of four channels). */
#include "models/latent/system.h"

static lac_status sample(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, lac_tensor **result)
{
    return lac_latent_paint(ip, t, c, &(lac_latent_system){ .blend = LAC_BLEND_AT_NEXT, .same_noise = true }, result);
}

static lac_status fits(const json_t *networks) { return lac_latent_fits(networks, 0); }

#define PNDM "{\"_class_name\": \"PNDMScheduler\", \"skip_prk_steps\": true, \"set_alpha_to_one\": false, \"steps_offset\": 1, " LAC_LATENT_SCHEDULE "}"
static const lac_key keys[] = { LAC_LATENT_KEYS("50", "7.5", PNDM, "0", "\"sample\"", "\"keep\"", "\"nearest\"", "\"none\""), { NULL } };

const lac_inpainter_def lac_inpainter_sd_blend = {
    .name = "sd-blend", .about = "a text-to-image UNet, the known part blended in at each step", .role = { LAC_LATENT_ROLES("unet2d-condition|unet-ldm", "autoencoder-kl|vqgan") },
    .keys = keys, .fits = fits, .multiple = 8, .asks = LAC_ASK_PROMPT | LAC_ASK_SEED, .sample = sample,
    .pipeline = "StableDiffusionInpaintPipeline", .scheduler = lac_latent_scheduler,
};
