/* core/image/feather.h -- a prediction pasted back with a soft border (BrushNet, Ju et al. 2024, the demo's blending).
 *
 *     b = Gaussian blur of the hole, 21 x 21, sigma 3.5;  m = 1 - (1 - hole) (1 - b);  result = trunc(source (1 - m) + predicted m)
 *
 * So the hole itself is the prediction, and a ring of ten pixels around it goes from one to the other. The border is mirrored without the border
 * pixel itself (c b | a b c), as often as the kernel needs. In double. */
#pragma once

#include "core/image/image.h"

/* weight[height * width] = m, of a mask of one channel where anything but 0 is hole. */
lac_status lac_mask_feather(double *weight, const lac_image *mask);

/* n pixels of `channels`: source (1 - m) + predicted m on 0 .. 255, not yet cut to bytes. */
void lac_feather_blend(double *to, const uint8_t *source, const uint8_t *predicted, const double *weight, int64_t n, int channels);

/* As lac_image_paste (paste.h), and with its errors. */
lac_status lac_image_paste_feathered(lac_image *to, const lac_image *source, const lac_image *mask, const lac_image *predicted);
