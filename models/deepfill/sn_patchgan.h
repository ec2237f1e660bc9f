/* models/deepfill/sn_patchgan.h -- the spectral-norm patch discriminator of DeepFill v2 (arXiv:1806.03589, sec. 3.3): six 5x5
 * convolutions of stride 2, each with spectral norm, bias and leaky ReLU 0.2; every value that comes out is a logit.
 * By config (ours): one global logit instead, from a dense spectral-norm layer over the flattened map.
 *
 * Parameters: convN.weight [out, 5, 5, in] (f32: normalised before it is rounded), convN.bias, buffers convN.u [out]; global also
 * linear.weight [1, n], linear.bias, linear.u. */
#pragma once

#include "autograd/params.h"
#include "autograd/tape.h"
#include "models/deepfill/config.h"
#include "models/layers/conv.h"

enum { LAC_SN_CONVS = 6, LAC_SN_LAYERS = LAC_SN_CONVS + 1 };

typedef struct lac_sn_layer { lac_conv_layer conv; lac_param *u; } lac_sn_layer;      /* of the dense one, name, weight and bias alone */

typedef struct lac_sn_patchgan {
    lac_sn_patchgan_config config;
    lac_params *params;
    lac_sn_layer layer[LAC_SN_LAYERS];      /* the last one: global alone */
    int n_layers;
} lac_sn_patchgan;

typedef struct lac_sn_patchgan_out {
    lac_tensor *logits;                     /* [N, h, w, 4 width]; global [N, 1] */
    lac_tensor *sigma[LAC_SN_LAYERS], *u[LAC_SN_LAYERS];        /* [] and [out]: the vectors after this power iteration */
} lac_sn_patchgan_out;

lac_status lac_sn_patchgan_init(lac_sn_patchgan *d, lac_params *ps, const lac_sn_patchgan_config *c);

/* x [N, H, W, 4] = [image, mask] in the working dtype, any H and W. Nothing is committed. logits NULL after an error. */
lac_sn_patchgan_out lac_sn_patchgan_forward(lac_tape *t, const lac_sn_patchgan *d, lac_tensor *x);

/* Hands the new vectors to the parameters' buffers, for lac_params_commit. */
void lac_sn_patchgan_commit(lac_tape *t, const lac_sn_patchgan *d, const lac_sn_patchgan_out *out);

/* Logits that a batch of n pictures of h x w gives. */
int64_t lac_sn_patchgan_logits(const lac_sn_patchgan *d, int64_t n, int64_t h, int64_t w);
