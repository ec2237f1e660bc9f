/* models/clip/text.h -- CLIP's text transformer (arXiv:2103.00020, sec. 2.4), under transformers' names (text_model.*).
 *
 *     x_0 = token[ids] + position     x_i = layer_i(x_{i-1}), causal     last = LN(x_n)     pooled = last at the end token
 *
 * The end token is the first whose id is eos, the first token where there is none; eos 2: the first of the largest id. Paddings are tokens as all others. */
#pragma once

#include "models/clip/config.h"
#include "models/network.h"

typedef struct lac_clip_text {
    lac_clip_text_config c;
    lac_params *params;
    lac_param *token, *position;
    lac_encoder encoder;
    lac_layer_norm_layer final;
} lac_clip_text;

typedef struct lac_clip_text_out {
    lac_tensor *last;               /* [N, T, C] */
    lac_tensor *pooled;             /* [N, C] */
    lac_tensor *penultimate;        /* [N, T, C]: input of the last layer */
} lac_clip_text_out;

extern const lac_network_def lac_network_clip_text;

lac_status lac_clip_text_init(lac_clip_text *m, lac_params *ps, const lac_clip_text_config *c);
void lac_clip_text_close(lac_clip_text *m);

/* ids [N, T], i32 or i64, T from 1 to c.positions; all NULL after an error. */
lac_clip_text_out lac_clip_text_forward(lac_tape *t, const lac_clip_text *m, lac_tensor *ids);
