#include "models/autoencoder/coder.h"

static const lac_act_fn no_act = { .kind = LAC_ACT_NONE };

typedef struct coder_names {
    lac_block_names parts;
    const char *down, *up, *block, *attention, *downsample, *upsample, *middle[3], *norm_out;
    bool up_from_0;             /* a decoder's levels are numbered in the order they are run in, else as the encoder's */
} coder_names;

static const coder_names all_names[] = {
    [LAC_NAMES_DIFFUSERS] = { { "conv_shortcut", "group_norm", "to_q", "to_k", "to_v", "to_out.0", true },
                              "down_blocks", "up_blocks", "resnets", "attentions", "downsamplers.0.conv", "upsamplers.0.conv",
                              { "mid_block.resnets.0", "mid_block.attentions.0", "mid_block.resnets.1" }, "conv_norm_out", true },
    [LAC_NAMES_COMPVIS] = { { "nin_shortcut", "norm", "q", "k", "v", "proj_out", false },
                            "down", "up", "block", "attn", "downsample.conv", "upsample.conv", { "mid.block_1", "mid.attn_1", "mid.block_2" }, "norm_out", false },
};

/* ---- parameters ---- */

static lac_status enter_block(lac_params *ps, const char *name, int64_t i) { return lac_params_enter(ps, "%s.%lld", name, (long long)i); }

static lac_status middle_init(lac_coder *m, lac_params *ps, const coder_names *n, int64_t channels)
{
    for (int i = 0; i < 2; i++) {
        LAC_TRY(lac_params_enter(ps, "%s", n->middle[2 * i]));
        LAC_TRY(lac_residual_block_init(&m->middle[i], ps, &n->parts, m->c.groups, channels, channels));
        lac_params_leave(ps);
    }
    if (!m->c.middle_attends)
        return LAC_OK;
    LAC_TRY(lac_params_enter(ps, "%s", n->middle[1]));
    LAC_TRY(lac_pixel_attention_init(&m->middle_attention, ps, &n->parts, m->c.groups, channels));
    lac_params_leave(ps);
    return LAC_OK;
}

/* The blocks of a level; *channels of what comes in, then of what goes out. */
static lac_status level_init(lac_coder *m, lac_params *ps, const coder_names *n, int64_t level, int64_t *channels)
{
    lac_coder_level *l = &m->level[level];
    for (int64_t i = 0; i < m->c.blocks; i++) {
        LAC_TRY(enter_block(ps, n->block, i));
        LAC_TRY(lac_residual_block_init(&l->block[i], ps, &n->parts, m->c.groups, *channels, m->c.channels[level]));
        lac_params_leave(ps);
        *channels = m->c.channels[level];
        if (!m->c.attends[level])
            continue;
        LAC_TRY(enter_block(ps, n->attention, i));
        LAC_TRY(lac_pixel_attention_init(&l->attention[i], ps, &n->parts, m->c.groups, *channels));
        lac_params_leave(ps);
    }
    return LAC_OK;
}

static lac_status end_init(lac_coder *m, lac_params *ps, const coder_names *n, int64_t channels)
{
    m->norm_out = (lac_group_norm_layer){ .groups = m->c.groups, .eps = 1e-6f };
    m->conv_out = (lac_conv_layer){ .k = 3, .pad = 1 };
    LAC_TRY(lac_group_norm_layer_init(&m->norm_out, ps, n->norm_out, channels));
    return lac_conv_layer_init(&m->conv_out, ps, "conv_out", channels, m->c.out);
}

static lac_status begin_init(lac_coder *m, lac_params *ps, const char *name, const lac_coder_config *c, int64_t channels)
{
    m->c = *c;
    m->conv_in = (lac_conv_layer){ .k = 3, .pad = 1 };
    LAC_TRY(lac_params_enter(ps, "%s", name));
    return lac_conv_layer_init(&m->conv_in, ps, "conv_in", c->in, channels);
}

lac_status lac_picture_encoder_init(lac_coder *m, lac_params *ps, const char *name, const lac_coder_config *c)
{
    const coder_names *n = &all_names[c->naming];
    int64_t channels = c->first;
    LAC_TRY(begin_init(m, ps, name, c, channels));
    for (int64_t i = 0; i < c->n_levels; i++) {
        LAC_TRY(enter_block(ps, n->down, i));
        LAC_TRY(level_init(m, ps, n, i, &channels));
        if (i < c->n_levels - 1)
            LAC_TRY(lac_downsample_init(&m->level[i].resample, ps, n->downsample, channels));
        lac_params_leave(ps);
    }
    LAC_TRY(middle_init(m, ps, n, channels));
    LAC_TRY(end_init(m, ps, n, channels));
    lac_params_leave(ps);
    return LAC_OK;
}

lac_status lac_picture_decoder_init(lac_coder *m, lac_params *ps, const char *name, const lac_coder_config *c)
{
    const coder_names *n = &all_names[c->naming];
    int64_t channels = c->channels[c->n_levels - 1];
    LAC_TRY(begin_init(m, ps, name, c, channels));
    LAC_TRY(middle_init(m, ps, n, channels));
    for (int64_t i = c->n_levels - 1; i >= 0; i--) {
        LAC_TRY(enter_block(ps, n->up, n->up_from_0 ? c->n_levels - 1 - i : i));
        LAC_TRY(level_init(m, ps, n, i, &channels));
        if (i > 0)
            LAC_TRY(lac_upsample_init(&m->level[i].resample, ps, n->upsample, channels));
        lac_params_leave(ps);
    }
    LAC_TRY(end_init(m, ps, n, channels));
    lac_params_leave(ps);
    return LAC_OK;
}

/* ---- forward ---- */

typedef struct part { const lac_residual_block *block; const lac_pixel_attention *attention; } part;

static lac_tensor *run_part(lac_tape *t, void *context, lac_tensor *const *in)
{
    const part *p = context;
    return p->block != NULL ? lac_residual_block_forward(t, p->block, in[0]) : lac_pixel_attention_forward(t, p->attention, in[0]);
}

static lac_tensor *block(lac_tape *t, const lac_coder *m, part p, lac_tensor *x)
{
    return m->recompute ? lac_recompute(t, run_part, &p, sizeof p, &x, 1) : run_part(t, &p, &x);
}

static lac_tensor *middle(lac_tape *t, const lac_coder *m, lac_tensor *x)
{
    x = block(t, m, (part){ .block = &m->middle[0] }, x);
    if (m->c.middle_attends)
        x = block(t, m, (part){ .attention = &m->middle_attention }, x);
    return block(t, m, (part){ .block = &m->middle[1] }, x);
}

static lac_tensor *blocks(lac_tape *t, const lac_coder *m, int64_t level, lac_tensor *x)
{
    for (int64_t i = 0; i < m->c.blocks; i++) {
        x = block(t, m, (part){ .block = &m->level[level].block[i] }, x);
        if (m->c.attends[level])
            x = block(t, m, (part){ .attention = &m->level[level].attention[i] }, x);
    }
    return x;
}

static lac_tensor *end(lac_tape *t, const lac_coder *m, lac_tensor *x)
{
    x = lac_group_norm_layer_forward(t, &m->norm_out, x, NULL, NULL, NULL, LAC_ACT_SILU);
    return lac_conv_layer_forward(t, &m->conv_out, x, NULL, no_act);
}

lac_tensor *lac_picture_encoder_forward(lac_tape *t, const lac_coder *m, lac_tensor *x)
{
    x = lac_conv_layer_forward(t, &m->conv_in, x, NULL, no_act);
    for (int64_t i = 0; i < m->c.n_levels; i++) {
        x = blocks(t, m, i, x);
        if (m->level[i].resample.weight != NULL)
            x = lac_conv_layer_forward(t, &m->level[i].resample, x, NULL, no_act);
    }
    return end(t, m, middle(t, m, x));
}

lac_tensor *lac_picture_decoder_forward(lac_tape *t, const lac_coder *m, lac_tensor *x)
{
    x = middle(t, m, lac_conv_layer_forward(t, &m->conv_in, x, NULL, no_act));
    for (int64_t i = m->c.n_levels - 1; i >= 0; i--) {
        x = blocks(t, m, i, x);
        if (m->level[i].resample.weight != NULL)
            x = lac_upsample_forward(t, &m->level[i].resample, x);
    }
    return end(t, m, x);
}
