/* core/image/laplace.h -- filling holes by Laplace's equation: the smoothest surface that continues the known pixels.
 *
 *     sum over the 4-neighbours n of a hole pixel p that lie in the picture of (u[p] - u[n]) = 0
 *
 * Known pixels are the boundary values; the picture's own border lets nothing through (natural condition). Each channel
 * is solved for itself, in double, by conjugate gradients preconditioned with an incomplete Cholesky factor that keeps row sums
 * (MIC(0), Gustafsson 1978), until the residual is at most LAC_LAPLACE_RESIDUAL of the right-hand side; values are taken
 * relative to the mean of the known pixels next to the hole, so brightness does not loosen the criterion. Channels run
 * side by side, each on one thread: the same bits for every number of threads. */
#pragma once

#include "core/status.h"

#define LAC_LAPLACE_RESIDUAL 1e-6
enum { LAC_LAPLACE_CHANNELS = 4 };

/* What the solve came to, the worst channel's. */
typedef struct lac_laplace { int64_t unknowns, iterations; double residual; } lac_laplace;

/* Replaces the pixels of x [H, W, C] where mask [H, W] is non-zero; the others keep their bits. A picture that is all hole has
 * no boundary: its pixels become `grey`. how may be NULL. LAC_ERR_SHAPE for more than four channels or LAC_IMAGE_MAX_PIXELS;
 * LAC_ERR_STATE if the residual stays above the limit (values that are not finite). */
lac_status lac_laplace_fill(float *x, int64_t height, int64_t width, int channels, const uint8_t *mask, float grey, lac_laplace *how);
