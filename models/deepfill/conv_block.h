/* models/deepfill/conv_block.h -- one row of the DeepFill tables: convolution, then gate or plain activation.
 *
 *     gated     y = act(f) * sigmoid(g),  [f, g] = conv(x)        filters / 2 channels come out (arXiv:1806.03589, sec. 3.1)
 *     vanilla   y = act(conv(x))
 *     plain     y = conv(x)                                       the RGB outputs
 *
 * x [N, H, W, in] -> y [N, s ceil(H / stride), s ceil(W / stride), out]; s = 2 where the next row upsamples first. */
#pragma once

#include "autograd/ops/activation/activation.h"
#include "autograd/params.h"
#include "models/deepfill/config.h"

typedef enum { LAC_BLOCK_GATED, LAC_BLOCK_VANILLA, LAC_BLOCK_PLAIN } lac_block_kind;

typedef struct lac_conv_block {
    const char *name;
    lac_param *weight, *bias;
    lac_block_kind kind;
    lac_act act;
    lac_padding_mode mode;
    int k, stride, dilation, upsample;      /* upsample: of the output, 1 or 2 */
    int64_t out;                            /* channels that come out */
} lac_conv_block;

lac_status lac_conv_block_init(lac_conv_block *b, lac_params *ps, const char *name, int64_t in, int64_t filters);
lac_tensor *lac_conv_block_forward(lac_tape *t, const lac_conv_block *b, lac_tensor *x);

/* Zero padding of a k x k window on a map of h x w in the two modes: top, bottom, left, right (deepfillv2.md 1.1). */
void lac_mode_padding(lac_padding_mode mode, int64_t h, int64_t w, int k, int stride, int dilation, int64_t pad[4]);
