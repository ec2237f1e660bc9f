/* data/tint.h -- colour augmentation of a training sample: pictures of one palette teach colours rather than how to carry them on.
 *
 *     y[c] = clamp(127.5 + a[c] (z[p[c]] - 127.5) + b[c])        z[c] = clamp(m + s (x[c] - m)),  m the mean of x over c
 *
 * with p a permutation of the channels, |a| ~ U(0.7, 1.3), a < 0 (a negative) for every fourth sample and then in all
 * channels, b ~ U(-25, 25), and the saturation s ~ U(0.5, 2). z and y are rounded to whole levels. Every function of the stream
 * handed in. */
#pragma once

#include "core/philox.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct lac_tint { float saturation; int channel[3]; uint8_t level[3][256]; } lac_tint;

/* share: of the samples that are tinted; the others keep their colours. */
lac_tint lac_tint_draw(float share, lac_stream *random);
void lac_tint_apply(const lac_tint *t, uint8_t *rgb, int64_t pixels);
