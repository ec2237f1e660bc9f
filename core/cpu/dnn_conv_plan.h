/* core/cpu/dnn_conv_plan.h -- a convolution cut into slices that the library calculates one by one, each on one thread.
 *
 * The cut depends on the shape alone, never on the number of threads, so that the bits do not. */
#pragma once

#include "core/cpu/dnn_cache.h"

/* A band: some rows of y (forward, weight gradient) or of gx, and the rows of the other tensor that they need. */
typedef struct lac_conv_band {
    int64_t x_from, x_rows, y_from, y_rows, pad_top, pad_bottom;
    lac_prim prim;
} lac_conv_band;

/* All samples of a slice are one library call. slices = n / samples * n_bands * parts: a map that makes one slice is cut by channels of y (forward) or
 * gx, into parts. The library wants them dense (of a part of a wider tensor it makes a loop of its reference code), so a part has a block of its own. */
enum { LAC_CONV_BANDS = 16 };
typedef struct lac_conv_plan {
    lac_plan base;
    lac_conv c, part;               /* the whole, and what a part calculates */
    lac_conv_pass pass;
    lac_dtype dx;
    bool has_bias;
    lac_prim_after after;
    int64_t oh, ow, samples, n_bands, parts, n_slices;
    lac_conv_band band[LAC_CONV_BANDS];
    lac_prim pack;                  /* weight of a part as it lies to the layout of the calls; weight gradient: back */
    uint64_t layout;                /* of a part's packed weight */
    size_t packed, step;            /* bytes: of a part's packed weight; from part to part of the weight as it lies */
    size_t scratch, block;          /* bytes: scratch of a call; gx of a slice, or y of a part */
} lac_conv_plan;

/* The plan of a pass, made at first; dx is the dtype of gx (LAC_CONV_GRAD_X). Given back with lac_plan_put(&p->base). */
lac_status lac_conv_plan_get(lac_conv_plan **p, const lac_conv *c, lac_conv_pass pass, lac_dtype dx, bool bias);
/* What the library is to do to the sums of a forward pass: add the residual, which lies in y then, and leaky relu. Its relu
 * makes 0 of NaN (2.6), and its elu is not our polynomial: those come after. */
lac_prim_after lac_conv_after(const lac_conv *c);
