/* models/unet/attention_block.h -- self-attention between pixels as guided diffusion has it (arXiv:2105.05233; openaimodel's AttentionBlock).
 *
 *     y = x + proj_out(attention(qkv(GN(x))))        channels of qkv lie head by head: q, k and v of the first head, then those of the second, ... */
#pragma once

#include "models/layers/linear.h"
#include "models/layers/norm.h"

/* heads, dividing channels, and groups are chosen before lac_attention_block_init. */
typedef struct lac_attention_block {
    int64_t heads, groups;
    lac_group_norm_layer norm;
    lac_linear_layer qkv, proj_out;             /* published as convolutions of one dim */
} lac_attention_block;

lac_status lac_attention_block_init(lac_attention_block *b, lac_params *ps, int64_t channels);

/* x [N, H, W, channels] -> as x; NULL after an error. */
lac_tensor *lac_attention_block_forward(lac_tape *t, const lac_attention_block *b, lac_tensor *x);
