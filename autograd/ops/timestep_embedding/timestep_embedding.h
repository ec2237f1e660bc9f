/* autograd/ops/timestep_embedding/timestep_embedding.h -- sines and cosines of a timestep (arXiv:2006.11239, as in the transformer, arXiv:1706.03762).
 *
 *     f_i = exp(-ln(10000) i / (half - freq_shift)),  i = 0 .. half - 1,  half = floor(width / 2)
 *     y[n] = (sin(t_n f_0), ..., sin(t_n f_half-1), cos(t_n f_0), ..., cos(t_n f_half-1))          the cosines first if flip_sin_to_cos
 *
 * timestep  [N]          f32, fractions too; never gets a gradient
 * y         [N, width]   the dtype asked for; an odd width ends in a 0; owned by the tape
 *
 * Phases are reduced to a part of a turn in double: within 3e-7 of the equation for timesteps up to 1000. Fails with LAC_ERR_SHAPE unless timestep is [N],
 * with LAC_ERR_DTYPE for a dtype that is no float, and with LAC_ERR_ARG for a width below 2 or a freq_shift not below its half. */
#pragma once

#include "autograd/tape.h"

typedef struct lac_timestep_embedding_attr { int64_t width; bool flip_sin_to_cos; float freq_shift; lac_dtype dtype; } lac_timestep_embedding_attr;

lac_tensor *lac_timestep_embedding(lac_tape *t, lac_tensor *timestep, const lac_timestep_embedding_attr *a);
