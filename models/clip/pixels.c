#include "models/clip/pixels.h"

const float lac_clip_mean[3] = { 0.48145466f, 0.4578275f, 0.40821073f }, lac_clip_std[3] = { 0.26862954f, 0.26130258f, 0.27577711f };
