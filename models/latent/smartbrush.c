/* SmartBrush (Xie et al. 2022, arXiv:2212.05034): the network sees the surroundings clean, and of the hole where it is and how exact; it says what the hole of the
 * object is, and what the given one has beyond that is background again. */
#include "models/latent/system.h"

static lac_status sample(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, lac_tensor **result)
{
    return lac_latent_paint(ip, t, c, &(lac_latent_system){ .beside = LAC_BESIDE_MASK, .blend = LAC_BLEND_CLEAN, .precise = true }, result);
}

static lac_status fits(const json_t *networks) { return lac_latent_fits_labels(networks, LAC_PRECISION_LEVELS); }

#define PNDM "{\"_class_name\": \"PNDMScheduler\", \"skip_prk_steps\": true, \"set_alpha_to_one\": false, \"steps_offset\": 1, " LAC_LATENT_SCHEDULE "}"
static const lac_key keys[] = {
    LAC_LATENT_KEYS("50", "7.5", PNDM, "0", "\"mean\"", "\"keep\"", "\"nearest\"", "\"none\""),
    { "precision", LAC_KEY_INT, "3", .min = 0, .max = LAC_PRECISION_LEVELS - 1, .help = "of the given mask: 0, the object's outline, to 3, its box" },
    { "predicted_mask", LAC_KEY_STR, "\"steps\"", .choices = LAC_SAID_MASKS, .help = "the hole is what the network says it is, within the given one: from the first step on, at last" },
    { NULL },
};

const lac_inpainter_def lac_inpainter_smartbrush = {
    .name = "smartbrush", .about = "SmartBrush: a hole that is an object's outline or coarser, and says so", .role = { LAC_LATENT_ROLES("unet2d-condition", "autoencoder-kl") },
    .keys = keys, .fits = fits, .multiple = 8, .asks = LAC_ASK_PROMPT | LAC_ASK_SEED, .sample = sample,
};
