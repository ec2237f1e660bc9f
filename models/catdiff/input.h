/* models/catdiff/input.h -- what CAT-Diffusion reads of a picture and its hole (as released: dataset.py, dataset_infer.py). m is the mask / 255, grey values
 * and all. */
#pragma once

#include "models/latent/condition.h"

/* What the autoencoder sees, to[3 pixels]: v (1 - m) / 127.5 - 1, or with a grey hole (v / 127.5 - 1) (1 - m). image and mask of one size. */
void lac_catdiff_masked(float *to, const lac_image *image, const lac_image *mask, lac_hole_fill fill);

/* What CLIP sees: trunc(v (1 - m) + 127 m) of picture and mask, each resized to size x size by Pillow's bicubic; and which of its patches are to be painted,
 * cells[(size / patch)^2]: 1 where any pixel of the mask is 128 or more. *clip is fresh. clip or
 * cells NULL: it is not wanted. patch: at most size. */
lac_status lac_catdiff_clip(lac_image *clip, float *cells, const lac_image *image, const lac_image *mask, int64_t size, int64_t patch);
