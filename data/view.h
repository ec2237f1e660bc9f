/* data/view.h -- how a picture becomes a square of a batch: where the window lies, and cutting it out. */
#pragma once

#include "core/image/image.h"
#include "core/philox.h"
#include "data/box.h"

typedef enum { LAC_CROP_RANDOM, LAC_CROP_CENTER, LAC_CROP_SQUASH } lac_crop;   /* squash: the whole picture, both sides to size */

/* The picture is brought to `shorter` pixels on its shorter side (0: as it is), or more where size would not fit in it, and cut to
 * size x size. Resizing is bilinear with antialias and done on the window alone. */
typedef struct lac_view {
    int64_t size;
    lac_crop crop;
    int64_t shorter, shorter_max;       /* drawn from [shorter, shorter_max] per sample when the second is larger; random crop alone */
    bool flip;                          /* left-right, every second sample */
    bool mirror;                        /* left-right, all of them */
    float turn;                         /* share of the samples turned, by 90, 180 or 270 degrees alike; after the flip */
} lac_view;

lac_status lac_crop_named(lac_crop *crop, const char *name);       /* "random", "center", "squash" */
lac_status lac_view_check(const lac_view *view);

typedef struct lac_window { int64_t top, left, height, width; bool flip; int turns; } lac_window;     /* turns: quarters, clockwise */

/* The window in a picture of height x width; draws from the stream. */
lac_window lac_view_window(const lac_view *view, int64_t height, int64_t width, lac_stream *random);
/* The same number of draws, but the window is laid around a box, or, along a side where the box is longer, inside it. NULL: as above. */
lac_window lac_view_window_around(const lac_view *view, int64_t height, int64_t width, const lac_box *box, lac_stream *random);
/* The window's pixels, resized to size x size where it is of another size, flipped and turned: to [size, size, channels of image]. */
lac_status lac_window_cut(const lac_window *w, const lac_image *image, int64_t size, uint8_t *to);
