/* models/catdiff/sem_inpainter.h -- CAT-Diffusion's SemInpainter (arXiv:2409.08260, sec. 3.2; as released): CLIP's patch features of the object that is to
 * be painted, from those of the masked picture, the mask, and the prompt.
 *
 *     s     = spatial_mlp(V^ + PE + ME(m))                P tokens, S x S of them, row by row
 *     h     = encoder([global_mlp(g^) | s | label_mlp(c)])        layers of CLIP's kind
 *     g     = LN(h[0]),   V = h[1 .. P],   labels = h[P + 1 ..]
 *     V~    = mean over 2 x 2 tokens of  m V + (1 - m) V^         where it is asked for (`sample`): what the RefAdapters read
 *
 * V^ are the raw features of the masked picture, without the class token, positions or a norm. */
#pragma once

#include "core/config.h"
#include "models/layers/encoder.h"

extern const lac_key lac_sem_inpainter_keys[];          /* the published fusion_config.params.config, and `sample`, `global_token`, `text_tokens` */

typedef struct lac_sem_inpainter_config {
    lac_encoder_attr encoder;
    int64_t side;                       /* S */
    int64_t text_tokens, text_width;    /* of the prompt */
    int64_t spatial_mlp, global_mlp, label_mlp;         /* hidden widths */
    lac_act spatial_act, global_act, label_act;
    bool sample, global_token;
} lac_sem_inpainter_config;

/* fc2(act(fc1(x))) */
typedef struct lac_sem_mlp { lac_act act; lac_linear_layer fc1, fc2; } lac_sem_mlp;

typedef struct lac_sem_inpainter {
    lac_sem_inpainter_config c;
    lac_params *params;
    lac_param *position, *mask;         /* tables [P, C], [2, C] */
    lac_sem_mlp spatial, global, label;
    lac_encoder encoder;
    lac_layer_norm_layer after;
} lac_sem_inpainter;

/* config is resolved by the keys. LAC_ERR_CONFIG names the key that does not fit the others. */
lac_status lac_sem_inpainter_configure(lac_sem_inpainter_config *c, const json_t *config);

/* *m must stay where it is. Ended by lac_sem_inpainter_close, also after an error. */
lac_status lac_sem_inpainter_init(lac_sem_inpainter *m, lac_params *ps, const lac_sem_inpainter_config *c);
void lac_sem_inpainter_close(lac_sem_inpainter *m);

/* features [N, 1 + P, C]: CLIP's last hidden states, the class token first, which is not read. mask f32 [N, S, S, 1] of zeros and ones, 1: to be painted.
 * label [N, text_tokens, text_width]. pooled [N, 1, C]: the class token behind its norm; with global_token alone, else NULL. */
typedef struct lac_sem_inpainter_in { lac_tensor *features, *mask, *label, *pooled; } lac_sem_inpainter_in;
/* spatial [N, P, C] or, with `sample`, [N, (S / 2)^2, C]; pooled [N, 1, C] or NULL; label [N, text_tokens, C]. */
typedef struct lac_sem_inpainter_out { lac_tensor *spatial, *pooled, *label; } lac_sem_inpainter_out;

/* All NULL after an error. */
lac_sem_inpainter_out lac_sem_inpainter_forward(lac_tape *t, const lac_sem_inpainter *m, const lac_sem_inpainter_in *in);

/* What `sample` makes of raw tokens: means over 2 x 2 of m V + (1 - m) V^. painted, known [N, P, C]; mask [N, S, S, 1]. */
lac_tensor *lac_sem_inpainter_sampled(lac_tape *t, const lac_sem_inpainter *m, lac_tensor *painted, lac_tensor *known, lac_tensor *mask);

/* Means over 2 x 2 tokens of a map of them, [N, S, S, C] -> [N, (S / 2)^2, C]: what the RefAdapters read. An odd last row and column have no place in it. */
lac_tensor *lac_ref_tokens(lac_tape *t, lac_tensor *map);
