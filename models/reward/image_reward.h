/* models/reward/image_reward.h -- ImageReward (arXiv:2304.05977): how much people would like a picture for a prompt, by BLIP and a head of linear layers.
 *
 *     s = vision(image)     h = text(ids, s), each layer of which sees s     reward = head(h of token 0)
 *
 * Names are those of ImageReward.pt, but for q, k and v of the vision tower, which are one tensor there. */
#pragma once

#include "models/bert/text.h"
#include "models/blip/vision.h"
#include "models/reward/heads.h"

enum { LAC_IMAGE_REWARD_TOKENS = 35 };          /* of a prompt, start and end included: longer ones are cut */

typedef struct lac_image_reward {
    lac_params *params;
    lac_blip_vision vision;
    lac_bert_text text;
    lac_reward_head head;
} lac_image_reward;

extern const lac_key lac_image_reward_keys[];
extern const lac_network_def lac_network_image_reward;

/* image [N, S, S, 3], minus CLIP's mean, over its deviation -> states [N, P, C]. NULL after an error. */
lac_tensor *lac_image_reward_see(lac_tape *t, const lac_image_reward *m, lac_tensor *image);
/* ids [N, T], texts of one length without padding, of N pictures' states -> [N, 1], f32; *hidden [N, W] (may be NULL): what the head sees. NULL after an error. */
lac_tensor *lac_image_reward_judge(lac_tape *t, const lac_image_reward *m, lac_tensor *ids, lac_tensor *states, lac_tensor **hidden);
