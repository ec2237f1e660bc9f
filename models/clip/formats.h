/* models/clip/formats.h -- CLIP's weights as others name them (models/network_format.h).
 *
 * "openai" is OpenAI's state dict: in_proj_weight holds q, k and v one after another, projections are transposed. "flat" is the text or vision tower as
 * transformers 5 writes it, without its first module. "probe" are transformers' published names, after which ours are called; a tower is also found within
 * the file of a whole CLIP, and the text tower within a checkpoint of Stable Diffusion 1.x (cond_stage_model.transformer.). "openai" is read, not written. HPS is saved by OpenCLIP,
 * under OpenAI's names. */
#pragma once

#include "models/network_format.h"

extern const lac_network_format lac_clip_model_formats[], lac_clip_text_formats[], lac_clip_vision_formats[], lac_hps_formats[];
