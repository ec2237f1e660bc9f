/* core/image/resample.h -- Pillow's resampling of 8-bit and float images, to the bit.
 *
 * Separable: each output pixel is a weighted sum of the source pixels under the filter, which widens when shrinking (antialias).
 * With s = in / out and support R max(s, 1), the weight of source pixel i for output d is K((i + 0.5 - (d + 0.5) s) / max(s, 1)),
 * divided by the sum of all. Bytes are summed with 22-bit fixed-point weights and rounded after each of the two passes. */
#pragma once

#include "core/image/image.h"

typedef enum {
    LAC_FILTER_NEAREST,         /* source pixel floor((d + 0.5) s); no sum */
    LAC_FILTER_BOX,             /* R = 1/2 */
    LAC_FILTER_BILINEAR,        /* R = 1 */
    LAC_FILTER_HAMMING,         /* R = 1 */
    LAC_FILTER_BICUBIC,         /* R = 2, a = -1/2 */
    LAC_FILTER_LANCZOS,         /* R = 3 */
} lac_filter;

/* Which pass comes first: the horizontal one always (Pillow before 13), or the vertical one when the height shrinks by more than
 * twice what the width loses (Pillow 13). The two differ by the rounding in between. */
typedef enum { LAC_PASSES_HORIZONTAL_FIRST, LAC_PASSES_PILLOW_13 } lac_passes;

/* "bicubic" and the like; LAC_ERR_ARG lists what there is. */
lac_status lac_filter_named(lac_filter *filter, const char *name);

/* A new image of height x width. RGBA is premultiplied before and divided after, except by LAC_FILTER_NEAREST or when the size
 * stays. LAC_ERR_ARG for a size that lac_image_new refuses. */
lac_status lac_image_resize(lac_image *to, const lac_image *from, int64_t height, int64_t width, lac_filter filter, lac_passes passes);

/* One plane of floats (Pillow's mode "F"): sums in double, stored as float after each pass. to [height, width], from
 * [from_height, from_width]. */
lac_status lac_plane_resize(float *to, int64_t height, int64_t width, const float *from, int64_t from_height, int64_t from_width,
                            lac_filter filter, lac_passes passes);
