/* Blended Latent Diffusion (Avrahami et al. 2023) as its authors run it on Stable Diffusion: from noise alone, without the first quarter of the steps;
 * after each step the known part is put back with the noise of the timestep just done, drawn anew. As they first ran it on latent diffusion it is put back before
 * each step instead, and the hole of thin masks is larger at first. */
#include "models/latent/system.h"

#include <string.h>

static lac_status sample(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, lac_tensor **result)
{
    const lac_blend_at at = strcmp(lac_config_str(ip->config, "blend"), "before") == 0 ? LAC_BLEND_BEFORE : LAC_BLEND_AT_T;
    return lac_latent_paint(ip, t, c, &(lac_latent_system){ .blend = at, .dilates = true }, result);
}

static lac_status fits(const json_t *networks) { return lac_latent_fits(networks, 0); }

#define DDIM "{\"_class_name\": \"DDIMScheduler\", \"set_alpha_to_one\": false, \"steps_offset\": 0, " LAC_LATENT_SCHEDULE "}"
static const lac_key keys[] = {
    LAC_LATENT_KEYS("50", "7.5", DDIM, "0.25", "\"mean\"", "\"keep\"", "\"centre\"", "\"none\""),
    { "blend", LAC_KEY_STR, "\"after\"", .choices = "after|before", .help = "when the known part is put back: after a step, or before it" },
    { "dilations", LAC_KEY_INT, "0", .min = 0, .max = 64, .help = "sizes from which the hole shrinks to its own, each for an equal share of the steps" },
    { NULL },
};

const lac_inpainter_def lac_inpainter_blended_latent = {
    .name = "blended-latent", .about = "Blended Latent Diffusion", .role = { LAC_LATENT_ROLES("unet2d-condition|unet-ldm", "autoencoder-kl|vqgan") },
    .keys = keys, .fits = fits, .multiple = 8, .asks = LAC_ASK_PROMPT | LAC_ASK_SEED, .sample = sample,
    .pipeline = "StableDiffusionInpaintPipeline", .scheduler = lac_latent_scheduler,
};
