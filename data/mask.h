/* data/mask.h -- mask generators. All randomness comes from the stream handed in, so a mask is a function of its counter.
 *
 * A mask is u8 [height, width], 1 = hole. Lengths are fractions of the shorter side S (a rectangle's: of its own side), so one
 * set of numbers serves every size; the defaults are the published pixel values at 256. Angles are in turns.
 *
 *     rect         DeepFill v2's rectangle: 128 x 128 with each side cut by 0 to 32
 *     brush        its free-form brush as coded: 1 to 3 zig-zag strokes of 4 to 11 segments
 *     brush-paper  Algorithm 1 of the paper (arXiv:1806.03589), which differs from the code
 *     union        rect or brush: what DeepFill v2 trains on
 *     lama-...     data/mask_lama.h; these have no params */
#pragma once

#include "core/philox.h"
#include "core/status.h"

/* height ~ max_height - 2 U{0 .. delta/2}, likewise width; the uncut rectangle keeps `margin` from the border. */
typedef struct lac_rect_params { float height, width, delta, margin; } lac_rect_params;

/* Strokes U{1 .. max_strokes} of U{min_segments .. max_segments} segments. Segment i points along (cos, sin) of an angle of
 * U(mean - U(0, spread), mean + U(0, spread)), mirrored for even i; its length is Normal(D/8, whole part of D/16) within
 * [0, D/4] for the diagonal D; it ends inside the image, on a whole pixel. The stroke's width is U(min_width, max_width). flip_fix: two coins mirror the mask, left to right and top to bottom, as the official code means to
 * but does not; without it all strokes drift to the right. The coins are tossed in either case. */
typedef struct lac_brush_params {
    int64_t max_strokes, min_segments, max_segments;
    float mean_angle, angle_spread, min_width, max_width;
    bool flip_fix;
} lac_brush_params;

/* Strokes U{1 .. max_strokes} of U{1 .. max_segments} segments; angle U(0, max_angle), mirrored for even i; length U(0, max_length)
 * along (sin, cos); width U(0, max_width), at least 1.5 pixels; then both coins. A stroke may leave the image. */
typedef struct lac_paper_params { int64_t max_strokes, max_segments; float max_angle, max_length, max_width; } lac_paper_params;

typedef struct lac_mask_params { lac_rect_params rect; lac_brush_params brush; lac_paper_params paper; } lac_mask_params;

lac_mask_params lac_mask_defaults(void);
/* LAC_ERR_CONFIG, naming the number and its range. */
lac_status lac_mask_check(const lac_mask_params *p);

typedef struct lac_mask_kind {
    const char *name, *what;
    void (*draw)(uint8_t *mask, int64_t height, int64_t width, const lac_mask_params *p, lac_stream *s);
} lac_mask_kind;

const lac_mask_kind *lac_mask_kinds(int64_t *n);                                /* the list above */
lac_status lac_mask_named(const lac_mask_kind **kind, const char *name);        /* LAC_ERR_CONFIG lists the names */

/* Clears the mask and draws into it; at least one pixel is hole. LAC_ERR_ARG unless both sides are at least 1 and below 2^20.
 * The params must have passed lac_mask_check. */
lac_status lac_mask_make(uint8_t *mask, int64_t height, int64_t width, const lac_mask_kind *kind, const lac_mask_params *p, lac_stream *s);

int64_t lac_mask_area(const uint8_t *mask, int64_t n);      /* how many of n are not 0 */
