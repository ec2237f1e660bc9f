/* models/clip/clip.h -- both towers and what compares them (arXiv:2103.00020, fig. 3), under transformers' names (CLIPModel).
 *
 *     image = normalised image embedding, text likewise      logits = e^logit_scale image text^T      loss: of each picture its text, of each text its picture
 *
 * Embeddings, logits and loss are f32 in a bf16 network too. */
#pragma once

#include "models/clip/text.h"
#include "models/clip/vision.h"

typedef struct lac_clip {
    lac_params *params;
    lac_clip_text text;
    lac_clip_vision vision;
    lac_linear_layer text_projection;
    lac_param *logit_scale;
} lac_clip;

extern const lac_network_def lac_network_clip_model;
extern const lac_network_def lac_network_hps;          /* the same network, as HPS v2 (arXiv:2306.09341) has it: gelu by erf, sizes of OpenCLIP's ViT-H/14 */

typedef struct lac_clip_similarity {
    lac_tensor *per_image;          /* [Ni, Nt] */
    lac_tensor *per_text;           /* [Nt, Ni] */
    lac_tensor *loss;               /* []; NULL unless there are as many texts as pictures */
} lac_clip_similarity;

/* Of length 1, f32: ids [N, T] or pictures [N, S, S, channels] -> [N, projection]. NULL after an error. */
lac_tensor *lac_clip_embed_text(lac_tape *t, const lac_clip *m, lac_tensor *ids);
lac_tensor *lac_clip_embed_image(lac_tape *t, const lac_clip *m, lac_tensor *image);

/* Of such embeddings, at least one of each. */
lac_clip_similarity lac_clip_compare(lac_tape *t, const lac_clip *m, lac_tensor *image, lac_tensor *text);
