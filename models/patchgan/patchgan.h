/* models/patchgan/patchgan.h -- the patch discriminator of pix2pix (arXiv:1611.07004, appendix 6.1.2) as autoencoders train with (taming-transformers,
 * latent-diffusion; instinpaint.md 2.3): 4x4 convolutions with one zero around, leaky ReLU 0.2, batch normalisation from the second on.
 *
 *     conv stride 2, n_layers of them, ndf, 2 ndf, 4 ndf, ... filters, 8 ndf at most; conv stride 1, twice as many; conv stride 1 to one logit a patch
 *
 * Parameters by the place in PyTorch's Sequential: main.0.{weight,bias}, main.I.weight, main.I+1.{weight,bias,running_mean,running_var}, ...,
 * main.LAST.{weight,bias}. Weights are drawn from N(0, 0.02), norms from N(1, 0.02), both cut at two deviations. */
#pragma once

#include "autograd/tape.h"
#include "core/config.h"
#include "models/layers/batch_norm.h"
#include "models/layers/conv.h"

enum { LAC_PATCHGAN_CONVS = 12 };       /* n_layers <= 10 */

extern const lac_key lac_patchgan_keys[];

/* conv[0] has no norm, nor has the last of n_convs. */
typedef struct lac_patchgan {
    lac_params *params;
    int n_convs;
    lac_conv_layer conv[LAC_PATCHGAN_CONVS];
    lac_batch_norm_layer norm[LAC_PATCHGAN_CONVS];
} lac_patchgan;

/* The running statistics of each norm: zeroes before the first call of a step. */
typedef struct lac_patchgan_state { lac_batch_norm_state norm[LAC_PATCHGAN_CONVS]; } lac_patchgan_state;

/* config: resolved by the keys. LAC_ERR_CONFIG where use_actnorm is asked for. */
lac_status lac_patchgan_init(lac_patchgan *d, lac_params *ps, const json_t *config);

/* x [N, H, W, input_nc] in the working dtype -> [N, h, w, 1]. training: norms by the batch's own statistics, which go into *state; else by the running
 * ones. Nothing is committed. NULL after an error. */
lac_tensor *lac_patchgan_forward(lac_tape *t, const lac_patchgan *d, lac_tensor *x, bool training, lac_patchgan_state *state);
void lac_patchgan_commit(lac_tape *t, const lac_patchgan *d, const lac_patchgan_state *state);

/* Logits that a picture of h x w gives: 0 where it is too small. */
int64_t lac_patchgan_logits(const lac_patchgan *d, int64_t h, int64_t w);
