/* models/latent/dilated.h -- a hole that is larger at first, so that something fits into a thin one (Blended Latent Diffusion, Avrahami et al. 2023, section 3.4).
 *
 * With n dilations the S steps are shared equally by n + 1 masks, as far as S is a multiple: the hole dilated by squares of 3 + 2 i cells, i = n - 1 first, .. 0,
 * and at last the hole itself. How a share is rounded, and that the hole itself has one, is our choice. */
#pragma once

#include <stdint.h>

/* The side of the square by which the hole is dilated in step k of S, 1: not. */
int64_t lac_dilation_at(int64_t n, int64_t k, int64_t steps);

/* to[n h w]: the largest of from's cells within (side - 1) / 2 rows and columns, of each of n maps. */
void lac_mask_dilate(float *to, const float *from, int64_t n, int64_t h, int64_t w, int64_t side);
