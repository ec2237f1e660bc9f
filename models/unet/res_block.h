/* models/unet/res_block.h -- the residual block of diffusion UNets with what the timestep adds (arXiv:2006.11239; arXiv:2105.05233 for scale and shift).
 *
 *     h = conv1(r(silu(GN([x | skip]))))          r: nothing, the mean of 2 x 2 pixels, or each pixel four times
 *     e = time W^T + b                            time: silu of the time embedding
 *     h = conv2(silu(GN(h + e)))                  or conv2(silu(GN(h) (1 + scale) + shift)), e = (scale, shift)
 *     y = h + s(r([x | skip]))                    s: a 1x1 convolution where channels change, else nothing
 *
 * skip is normalised and multiplied where it lies: nothing is concatenated. */
#pragma once

#include "models/layers/conv.h"
#include "models/layers/linear.h"
#include "models/layers/norm.h"

typedef enum { LAC_RESAMPLE_NONE, LAC_RESAMPLE_DOWN, LAC_RESAMPLE_UP } lac_resample;

/* The published names of its parts. */
typedef struct lac_res_block_names { const char *norm1, *conv1, *time, *norm2, *conv2, *shortcut; } lac_res_block_names;
extern const lac_res_block_names lac_res_block_diffusers, lac_res_block_compvis;

/* The first four are chosen before lac_res_block_init; the rest is its own. */
typedef struct lac_res_block {
    int64_t groups;
    float eps;
    bool scale_shift;
    lac_resample resample;
    lac_group_norm_layer norm1, norm2;
    lac_conv_layer conv1, conv2;
    lac_linear_layer time, shortcut;            /* shortcut: no weight where channels stay */
} lac_res_block;

/* Under the module that lac_params_enter names; in: channels of x and skip together. A resampling block has neither skip nor shortcut. */
lac_status lac_res_block_init(lac_res_block *b, lac_params *ps, const lac_res_block_names *names, int64_t in, int64_t out, int64_t time_width);

/* x [N, H, W, A], skip [N, H, W, B] or NULL, time [N, time_width] -> [N, H', W', out]; NULL after an error. */
lac_tensor *lac_res_block_forward(lac_tape *t, const lac_res_block *b, lac_tensor *x, lac_tensor *skip, lac_tensor *time);
