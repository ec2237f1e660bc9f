/* models/reward/heads.h -- what scores a picture from the embedding of a larger network (metrics.md 7).
 *
 *     aesthetic-v1    score = w e + b                                   e: CLIP's embedding, of length 1; weight [1, 768] (ViT-L/14) or [1, 512], bias
 *     aesthetic-v2    five linear layers 768, 1024, 128, 64, 16, 1      e likewise; layers.{0,2,4,6,7}.*
 *     image-reward    (r - mean) / deviation, r the same five of h      h: BLIP's last state of token 0; mlp.layers.{0,2,4,6,7}.*
 *
 * There is no activation between the layers. */
#pragma once

#include "models/layers/linear.h"
#include "models/network.h"

enum { LAC_REWARD_WIDTH = 768, LAC_REWARD_LAYERS = 5 };

typedef struct lac_reward_head {
    bool unit, shifted;                         /* input brought to length 1; output by ImageReward's mean and deviation */
    int n;
    lac_param *weight[LAC_REWARD_LAYERS], *bias[LAC_REWARD_LAYERS];
} lac_reward_head;

extern const lac_network_def lac_network_aesthetic_v1, lac_network_aesthetic_v2, lac_network_image_reward_head;

/* ImageReward's head within a larger network: mlp.layers.{0,2,4,6,7}.*, layer i from width[i] to width[i + 1]. */
lac_status lac_reward_head_init(lac_reward_head *m, lac_params *ps, const int64_t *width);

/* x [N, 768], or of width[0], f32 or bf16 -> [N, 1]; NULL after an error. */
lac_tensor *lac_reward_head_forward(lac_tape *t, const lac_reward_head *m, lac_tensor *x);
