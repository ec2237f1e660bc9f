/* models/inception/input.h -- from an 8-bit picture to what the Inception network receives, by the recipes that publish numbers. Aspect is not kept.
 *
 *     pytorch-fid     x / 255, torch-bilinear, 2 x - 1
 *     tf              tf1-bilinear, (x - 128) / 128            (TensorFlow's own, torch-fidelity)
 *     clean           Pillow's bicubic on floats, clipped to 0..255 and not rounded, (x - 128) / 128      (arXiv:2104.11222)
 *     torchmetrics    torch-bilinear with antialiasing, (x - 128) / 128          (torchmetrics since 1.8) */
#pragma once

#include "core/status.h"

#define LAC_INCEPTION_RECIPES "pytorch-fid|tf|clean|torchmetrics"

typedef enum { LAC_INCEPTION_PYTORCH_FID, LAC_INCEPTION_TF, LAC_INCEPTION_CLEAN, LAC_INCEPTION_TORCHMETRICS, LAC_INCEPTION_N_RECIPES } lac_inception_recipe;

/* LAC_ERR_ARG lists what there is. */
lac_status lac_inception_recipe_named(lac_inception_recipe *recipe, const char *name);
/* "resize=torch-bilinear,range=2x/255-1" and the like: what the recipe does to a picture, in words that stand in metrics' recipes. */
const char *lac_inception_recipe_text(lac_inception_recipe recipe);

/* to [299, 299, 3] from pixels [height, width, 3]. LAC_ERR_ARG for a side below 1. */
lac_status lac_inception_input(float *to, const uint8_t *pixels, int64_t height, int64_t width, lac_inception_recipe recipe);
