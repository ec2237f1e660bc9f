/* models/lpips/lpips.h -- LPIPS (arXiv:1801.03924), version 0.1: how far two pictures lie apart by the features of a frozen network (metrics.md 5).
 *
 *     value[n] = sum over taps l of mean over pixels of sum over c of lin_l[c] (f_l / |f_l| - g_l / |g_l|)^2
 *
 * with f, g the rectified features of torchvision's AlexNet, VGG-16 or SqueezeNet 1.1 at five taps (squeeze: seven), each pixel's vector brought to unit
 * length (1e-10 beside it). Dropout of the heads is off. Parameters: torchvision's features.I.{weight,bias} (squeeze: features.I.{squeeze,expand1x1,
 * expand3x3}.*) and lin{l}.model.1.weight [1, C, 1, 1]; a file's classifier.* and scaling_layer.* are passed over. */
#pragma once

#include "autograd/tape.h"
#include "core/config.h"
#include "models/layers/conv.h"

enum { LAC_LPIPS_CONVS = 25, LAC_LPIPS_TAPS = 7 };

extern const lac_key lac_lpips_keys[];

typedef struct lac_lpips {
    lac_params *params;
    const struct lac_lpips_step *steps;         /* of the backbone */
    int n_convs, n_taps;
    lac_conv_layer conv[LAC_LPIPS_CONVS];       /* in the order of the steps; of a Fire module squeeze, expand1x1, expand3x3 */
    lac_param *lin[LAC_LPIPS_TAPS];
} lac_lpips;

/* config: resolved by the keys. ps is to be frozen: heads and backbone get no gradient here. */
lac_status lac_lpips_init(lac_lpips *m, lac_params *ps, const json_t *config);

/* image, reference [N, H, W, 3] in [-1, 1], f32 or bf16, not clipped; gradients go into both. value [N] f32; map NULL, or what each pixel of tap l adds to
 * its mean, map[l] [N, h, w, 1] f32. NULL after an error: too few pixels for the backbone's windows among them. */
lac_tensor *lac_lpips_forward(lac_tape *t, const lac_lpips *m, lac_tensor *image, lac_tensor *reference, lac_tensor *map[LAC_LPIPS_TAPS]);
