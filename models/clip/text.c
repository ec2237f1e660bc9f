#include "models/clip/text.h"

#include "autograd/ops/broadcast_add/broadcast_add.h"
#include "autograd/ops/embedding/embedding.h"
#include "autograd/ops/find_token/find_token.h"
#include "autograd/ops/repeat/repeat.h"
#include "models/clip/layers.h"

enum { EOS_OF_THE_FIRST_FILES = 2 };

static lac_status init_parts(lac_clip_text *m, lac_params *ps)
{
    const lac_encoder_attr *a = &m->c.encoder;
    LAC_TRY(lac_param_new(ps, &m->token, LAC_ROLE_EMBEDDING, 2, (int64_t[]){ m->c.vocabulary, a->width }, LAC_INIT_NORMAL, 0, "embeddings.token_embedding.weight"));
    LAC_TRY(lac_param_new(ps, &m->position, LAC_ROLE_EMBEDDING, 2, (int64_t[]){ m->c.positions, a->width }, LAC_INIT_NORMAL, LAC_PARAM_F32, "embeddings.position_embedding.weight"));
    lac_param_normal(m->token, 0, 0.02);
    lac_param_normal(m->position, 0, 0.02);
    LAC_TRY(lac_clip_encoder_init(&m->encoder, ps, a));
    m->final.eps = a->eps;
    return lac_layer_norm_layer_init(&m->final, ps, "final_layer_norm", a->width);
}

lac_status lac_clip_text_init(lac_clip_text *m, lac_params *ps, const lac_clip_text_config *c)
{
    m->c = *c;
    m->params = ps;
    LAC_TRY(lac_params_enter(ps, "text_model"));
    LAC_TRY(init_parts(m, ps));
    lac_params_leave(ps);
    return LAC_OK;
}

void lac_clip_text_close(lac_clip_text *m) { lac_encoder_free(&m->encoder); }

static lac_tensor *pool(lac_tape *t, const lac_clip_text *m, lac_tensor *last, lac_tensor *ids)
{
    lac_tensor *row = lac_find_token(t, ids, m->c.eos == EOS_OF_THE_FIRST_FILES ? -1 : m->c.eos);
    if (last == NULL || row == NULL)
        return NULL;
    const int64_t width = last->dim[2];
    return lac_embedding(t, lac_reshape(t, last, 2, (int64_t[]){ lac_numel(last) / width, width }), row);
}

lac_clip_text_out lac_clip_text_forward(lac_tape *t, const lac_clip_text *m, lac_tensor *ids)
{
    lac_clip_text_out y = { 0 };
    if (ids == NULL)
        return y;
    if (ids->ndim != 2 || ids->dim[1] < 1 || ids->dim[1] > m->c.positions) {
        lac_tape_fail(t, LAC_FAIL(LAC_ERR_SHAPE, "clip-text wants ids [N, T], T from 1 to %lld, got %s", (long long)m->c.positions, lac_shape_str(ids)));
        return y;
    }
    lac_tape_enter(t, m->params->name);
    lac_tensor *x = lac_repeat(t, lac_rows(t, m->position->value, 0, ids->dim[1]), ids->dim[0]);
    x = lac_broadcast_add(t, x, lac_embedding(t, m->token->value, ids));
    x = lac_encoder_forward(t, &m->encoder, x, &y.penultimate);
    y.last = lac_layer_norm_layer_as(t, &m->final, x, NULL, m->token->value->dtype, NULL);
    y.pooled = pool(t, m, y.last, ids);
    lac_tape_leave(t);
    return y;
}
