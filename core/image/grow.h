/* core/image/grow.h -- masks that are grown. */
#pragma once

#include "core/status.h"

/* Adds to a mask [height, width] of 0 and 1 whatever lies within n pixels of it to all sides, corners too: a dilation by a square of 2 n + 1, outside of the
 * picture nothing. n 0 changes nothing. */
lac_status lac_mask_grow(uint8_t *mask, int64_t height, int64_t width, int64_t n);
