/* models/bert/layer.h -- the layer of BERT (arXiv:1810.04805), whose norms come after the sums, and BLIP's way of letting it see a picture (arXiv:2201.12086, sec. 3.1).
 *
 *     a = LN(x + out(attention(q(x), k(x), v(x))))
 *     b = LN(a + out(attention(q(a), k(s), v(s))))        s: states of the picture; where a layer sees none, b = a
 *     y = LN(b + output(gelu(intermediate(b))))           gelu by erf */
#pragma once

#include "models/layers/linear.h"
#include "models/layers/norm.h"

/* states: width of what the second attention looks at, 0: there is none. */
typedef struct lac_bert_layer_attr { int64_t width, heads, mlp, states; float eps; } lac_bert_layer_attr;

/* Attention with the sum and the norm behind it. */
typedef struct lac_bert_attention { lac_linear_layer q, k, v, out; lac_layer_norm_layer norm; } lac_bert_attention;

typedef struct lac_bert_layer {
    lac_bert_layer_attr a;
    lac_bert_attention self, cross;
    lac_linear_layer intermediate, output;
    lac_layer_norm_layer norm;
} lac_bert_layer;

/* Under BERT's names (attention.self.query, ...) within the module that lac_params_enter names. LAC_ERR_CONFIG where heads do not divide the width. */
lac_status lac_bert_layer_init(lac_bert_layer *l, lac_params *ps, const lac_bert_layer_attr *a);

/* x [N, T, C], states [N, P, a.states] or NULL where a.states is 0, of the network's dtype -> [N, T, C] of the same; NULL after an error. */
lac_tensor *lac_bert_layer_forward(lac_tape *t, const lac_bert_layer *l, lac_tensor *x, lac_tensor *states);
