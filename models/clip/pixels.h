/* models/clip/pixels.h -- the scale of CLIP's pictures: (x - mean) / deviation of values in [0, 1], red, green, blue. */
#pragma once

extern const float lac_clip_mean[3], lac_clip_std[3];
