/* eval/metric_clip.h -- what CLIP's embeddings say of a picture, by their cosines (eval/features_clip.c, features_clip_top.c).
 *
 *     clip-score        100 cos of picture and caption, of a set not below 0 (torchmetrics' CLIPScore; BrushNet with ViT-L/14)
 *     clipscore-w2.5    2.5 max(cos, 0), the caption behind "A photo depicts " (Hessel et al. 2021)
 *     clip-sim          100 cos of picture and the caption after the change, else its caption (InstructDiffusion's CLIP-Sim; its size of CLIP is not published)
 *     clip-local        100 cos of the hole's box in a black square and the label, else the caption (HD-Painter with ViT-B/16)
 *     clip-local2       100 cos of the hole's box and the label, else the caption, by Hugging Face's preprocessing (FreeInpaint with ViT-L/14)
 *     clip-cat          the same by CLIP's: our reading of CAT-Diffusion's "CLIP score between object and label", whose code is not published (ViT-L/14)
 *     clip-i            cos of picture and reference (MagicBrush with ViT-B/32)
 *     clip-dir          cos of the change from reference to picture and that from the caption before to the one after (instruct-pix2pix with ViT-L/14)
 *     clip-dir-image    cos of picture and reference, brought to size as in clip-dir
 *     clip-dir-text     cos of picture and the caption after, likewise
 *     clip@1, @3, @5    1 where what CLIP took the reference's object for is not among the nearest 1, 3, 5 classes of the picture's, else 0: the object is gone
 *                       (Inst-Inpaint's CLIP@N with ViT-B/32)
 *     clip-distance     how much nearer the reference's object is to its label than the picture's is: cos - cos */
#pragma once

#include "eval/metric.h"

enum { LAC_CLIP_100, LAC_CLIP_W25 };                        /* def->variant */
enum { LAC_CLIP_DIRECTION, LAC_CLIP_DIRECTION_IMAGE, LAC_CLIP_DIRECTION_TEXT };
enum { LAC_CLIP_TOP = 5 };                                  /* classes in the features of clip@N, whose variant is N */

lac_status lac_clip_score_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value);
lac_status lac_clip_score_of_set(const lac_metric_def *def, const lac_set_rows *rows, lac_value *value);

lac_status lac_clip_image_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value);
lac_status lac_clip_direction_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value);
lac_status lac_clip_at_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value);
lac_status lac_clip_distance_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value);
