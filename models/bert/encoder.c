#include "models/bert/encoder.h"

#include "autograd/ops/broadcast_add/broadcast_add.h"
#include "autograd/ops/embedding/embedding.h"
#include "autograd/ops/repeat/repeat.h"

#include <string.h>

#define SIZE(key, value, text) { key, LAC_KEY_INT, value, .min = 1, .max = 1 << 24, .help = text }

const lac_key lac_bert_encoder_keys[] = {
    SIZE("n_embed", NULL, "width"), SIZE("n_layer", NULL, "layers"), SIZE("vocab_size", "30522", "ids"), SIZE("max_seq_len", "77", "tokens at most"),
    SIZE("heads", "8", "heads"), SIZE("dim_head", "64", "width of a head"),
    { "recompute", LAC_KEY_BOOL, "false", .help = "ours: layers run again in backward instead of keeping what it reads" }, { NULL },
};

static lac_status init_layer(lac_encoder *e, int64_t i, lac_params *ps)
{
    static const lac_encoder_names names = { "0", "1.to_q", "1.to_k", "1.to_v", "1.to_out", "0", "1.net.0.0", "1.net.2" };
    LAC_TRY(lac_params_enter(ps, "attn_layers.layers.%d", (int)(2 * i)));
    LAC_TRY(lac_encoder_init_attention(e, i, ps, &names));
    lac_params_leave(ps);
    LAC_TRY(lac_params_enter(ps, "attn_layers.layers.%d", (int)(2 * i + 1)));
    LAC_TRY(lac_encoder_init_mlp(e, i, ps, &names));
    lac_params_leave(ps);
    return LAC_OK;
}

/* A layer onto the vocabulary that the published files have, and no output here reaches. */
static bool is_to_logits(const char *name) { return strncmp(name, "to_logits.", 10) == 0; }

static lac_status init(void *model, lac_params *ps, const json_t *config)
{
    lac_bert_encoder *m = model;
    const int64_t width = lac_config_int(config, "n_embed"), heads = lac_config_int(config, "heads");
    const lac_encoder_attr a = { .layers = lac_config_int(config, "n_layer"), .width = width, .inner = heads * lac_config_int(config, "dim_head"), .heads = heads,
                                 .mlp = 4 * width, .eps = 1e-5f, .act = LAC_ACT_GELU, .no_qkv_bias = true, .recompute = lac_config_bool(config, "recompute") };
    m->params = ps;
    ps->ignores = is_to_logits;
    m->vocabulary = lac_config_int(config, "vocab_size");
    m->positions = lac_config_int(config, "max_seq_len");
    LAC_TRY(lac_param_new(ps, &m->token, LAC_ROLE_EMBEDDING, 2, (int64_t[]){ m->vocabulary, width }, LAC_INIT_NORMAL, 0, "token_emb.weight"));
    LAC_TRY(lac_param_new(ps, &m->position, LAC_ROLE_EMBEDDING, 2, (int64_t[]){ m->positions, width }, LAC_INIT_NORMAL, LAC_PARAM_F32, "pos_emb.emb.weight"));
    lac_param_normal(m->token, 0, 0.02);                /* as the authors' code */
    lac_param_normal(m->position, 0, 0.02);
    LAC_TRY(lac_encoder_new(&m->encoder, &a));
    for (int64_t i = 0; i < a.layers; i++)
        LAC_TRY(init_layer(&m->encoder, i, ps));
    m->norm.eps = a.eps;
    return lac_layer_norm_layer_init(&m->norm, ps, "norm", width);
}

static void close(void *model) { lac_encoder_free(&((lac_bert_encoder *)model)->encoder); }

lac_tensor *lac_bert_encoder_forward(lac_tape *t, const lac_bert_encoder *m, lac_tensor *ids)
{
    if (ids == NULL)
        return NULL;
    if (ids->ndim != 2 || ids->dim[1] < 1 || ids->dim[1] > m->positions)
        return lac_tape_fail(t, LAC_FAIL(LAC_ERR_SHAPE, "bert-encoder wants ids [N, T], T from 1 to %lld, got %s", (long long)m->positions, lac_shape_str(ids)));
    lac_tape_enter(t, m->params->name);
    lac_tensor *x = lac_repeat(t, lac_rows(t, m->position->value, 0, ids->dim[1]), ids->dim[0]);
    x = lac_broadcast_add(t, x, lac_embedding(t, m->token->value, ids));
    x = lac_layer_norm_layer_as(t, &m->norm, lac_encoder_forward(t, &m->encoder, x, NULL), NULL, m->token->value->dtype, NULL);
    lac_tape_leave(t);
    return x;
}

static lac_tensor *states(lac_tape *t, const void *model, lac_tensor *ids) { return lac_bert_encoder_forward(t, model, ids); }

static void reads(const void *model, int64_t *vocabulary, int64_t *length)
{
    const lac_bert_encoder *m = model;
    *vocabulary = m->vocabulary;
    *length = m->positions;
}

const lac_network_def lac_network_bert_encoder = {
    .name = "bert-encoder", .about = "a text encoder trained from scratch", .keys = lac_bert_encoder_keys, .size = sizeof(lac_bert_encoder), .init = init, .close = close,
    .states = states, .reads = reads,
};
