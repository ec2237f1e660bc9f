/* eval/clip_input.h -- a picture as CLIP's relatives want it (metrics.md 6.3, 6.4, 7): of one size, minus CLIP's mean, over its deviation.
 *
 *     clip    Pillow's bicubic, the shorter side to S, the longer to trunc(S long / short); the middle cut out as torchvision does (halves to even)
 *     hf      the same, the middle as Hugging Face's (halves down)
 *     ip2p    straight to S x S by PyTorch's bicubic without antialias (instruct-pix2pix's CLIP metric)
 *     hps     the longer side to S by PyTorch's bicubic with antialias, zeros around (HPS v2) */
#pragma once

#include "core/image/image.h"
#include "models/clip/vision.h"

typedef enum { LAC_CLIP_INPUT, LAC_CLIP_INPUT_HF, LAC_CLIP_INPUT_IP2P, LAC_CLIP_INPUT_HPS } lac_clip_recipe;
#define LAC_CLIP_RECIPES "clip|hf|ip2p|hps"

/* x [S, S, 3]. picture u8 [height, width, 3], S >= 1. crop, u8 [S, S, 3], of clip and hf: the bytes before the mean; may be NULL. */
lac_status lac_clip_input(float *x, uint8_t *crop, int64_t size, const uint8_t *picture, int64_t height, int64_t width, lac_clip_recipe recipe);
