/* train/init.h -- a config's `init`: weights that networks begin with, from files, published models and other runs, one entry after another.
 *
 *     { from = "runs/mini-vae", network = "vae" }                                     the run's network of the same name
 *     { from = "runs/mini-clip", of = "clip", network = "clip_vision" }               of another name: the part of it that has the same parameters
 *     { from = "clip.safetensors", network = "sem_inpainter", strict = false, rename = { ["vision_model."] = "fusion_model." } }
 *     { from = "runs/text-to-image", network = "unet", widen = true }                 an input of more channels than there: zeros for the last ones */
#pragma once

#include "train/stages.h"
#include "train/step.h"

extern const lac_key lac_init_keys[];

/* Of one of the stage's entries, resolved: every network that it means. LAC_ERR_CONFIG where there is none such, LAC_ERR_KEY for what does not fit. */
lac_status lac_init_entry(lac_trainer *t, const json_t *entry);

/* A frozen network's weights as the stages up to k took them from files. */
lac_status lac_init_again(lac_trainer *t, int net, const lac_stages *stages, int64_t k);
