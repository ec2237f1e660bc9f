/* autograd/ops/lincomb/lincomb.h -- a linear combination of tensors, the coefficients as data.
 *
 *     y = sum over k of a[k] x[k]                 a [n]:     the same for all elements
 *     y[i, ...] = sum over k of a[i, k] x[k][i, ...]   a [N, n]:  a row for each sample
 *
 * a                f32, in the tape's memory: a captured step reads those of the day. Never gets a gradient
 * x[0] .. x[n-1]   n from 1 to 7, any shape, all of one; with rows N is their first dim; f32 or bf16, each its own
 * y                f32 or bf16, as asked; owned by the tape
 *
 * Summed in f32 from x[0] on by fused multiply-adds. A sampler's step, noise added by timestep, guidance: all are this. Backward reads a. */
#pragma once

#include "autograd/tape.h"

enum { LAC_LINCOMB_MAX = LAC_MAX_IN - 1 };

typedef struct lac_lincomb_attr { lac_dtype dtype; } lac_lincomb_attr;

lac_tensor *lac_lincomb(lac_tape *t, lac_tensor *a, lac_tensor *const *x, int n, lac_dtype dtype);
