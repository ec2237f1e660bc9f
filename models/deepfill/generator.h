/* models/deepfill/generator.h -- the two-stage generator of DeepFill v2 (arXiv:1806.03589), with the released code's layer table.
 *
 *     x1 = coarse([image (1 - m), 1, m])
 *     x2 = refine(x1 m + image (1 - m)), with a convolution branch and a contextual attention branch
 *     complete = x2 m + image (1 - m)
 *
 * Parameters: NAME.weight [filters, k, k, in], NAME.bias [filters]; NAME as in the table: conv1 .. allconv17. */
#pragma once

#include "models/deepfill/conv_block.h"

enum { LAC_DEEPFILL_LAYERS = 42 };

typedef struct lac_deepfill {
    lac_deepfill_config config;
    lac_params *params;
    lac_conv_block layer[LAC_DEEPFILL_LAYERS];
} lac_deepfill;

typedef struct lac_deepfill_out { lac_tensor *x1, *x2, *complete; } lac_deepfill_out;

/* Adds its parameters to ps, which the caller then initialises or loads. */
lac_status lac_deepfill_init(lac_deepfill *g, lac_params *ps, const lac_deepfill_config *c);

/* image [N, H, W, 3] in [-1, 1], mask [N or 1, H, W, 1] f32, 1 = hole; H and W multiples of 8. All NULL after an error. */
lac_deepfill_out lac_deepfill_forward(lac_tape *t, const lac_deepfill *g, lac_tensor *image, lac_tensor *mask);
