/* What the program knows of latent diffusion's UNets (models/network.h). */
#include "models/network_folder.h"
#include "models/unet/config.h"
#include "models/unet/formats.h"

static lac_status init_unet2d_condition(void *model, lac_params *ps, const json_t *config)
{
    lac_unet_config c;
    LAC_TRY(lac_unet2d_condition_configure(&c, config));
    return lac_unet_init(model, ps, &c);
}

static lac_status init_unet_ldm(void *model, lac_params *ps, const json_t *config)
{
    lac_unet_config c;
    LAC_TRY(lac_unet_ldm_configure(&c, config));
    return lac_unet_init(model, ps, &c);
}

static void close_unet(void *model) { lac_unet_close(model); }

/* Pipelines of diffusers compare sample_size with 64, and do not load a folder where it is null. */
static lac_status describe(const json_t *config, json_t *published)
{
    if (json_is_integer(json_object_get(config, "fusion_dim")))
        return LAC_FAIL(LAC_ERR_CONFIG, "diffusers has no UNet with RefAdapters ('fusion_dim')");
    json_object_del(published, "fusion_dim");
    if (json_is_integer(json_object_get(config, "sample_size")) || json_object_set_new(published, "sample_size", json_integer(64)) == 0)
        return LAC_OK;
    return LAC_FAIL(LAC_ERR_MEM, "out of memory: config.json");
}

static const lac_network_folder diffusers = { .layout = "diffusers", .weights = "diffusion_pytorch_model.safetensors",
                                              .classes = (const char *const[]){ "UNet2DConditionModel", NULL }, .describe = describe };

const lac_network_def lac_network_unet2d_condition = {
    .name = "unet2d-condition", .about = "UNet with cross-attention of Stable Diffusion, by diffusers' names", .keys = lac_unet2d_condition_keys,
    .size = sizeof(lac_unet), .init = init_unet2d_condition, .close = close_unet, .formats = lac_unet2d_condition_formats, .folder = &diffusers,
};

const lac_network_def lac_network_unet_ldm = {
    .name = "unet-ldm", .about = "UNet of latent diffusion, by CompVis' names", .keys = lac_unet_ldm_keys, .size = sizeof(lac_unet), .init = init_unet_ldm,
    .close = close_unet, .formats = lac_unet_ldm_formats,
};
