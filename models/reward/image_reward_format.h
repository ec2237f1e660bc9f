/* models/reward/image_reward_format.h -- ImageReward.pt (models/network_format.h): "official", where q, k and v of a vision layer are attn.qkv, one after another, class token
 * and positions have a dim of 1 in front, and BLIP's two projections, which ImageReward does not use, are passed over. Read, not written. */
#pragma once

#include "models/network_format.h"

extern const lac_network_format lac_image_reward_formats[];
