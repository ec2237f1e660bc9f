/* autograd/ops/pad2d/formula.h -- where a padded position takes its value from. */
#pragma once

#include "autograd/ops/pad2d/pad2d.h"
#include "core/fmath.h"

/* Source of position i (before the pad: i < 0, after it: i >= n) along an axis of n. */
LAC_HD static inline int64_t lac_pad_source(lac_pad_mode mode, int64_t i, int64_t n)
{
    if (i >= 0 && i < n)
        return i;
    if (mode == LAC_PAD_REPLICATE)
        return i < 0 ? 0 : n - 1;
    const int64_t repeat = mode == LAC_PAD_SYMMETRIC;
    return i < 0 ? -i - repeat : 2 * n - 2 - i + repeat;
}
