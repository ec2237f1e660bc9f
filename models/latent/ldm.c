/* Latent diffusion's inpainting without text (Rombach et al. 2022, section 4.5; CompVis' inpainting_big): [z, latent of the masked picture, mask], the
 * mask -1 and 1, holes black; the known pixels are the picture's own. */
#include "models/latent/system.h"

static lac_status sample(const lac_inpainter *ip, lac_tape *t, const lac_canvas *c, lac_tensor **result)
{
    return lac_latent_paint(ip, t, c, &(lac_latent_system){ .beside = LAC_BESIDE_MASK_LAST }, result);
}

static lac_status fits(const json_t *networks)
{
    const json_t *unet = json_object_get(json_object_get(networks, "unet"), "config");
    return lac_latent_fits(networks, 2 * lac_config_int(unet, "out_channels") + 1);
}

#define DDIM "{\"_class_name\": \"DDIMScheduler\", \"set_alpha_to_one\": false, \"steps_offset\": 1, \"beta_schedule\": \"scaled_linear\", " \
             "\"beta_start\": 0.0015, \"beta_end\": 0.0205, \"clip_sample\": false}"
static const lac_key keys[] = { LAC_LATENT_KEYS("50", "1", DDIM, "0", "\"sample\"", "\"black\"", "\"nearest\"", "\"hard\""), { NULL } };

const lac_inpainter_def lac_inpainter_ldm = {
    .name = "ldm", .about = "latent diffusion's inpainting without text", .role = { { "unet", "unet-ldm" }, { "vae", "vqgan|autoencoder-kl" } },
    .keys = keys, .fits = fits, .multiple = 64, .asks = LAC_ASK_SEED, .sample = sample,
};
