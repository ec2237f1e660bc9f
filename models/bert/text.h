/* models/bert/text.h -- BERT over a text (arXiv:1810.04805), each layer of which may see a picture as well (models/bert/layer.h), under the names of BERT's files.
 *
 *     x_0 = LN(word[ids] + position)      x_i = layer_i(x_{i-1}, states)      what comes out is x_n
 *
 * There are no token types, as in BLIP. Every token sees every other: a text is given without its padding, which gives the same numbers as a mask that takes
 * the padding away (exp of -10000 is 0), and texts of one call are of one length. */
#pragma once

#include "models/bert/layer.h"

typedef struct lac_bert_text_config { lac_bert_layer_attr layer; int64_t layers, vocabulary, positions; } lac_bert_text_config;

typedef struct lac_bert_text {
    lac_bert_text_config c;
    lac_param *word, *position;
    lac_layer_norm_layer norm;
    lac_bert_layer *layer;          /* c.layers, its own */
} lac_bert_text;

/* Within the module that lac_params_enter names. LAC_ERR_CONFIG where heads do not divide the width. */
lac_status lac_bert_text_init(lac_bert_text *m, lac_params *ps, const lac_bert_text_config *c);
void lac_bert_text_close(lac_bert_text *m);

/* ids [N, T], i32 or i64, T from 1 to c.positions; states [N, P, c.layer.states] -> [N, T, C]. NULL after an error. */
lac_tensor *lac_bert_text_forward(lac_tape *t, const lac_bert_text *m, lac_tensor *ids, lac_tensor *states);
