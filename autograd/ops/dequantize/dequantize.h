/* autograd/ops/dequantize/dequantize.h -- bytes become numbers on the device: y = x * scale + shift.
 *
 * x  any shape, u8
 * y  shape of x, attr's dtype; owned by the tape
 *
 * Pictures: scale 1 / 127.5, shift -1 gives [-1, 1]. Masks of 0 and 255: scale 1 / 255. No gradient. */
#pragma once

#include "autograd/tape.h"

typedef struct lac_dequantize_attr { float scale, shift; lac_dtype dtype; } lac_dequantize_attr;

lac_tensor *lac_dequantize(lac_tape *t, lac_tensor *x, const lac_dequantize_attr *a);
