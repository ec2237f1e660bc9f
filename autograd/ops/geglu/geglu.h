/* autograd/ops/geglu/geglu.h -- the gated linear unit of transformers (arXiv:2002.05202), after its projection.
 *
 *     y = v * gelu(g)         v = x[..., :C],  g = x[..., C:],  gelu(g) = g times the normal distribution's share below g
 *
 * x  [..., 2C]   f32 or bf16, values first, gates second
 * y  [..., C]    dtype of x; owned by the tape
 *
 * Backward reads x only. Fails with LAC_ERR_SHAPE unless x has an even last dim. */
#pragma once

#include "autograd/tape.h"

lac_tensor *lac_geglu(lac_tape *t, lac_tensor *x);
