/* eval/baseline.h -- what any trained inpainter has to beat. Each fills the hole of one picture and leaves the rest as it is.
 *
 *     copy-nothing   the hole stays grey: 128, which is 0 in [-1, 1] to rounding
 *     mean-colour    the mean of the picture's known pixels, per channel
 *     laplace        Laplace's equation from the hole's edge (core/image/laplace.h), to a relative residual of 1e-6
 *
 * A picture without a known pixel becomes grey in all three. Results are rounded to the nearest grey level, like a
 * network's when it is scored. */
#pragma once

#include "core/status.h"

typedef struct lac_baseline {
    const char *name;           /* "mean-colour" */
    const char *title;          /* "mean colour", for tables */
    /* picture [H, W, 3] is changed in place where mask [H, W] is non-zero. */
    lac_status (*fill)(uint8_t *picture, int64_t height, int64_t width, const uint8_t *mask);
} lac_baseline;

extern const lac_baseline lac_baselines[];          /* ends with name == NULL */
const lac_baseline *lac_baseline_find(const char *name);    /* NULL when there is none of that name */
