/* core/image/taps.h -- which source pixels an output pixel sums, and with what weight; folder-local.
 *
 * Output d is the sum over k < count[d] of weight[d * most + k] * source[first[d] + k]. */
#pragma once

#include "core/image/resample.h"

typedef struct lac_taps {
    int64_t in, out, most;      /* most: room per output */
    int64_t *first, *count;
    double *weight;
    int32_t *fixed;             /* the same in units of 2^-LAC_FIXED_BITS */
} lac_taps;

enum { LAC_FIXED_BITS = 22 };

lac_status lac_taps_new(lac_taps *t, int64_t in, int64_t out, lac_filter filter);       /* any filter but nearest */
void lac_taps_free(lac_taps *t);                                                        /* safe on a zeroed one */

/* One pass over 8-bit images, by instruction set (cpu_resample.c): across each of `rows` rows of t->in pixels, with `lanes` a
 * scratch of LAC_RESAMPLE_LANES * t->in * channels bytes; and down the columns of t->in rows of `row` bytes. */
enum { LAC_RESAMPLE_LANES = 16 };
typedef void lac_resample_across(const lac_taps *t, uint8_t *to, const uint8_t *from, int64_t rows, int64_t channels, uint8_t *lanes);
typedef void lac_resample_down(const lac_taps *t, uint8_t *to, const uint8_t *from, int64_t row);
lac_resample_across lac_resample_across_base, lac_resample_across_v3, lac_resample_across_v4;
lac_resample_down lac_resample_down_base, lac_resample_down_v3, lac_resample_down_v4;
