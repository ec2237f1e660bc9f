/* autograd/ops/composite/composite.h -- pictures put together by a mask, and the channels networks want beside them.
 *
 *     y[..., :C] = x * m + image * (1 - m)        x absent: image * (1 - m);  whole: image itself, m unused here
 *     then a channel of ones if `ones`, then m itself if `append_mask`
 *
 * It makes the generator's input (image, mask, ones, append_mask), the second stage's (x, image, mask), the finished
 * picture (x, image, mask) and the discriminator's input (image, mask, whole, append_mask).
 *
 * x      [N, H, W, C]        f32 or bf16, optional; must be absent with `whole`
 * image  [N, H, W, C]        f32 or bf16
 * mask   [N or 1, H, W, 1]   f32, 1 = hole; its gradient, where one asks for it, is the plain derivative
 * y      [N, H, W, C + ones + append_mask]   attr's dtype; owned by the tape
 *
 * Backward reads the mask only; for the mask's own gradient x and image. */
#pragma once

#include "autograd/tape.h"

typedef struct lac_composite_attr {
    bool whole, ones, append_mask;
    lac_dtype dtype;                /* of y: LAC_F32 or LAC_BF16 */
} lac_composite_attr;

lac_tensor *lac_composite(lac_tape *t, lac_tensor *x, lac_tensor *image, lac_tensor *mask, const lac_composite_attr *a);
