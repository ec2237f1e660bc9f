/* models/clip/layers.h -- what both towers make alike: transformers' encoder.layers.N under their module. */
#pragma once

#include "models/layers/encoder.h"

lac_status lac_clip_encoder_init(lac_encoder *e, lac_params *ps, const lac_encoder_attr *a);
