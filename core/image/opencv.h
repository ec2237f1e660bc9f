/* core/image/opencv.h -- resizing as OpenCV does it, for recipes that name it.
 *
 * INTER_CUBIC of bytes: src = (d + 0.5) in / out - 0.5 in f32, four neighbours clamped to the border, a = -0.75 in f32, weights in 11 bits, first across, then down; no antialias.
 * The last sum is rounded to even. That is what OpenCV's own code gives; builds of it that take Intel's IPP instead are off by 1 in some hundredths of the bytes. */
#pragma once

#include "core/image/image.h"

/* A new image. LAC_ERR_ARG for a size that lac_image_new refuses. */
lac_status lac_image_resize_opencv_cubic(lac_image *to, const lac_image *from, int64_t height, int64_t width);
