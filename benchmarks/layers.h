/* benchmarks/layers.h -- the convolutions of one DeepFill v2 training step (batch 4, 256x256, cnum 48, discriminator width 64; discriminator
 * on [real, fake], so batch 8), and how often a step runs each pass. D phase: generator forward, discriminator forward and backward. G phase:
 * generator forward, discriminator forward, gradient through the discriminator into the generator, generator backward. */
#pragma once

#include "core/cpu/dnn.h"

typedef struct layer {
    const char *name;
    int64_t n, size, c, o, k, stride, dilation;
    int runs[3];                /* forward, gradient of x, gradient of the weight */
} layer;

static const layer layers[] = {
    { "conv1 5->48 k5", 4, 256, 5, 48, 5, 1, 1, { 2, 0, 1 } },
    { "xconv1 3->48 k5", 4, 256, 3, 48, 5, 1, 1, { 4, 2, 2 } },
    { "conv2 24->96 s2", 4, 256, 24, 96, 3, 2, 1, { 2, 1, 1 } },
    { "xconv2 24->48 s2", 4, 256, 24, 48, 3, 2, 1, { 4, 2, 2 } },
    { "conv3 48->96", 4, 128, 48, 96, 3, 1, 1, { 6, 3, 3 } },
    { "xconv3 24->96", 4, 128, 24, 96, 3, 1, 1, { 4, 2, 2 } },
    { "conv4 48->192 s2", 4, 128, 48, 192, 3, 2, 1, { 4, 2, 2 } },
    { "xconv4 48->96 s2", 4, 128, 48, 96, 3, 2, 1, { 2, 1, 1 } },
    { "xconv5 48->192", 4, 64, 48, 192, 3, 1, 1, { 2, 1, 1 } },
    { "conv5 96->192", 4, 64, 96, 192, 3, 1, 1, { 20, 10, 10 } },
    { "conv7 96->192 d2", 4, 64, 96, 192, 3, 1, 2, { 4, 2, 2 } },
    { "conv8 96->192 d4", 4, 64, 96, 192, 3, 1, 4, { 4, 2, 2 } },
    { "conv9 96->192 d8", 4, 64, 96, 192, 3, 1, 8, { 4, 2, 2 } },
    { "conv10 96->192 d16", 4, 64, 96, 192, 3, 1, 16, { 4, 2, 2 } },
    { "allconv11 192->192", 4, 64, 192, 192, 3, 1, 1, { 2, 1, 1 } },
    { "conv13 96->96", 4, 128, 96, 96, 3, 1, 1, { 4, 2, 2 } },
    { "conv15 48->48", 4, 256, 48, 48, 3, 1, 1, { 4, 2, 2 } },
    { "conv16 24->24", 4, 256, 24, 24, 3, 1, 1, { 4, 2, 2 } },
    { "conv17 12->3", 4, 256, 12, 3, 3, 1, 1, { 4, 2, 2 } },
    { "D1 4->64 k5 s2", 8, 256, 4, 64, 5, 2, 1, { 2, 1, 1 } },
    { "D2 64->128 k5 s2", 8, 128, 64, 128, 5, 2, 1, { 2, 2, 1 } },
    { "D3 128->256 k5 s2", 8, 64, 128, 256, 5, 2, 1, { 2, 2, 1 } },
    { "D4 256->256 k5 s2", 8, 32, 256, 256, 5, 2, 1, { 2, 2, 1 } },
    { "D5 256->256 k5 s2", 8, 16, 256, 256, 5, 2, 1, { 2, 2, 1 } },
    { "D6 256->256 k5 s2", 8, 8, 256, 256, 5, 2, 1, { 2, 2, 1 } },
};

/* TensorFlow's SAME padding throughout. */
static inline lac_conv layer_conv(const layer *l, lac_dtype d)
{
    const int64_t out = (l->size + l->stride - 1) / l->stride, wanted = (out - 1) * l->stride + (l->k - 1) * l->dilation + 1 - l->size;
    const int64_t total = wanted > 0 ? wanted : 0, before = total / 2, after = total - before;
    return (lac_conv){ .n = l->n, .h = l->size, .w = l->size, .c = l->c, .o = l->o, .kh = l->k, .kw = l->k, .groups = 1,
                       .stride = { l->stride, l->stride }, .dilation = { l->dilation, l->dilation }, .pad = { before, after, before, after }, .dtype = d };
}
