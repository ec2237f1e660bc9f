/* models/clip/config.h -- configs of CLIP's towers: transformers' CLIPTextConfig, CLIPVisionConfig and CLIPConfig, whole, and `recompute` of ours. */
#pragma once

#include "core/config.h"
#include "models/layers/encoder.h"

extern const lac_key lac_clip_text_keys[], lac_clip_vision_keys[], lac_clip_model_keys[];

typedef struct lac_clip_text_config { lac_encoder_attr encoder; int64_t vocabulary, positions, eos; } lac_clip_text_config;
typedef struct lac_clip_vision_config { lac_encoder_attr encoder; int64_t channels, image, patch, projection; } lac_clip_vision_config;

/* From resolved configs. LAC_ERR_CONFIG, naming the key, where numbers do not fit together. */
lac_status lac_clip_text_configure(lac_clip_text_config *c, const json_t *config);
lac_status lac_clip_vision_configure(lac_clip_vision_config *c, const json_t *config);
