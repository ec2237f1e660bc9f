/* GLIDE's way of inpainting (Nichol et al. 2021) on a latent: the network reads hole and surroundings as Stable Diffusion's does, and in each of its estimates of
 * x_0 the known part is the picture's own. */
#include "models/latent/system.h"

static lac_status sample(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, lac_tensor **result)
{
    return lac_latent_paint(ip, t, c, &(lac_latent_system){ .beside = LAC_BESIDE_MASK_FIRST, .blend = LAC_BLEND_ESTIMATE, .clips = true }, result);
}

static lac_status fits(const json_t *networks) { return lac_latent_fits(networks, 9); }

#define DDPM "{\"_class_name\": \"DDPMScheduler\", " LAC_LATENT_SCHEDULE "}"
static const lac_key keys[] = {
    LAC_LATENT_KEYS("100", "5", DDPM, "0", "\"mean\"", "\"grey\"", "\"nearest\"", "\"none\""),
    { "estimate_clip", LAC_KEY_NUM, "0", .min = 0, .max = 1e6, .help = "what estimates of the latent are cut to, plus and minus; 0: not" }, { NULL },
};

const lac_inpainter_def lac_inpainter_glide_latent = {
    .name = "glide-latent", .about = "GLIDE's inpainting on a latent: the known part replaced in each estimate", .role = { LAC_LATENT_ROLES("unet2d-condition", "autoencoder-kl") },
    .keys = keys, .fits = fits, .multiple = 8, .asks = LAC_ASK_PROMPT | LAC_ASK_SEED, .sample = sample,
    .pipeline = "StableDiffusionInpaintPipeline", .scheduler = lac_latent_scheduler,
};
