/* autograd/ops/spectral_norm/spectral_norm.h -- weight normalised by its spectral norm (arXiv:1802.05957, algorithm 1), one
 * power iteration, as in the DeepFill v2 discriminator. M is the weight as a matrix of O rows and kh * kw * I columns:
 *
 *     v = l2n(M^T u),  u' = l2n(M v),  sigma = u'^T M v,  w_sn = weight / sigma,      l2n(x) = x / (|x| + 1e-12)
 *
 * weight  [O, kh, kw, I] (any shape of at least two dims)   f32
 * u       [O]            f32; never gets a gradient
 * w_sn    shape of weight, attr's dtype
 * sigma   []             f32
 * u_new   [O]            f32: u', for the caller to commit; no gradient flows from it
 *
 * The outputs are the tape's; v and |M^T u| are saved for backward. Gradients of weight come from w_sn and from sigma, with v and
 * u' held constant, or with `full` through the power iteration as well. Sums are in double per fixed block. */
#pragma once

#include "autograd/tape.h"

typedef struct lac_spectral_norm_attr {
    bool full;              /* differentiate through the power iteration */
    lac_dtype dtype;        /* of w_sn: LAC_F32 or LAC_BF16 */
} lac_spectral_norm_attr;

/* Returns w_sn; *sigma and *u_new may be asked for with pointers that are not NULL. */
lac_tensor *lac_spectral_norm(lac_tape *t, lac_tensor *weight, lac_tensor *u, const lac_spectral_norm_attr *a, lac_tensor **sigma, lac_tensor **u_new);
