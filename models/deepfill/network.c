/* What the program knows of DeepFill v2's networks (models/network.h). */
#include "models/deepfill/generator.h"
#include "models/deepfill/official.h"
#include "models/deepfill/sn_patchgan.h"

static lac_status init_generator(void *model, lac_params *ps, const json_t *config)
{
    lac_deepfill_config c;
    LAC_TRY(lac_deepfill_configure(&c, config));
    return lac_deepfill_init(model, ps, &c);
}

const lac_network_def lac_network_deepfill = {
    .name = "deepfill", .about = "two-stage gated generator with contextual attention", .keys = lac_deepfill_keys, .size = sizeof(lac_deepfill),
    .init = init_generator, .formats = lac_deepfill_formats,
};

static lac_status init_discriminator(void *model, lac_params *ps, const json_t *config)
{
    lac_sn_patchgan_config c;
    LAC_TRY(lac_sn_patchgan_configure(&c, config));
    return lac_sn_patchgan_init(model, ps, &c);
}

const lac_network_def lac_network_sn_patchgan = {
    .name = "sn-patchgan", .about = "spectral-norm patch discriminator", .keys = lac_sn_patchgan_keys, .size = sizeof(lac_sn_patchgan),
    .init = init_discriminator, .formats = lac_sn_patchgan_formats,
};
