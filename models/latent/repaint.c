/* RePaint (Lugmayr et al. 2022) on a latent: a network that was never taught to inpaint, unconditional or with a prompt; the known part is put back after
 * each step, and from time to time noise is added again, so that hole and surroundings come to agree. */
#include "models/latent/system.h"

static lac_status sample(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, lac_tensor **result)
{
    return lac_latent_paint(ip, t, c, &(lac_latent_system){ .blend = LAC_BLEND_AT_NEXT, .repaints = true }, result);
}

static lac_status fits(const json_t *networks) { return lac_latent_fits(networks, 0); }

#define DDPM "{\"_class_name\": \"DDPMScheduler\", " LAC_LATENT_SCHEDULE "}"
static const lac_key keys[] = {
    LAC_LATENT_KEYS("250", "7.5", DDPM, "0", "\"mean\"", "\"keep\"", "\"nearest\"", "\"none\""), LAC_REPAINT_JUMP_KEYS, { NULL },
};

const lac_inpainter_def lac_inpainter_repaint = {
    .name = "repaint", .about = "RePaint's resampling on any latent diffusion model", .role = { LAC_LATENT_ROLES("unet2d-condition|unet-ldm", "autoencoder-kl|vqgan") },
    .keys = keys, .fits = fits, .multiple = 8, .asks = LAC_ASK_PROMPT | LAC_ASK_SEED, .sample = sample,
    .pipeline = "StableDiffusionInpaintPipeline", .scheduler = lac_latent_scheduler,
};
