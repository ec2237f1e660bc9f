/* data/mask_lama.h -- the masks of LaMa (Suvorov et al., WACV 2022): wide strokes with random corners, or boxes.
 *
 *     lama-thin, lama-medium, lama-thick      the evaluation masks
 *     lama-train                              what LaMa is trained on
 *
 * Pixel values are published for 256 and scale with the shorter side. A mask is boxes with probability box_share, else strokes:
 * U{min_times .. max_times + 1} strokes of 1 to 5 segments, each with its own width 5 + U{0 .. max_width - 1}, length 10 + U{0 ..
 * max_length - 1} and angle 0.01 + U{0 .. 3} radians from the vertical, mirrored in even strokes; ends are held inside the image.
 * Boxes: U{min .. max} of them, sides U{smallest .. largest}, `margin` away from the border. */
#pragma once

#include "data/mask.h"

void lac_mask_lama_thin(uint8_t *mask, int64_t height, int64_t width, const lac_mask_params *p, lac_stream *s);
void lac_mask_lama_medium(uint8_t *mask, int64_t height, int64_t width, const lac_mask_params *p, lac_stream *s);
void lac_mask_lama_thick(uint8_t *mask, int64_t height, int64_t width, const lac_mask_params *p, lac_stream *s);
void lac_mask_lama_train(uint8_t *mask, int64_t height, int64_t width, const lac_mask_params *p, lac_stream *s);
