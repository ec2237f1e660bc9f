/* models/bert/encoder.h -- the text encoder that Inst-Inpaint trains from scratch (arXiv:2304.03246; x-transformers' layers), under its names.
 *
 *     x_0 = token[ids] + position     x_i = layer_i(x_{i-1}), every token sees every other, padding too     last = LN(x_n)
 *
 * q, k, v have no bias; the hidden layer is four times as wide, with gelu by erf. `to_logits` of the published files has no part in it. */
#pragma once

#include "core/config.h"
#include "models/layers/encoder.h"
#include "models/network.h"

typedef struct lac_bert_encoder {
    int64_t vocabulary, positions;
    lac_params *params;
    lac_param *token, *position;
    lac_encoder encoder;
    lac_layer_norm_layer norm;
} lac_bert_encoder;

extern const lac_key lac_bert_encoder_keys[];
extern const lac_network_def lac_network_bert_encoder;

/* ids [N, T], i32 or i64, T from 1 to max_seq_len -> [N, T, n_embed]; NULL after an error. */
lac_tensor *lac_bert_encoder_forward(lac_tape *t, const lac_bert_encoder *m, lac_tensor *ids);
