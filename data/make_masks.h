/* data/make_masks.h -- drawing a fixed set of evaluation masks, once, into files that never change afterwards.
 *
 * Every mask is drawn at each of the given sizes from the same counter, so the files show the same holes; a draw is thrown
 * away unless it covers min to max of the picture at every size. Mask k is the first draw t = 0, 1, ... that fits, of
 *
 *     lac_stream_at(seed, lac_purpose("evaluation masks"), k, t)        with the kind's default parameters (data/mask.h) */
#pragma once

#include "core/status.h"

enum { LAC_MAKE_MASKS_SIZES = 8, LAC_MAKE_MASKS_DRAWS = 100000 };

typedef struct lac_mask_rule {
    const char *kind;               /* "union" */
    int64_t n;
    int64_t size[LAC_MAKE_MASKS_SIZES];     /* sides, ends with 0 */
    double min, max;                /* share of the picture, both included */
    uint64_t seed;
} lac_mask_rule;

/* Writes "FOLDER/KIND-N-seedSEED-SIZE.png" for each size: grey, the masks one below the other, 255 = hole. LAC_ERR_CONFIG for an
 * unknown kind; LAC_ERR_ARG for no size, sizes or counts below 1, min above max, or a range that LAC_MAKE_MASKS_DRAWS draws missed. */
lac_status lac_make_masks(const lac_mask_rule *rule, const char *folder);

/* The masks of one size alone: fresh [n, size, size], free() it. `which` is the place in rule->size. */
lac_status lac_draw_masks(const lac_mask_rule *rule, int which, uint8_t **masks);
