/* data/box.h -- a rectangle in a picture, in pixels from its top left corner; parts of pixels count, as published boxes have them. */
#pragma once

#include <stdint.h>

typedef struct lac_box { float left, top, width, height; } lac_box;

/* Around what is not 0 of a mask [height, width]; all zero where nothing is. */
lac_box lac_box_around(const uint8_t *mask, int64_t height, int64_t width);
