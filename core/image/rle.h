/* core/image/rle.h -- masks as run lengths, as COCO stores them (pycocotools 2.0.11, maskApi.c): pixels column by column, runs of 0 and of 1 in
 * turn, the first of 0. The compressed text writes each run as its difference to the run before the last, five bits a character.
 *
 * Masks on this side are u8 [height, width], row after row, non-zero = inside; a lac_rle that starts as { 0 } ends with lac_rle_free, also after
 * a failure. Sizes are at most LAC_IMAGE_MAX_PIXELS pixels; what a file says is checked before memory is asked for. Every LAC_ERR_FORMAT says
 * what was found and expected; callers add file and record. */
#pragma once

#include "core/status.h"

typedef struct lac_rle {
    int64_t height, width;
    uint32_t *count;            /* owned; together height * width */
    int64_t n, capacity;
} lac_rle;

void lac_rle_free(lac_rle *r);

/* What was in *r is replaced. */
lac_status lac_rle_encode(lac_rle *r, const uint8_t *mask, int64_t height, int64_t width);
lac_status lac_rle_from_counts(lac_rle *r, int64_t height, int64_t width, const int64_t *count, int64_t n);
lac_status lac_rle_from_text(lac_rle *r, int64_t height, int64_t width, const char *text, size_t size);
lac_status lac_rle_text(const lac_rle *r, char **text, size_t *size);           /* fresh, a zero byte behind it */

void lac_rle_decode(const lac_rle *r, uint8_t *mask);                           /* 0 and 1, all of it written */
int64_t lac_rle_area(const lac_rle *r);
/* x, y, width, height; a run that goes on in the next column takes the full height. Zeroes of an empty mask. */
void lac_rle_box(const lac_rle *r, double box[4]);

/* The inside of a polygon x0, y0, x1, y1, ... of n numbers, pixel for pixel as pycocotools draws it. LAC_ERR_FORMAT: fewer than 6 numbers, an odd one
 * out, a coordinate that is not finite or beyond 2^20 either way, an outline of more than 2^28 steps. */
lac_status lac_rle_polygon(lac_rle *r, int64_t height, int64_t width, const double *xy, int64_t n);

/* r = r or other. LAC_ERR_SHAPE where their sizes differ. */
lac_status lac_rle_add(lac_rle *r, const lac_rle *other);

int64_t lac_rle_intersection(const lac_rle *a, const lac_rle *b);               /* of one size */
/* |a and b| / |a or b|, of a crowd b |a and b| / |a|; 0 where they do not meet, as COCO has it. */
double lac_rle_iou(const lac_rle *a, const lac_rle *b, bool crowd);
/* The same of boxes x, y, width, height. */
double lac_box_iou(const double a[4], const double b[4], bool crowd);

/* BrushBench's and BrushData's runs: pairs of (start, length), start counted from 1, into a mask 0 and 1 of height * width. BrushBench counts pixels row by
 * row, BrushData column by column. */
typedef enum { LAC_PAIRS_BY_ROWS, LAC_PAIRS_BY_COLUMNS } lac_pairs_order;
lac_status lac_mask_from_pairs(uint8_t *mask, int64_t height, int64_t width, lac_pairs_order order, const int64_t *pair, int64_t n);
