#include "models/bert/text.h"

#include "autograd/ops/broadcast_add/broadcast_add.h"
#include "autograd/ops/embedding/embedding.h"
#include "autograd/ops/repeat/repeat.h"
#include "core/memory.h"

#include <stdlib.h>

static lac_status init_embeddings(lac_bert_text *m, lac_params *ps)
{
    const lac_bert_text_config *c = &m->c;
    const int64_t width = c->layer.width;
    LAC_TRY(lac_params_enter(ps, "embeddings"));
    LAC_TRY(lac_param_new(ps, &m->word, LAC_ROLE_EMBEDDING, 2, (int64_t[]){ c->vocabulary, width }, LAC_INIT_NORMAL, 0, "word_embeddings.weight"));
    LAC_TRY(lac_param_new(ps, &m->position, LAC_ROLE_EMBEDDING, 2, (int64_t[]){ c->positions, width }, LAC_INIT_NORMAL, LAC_PARAM_F32, "position_embeddings.weight"));
    lac_param_normal(m->word, 0, 0.02);                  /* as BERT has them */
    lac_param_normal(m->position, 0, 0.02);
    m->norm.eps = c->layer.eps;
    LAC_TRY(lac_layer_norm_layer_init(&m->norm, ps, "LayerNorm", width));
    lac_params_leave(ps);
    return LAC_OK;
}

lac_status lac_bert_text_init(lac_bert_text *m, lac_params *ps, const lac_bert_text_config *c)
{
    m->c = *c;
    LAC_TRY(lac_calloc((void **)&m->layer, (size_t)c->layers, sizeof *m->layer));
    LAC_TRY(init_embeddings(m, ps));
    for (int64_t i = 0; i < c->layers; i++) {
        LAC_TRY(lac_params_enter(ps, "encoder.layer.%d", (int)i));
        LAC_TRY(lac_bert_layer_init(&m->layer[i], ps, &c->layer));
        lac_params_leave(ps);
    }
    return LAC_OK;
}

void lac_bert_text_close(lac_bert_text *m)
{
    free(m->layer);
    m->layer = NULL;
}

lac_tensor *lac_bert_text_forward(lac_tape *t, const lac_bert_text *m, lac_tensor *ids, lac_tensor *states)
{
    if (ids == NULL)
        return NULL;
    if (ids->ndim != 2 || ids->dim[1] < 1 || ids->dim[1] > m->c.positions)
        return lac_tape_fail(t, LAC_FAIL(LAC_ERR_SHAPE, "BERT wants ids [N, T], T from 1 to %lld, got %s", (long long)m->c.positions, lac_shape_str(ids)));
    lac_tensor *x = lac_repeat(t, lac_rows(t, m->position->value, 0, ids->dim[1]), ids->dim[0]);
    x = lac_broadcast_add(t, x, lac_embedding(t, m->word->value, ids));
    x = lac_layer_norm_layer_as(t, &m->norm, x, NULL, m->word->value->dtype, NULL);
    for (int64_t i = 0; i < m->c.layers; i++)
        x = lac_bert_layer_forward(t, &m->layer[i], x, states);
    return x;
}
