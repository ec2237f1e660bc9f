/* models/noise.h -- what samplers draw at random, the one place where they do.
 *
 *     x[i, e] = normal of Philox (seed = ask[i].seed; step, ask[i].sample, element e, purpose)
 *
 * step counts the sampler's own steps, 0 for what it starts from; ask[i].sample is the record's id in evaluation. So a picture's noise
 * depends neither on the batch it comes in nor on ranks, --limit or order. Channels last, element e counts within one picture. */
#pragma once

#include "models/inpainter.h"

/* *x: fresh f32 on the host, [dim[0] = n, ...], one row for each of ask[n]; lac_tape_input takes it into a region. */
lac_status lac_noise_new(lac_tensor **x, const lac_ask *ask, int ndim, const int64_t *dim, const char *purpose, uint32_t step);
