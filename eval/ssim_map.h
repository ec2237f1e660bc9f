/* eval/ssim_map.h -- the map that SSIM and MS-SSIM are means of; folder-local. */
#pragma once

#include "eval/metric_ssim.h"

/* One channel of both pictures, [height, width] each, on the scale 0..255. mask as a pair's. */
typedef struct lac_ssim_plane { int64_t height, width; const double *image, *reference; const uint8_t *mask; } lac_ssim_plane;

typedef struct lac_ssim_sums { double ssim, cs; int64_t n, n_cs; } lac_ssim_sums;

/* 11, or 7 of the box. */
int lac_ssim_window(int variant);
/* Numbers that lac_ssim_sum wants beside. */
int64_t lac_ssim_scratch(const lac_ssim_plane *p, int variant);
/* Sums over the map pixels whose centre lies in the region; cs, the second factor, over those at least cs_margin from the map's border. */
lac_ssim_sums lac_ssim_sum(const lac_ssim_plane *p, int variant, lac_region region, int64_t cs_margin, double *scratch);
/* One channel of a picture as numbers. */
void lac_ssim_channel(double *to, const uint8_t *pixels, int64_t n, int channel);
