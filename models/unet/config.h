/* models/unet/config.h -- from the two published configs to lac_unet_config: diffusers' UNet2DConditionModel and CompVis' openaimodel UNetModel. */
#pragma once

#include "core/config.h"
#include "models/unet/unet.h"

extern const lac_key lac_unet2d_condition_keys[], lac_unet_ldm_keys[];

/* config is resolved by the keys above. LAC_ERR_CONFIG names the key that does not fit the others. */
lac_status lac_unet2d_condition_configure(lac_unet_config *c, const json_t *config);
lac_status lac_unet_ldm_configure(lac_unet_config *c, const json_t *config);
