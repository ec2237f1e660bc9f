/* core/image/blur.h -- Gaussian blur of one plane, in double: rows, then columns. The border is mirrored without the border pixel itself (c b | a b c), as
 * often as the kernel needs.
 *
 *     kernel[i] = exp(-i^2 / (2 sigma^2)) / their sum,   |i| <= radius */
#pragma once

#include "core/status.h"

#include <stdint.h>

/* plane[height * width] in place; radius at least 0, sigma above 0. */
lac_status lac_plane_blur(double *plane, int64_t height, int64_t width, int64_t radius, double sigma);
