/* models/catdiff/input.h -- what CAT-Diffusion reads of a picture and its hole (as released: dataset.py, dataset_infer.py).
 *
 *     m        the mask / 255, grey values and all
 *     masked   (v (1 - m)) / 127.5 - 1                 what the autoencoder sees; with a grey hole (v / 127.5 - 1) (1 - m)
 *     clip     trunc(v (1 - m) + 127 m)                of picture and mask resized to CLIP's size by Pillow's bicubic
 *     cells    1 where any pixel of a patch of CLIP's mask is 128 or more
 *     latent   the mask at the latent's size, by the rule asked for */
#pragma once

#include "models/latent/condition.h"

typedef struct lac_catdiff_input_attr {
    int64_t clip_size, patch;               /* CLIP's picture and its patches, at most as large */
    lac_hole_fill fill;                     /* black or grey */
    lac_latent_mask rule;
} lac_catdiff_input_attr;

typedef struct lac_catdiff_input {
    float *masked;                          /* [S, S, 3] */
    lac_image clip;                         /* [clip_size, clip_size, 3] */
    int64_t side;                           /* clip_size / patch */
    float *cells;                           /* [side, side], 0 or 1 */
    float *latent;                          /* [S / 8, S / 8], 0 or 1 */
} lac_catdiff_input;

/* image [S, S, 3] and mask [S, S, 1], S at least 8. *to is fresh, ended by lac_catdiff_input_free; empty after an error. */
lac_status lac_catdiff_input_make(lac_catdiff_input *to, const lac_image *image, const lac_image *mask, const lac_catdiff_input_attr *a);
void lac_catdiff_input_free(lac_catdiff_input *x);
