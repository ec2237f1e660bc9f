/* core/cpu/dnn_conv_phases.h -- the gradient of x of a bf16 convolution with stride 2, as four dense ones.
 *
 * The pixels of gx fall into four phases, each the gradient of a dense convolution of its own with every second tap of the kernel along
 * either axis: gx[2 s + phase - pad] = sum_q gy[s - q] w[2 q + phase]. The library's bf16 kernels for strides reach a third of the
 * speed of the dense ones. */
#pragma once

#include "core/cpu/dnn.h"

typedef struct lac_conv_phase {
    lac_conv c;
    int64_t first[2], tap[2];       /* of gx; of the kernel */
} lac_conv_phase;

/* The four; false where the convolution is none of these, or too small to be cut. */
bool lac_conv_phases(lac_conv_phase f[4], const lac_conv *c);
