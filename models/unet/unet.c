#include "models/unet/unet.h"

#include "autograd/ops/activation/activation.h"
#include "autograd/ops/broadcast_add/broadcast_add.h"
#include "autograd/ops/embedding/embedding.h"
#include "autograd/ops/resize/resize.h"
#include "autograd/ops/timestep_embedding/timestep_embedding.h"
#include "core/memory.h"
#include "models/layers/initial.h"
#include "models/unet/read.h"

#include <stdlib.h>

/* ---- where a layer's parts lie ---- */

typedef enum { DOWN, MIDDLE, UP } way;
typedef enum { RES, ATTENTION, RESAMPLE } part;

/* level: from the top, on the way up too; layer: in its level. */
typedef struct place { way way; int level; int64_t layer; } place;

static lac_status enter_diffusers(lac_params *ps, const lac_unet_config *c, const place *at, part p)
{
    static const char *const parts[] = { "resnets", "attentions" };
    const int block = at->way == UP ? c->n_levels - 1 - at->level : at->level;
    const char *side = at->way == UP ? "up" : "down";
    if (p == RESAMPLE)
        return lac_params_enter(ps, "%s_blocks.%d.%ssamplers.0", side, block, side);
    return at->way == MIDDLE ? lac_params_enter(ps, "mid_block.%s.%lld", parts[p], (long long)at->layer)
                             : lac_params_enter(ps, "%s_blocks.%d.%s.%lld", side, block, parts[p], (long long)at->layer);
}

/* Blocks are numbered through; a level has one more than its layers on both ways. `part` counts what a block has. */
static lac_status enter_compvis(lac_params *ps, const lac_unet_config *c, const place *at, part p, bool attention)
{
    const int from_end = c->n_levels - 1 - at->level;
    if (at->way == MIDDLE)
        return lac_params_enter(ps, "middle_block.%lld", (long long)(p == ATTENTION ? 1 : 2 * at->layer));
    if (at->way == DOWN)
        return lac_params_enter(ps, "input_blocks.%lld.%d", (long long)(1 + at->level * (c->layers + 1) + at->layer), p == ATTENTION);
    return lac_params_enter(ps, "output_blocks.%lld.%d", (long long)(from_end * (c->layers + 1) + at->layer), p == RES ? 0 : p == ATTENTION ? 1 : 1 + attention);
}

static lac_status enter(lac_params *ps, const lac_unet_config *c, const place *at, part p, bool attention)
{
    return c->names == LAC_UNET_DIFFUSERS ? enter_diffusers(ps, c, at, p) : enter_compvis(ps, c, at, p, attention);
}

/* ---- layers ---- */

static const lac_res_block_names *res_names(const lac_unet_config *c) { return c->names == LAC_UNET_DIFFUSERS ? &lac_res_block_diffusers : &lac_res_block_compvis; }

static lac_res_block res_block(const lac_unet_config *c, lac_resample r)
{
    return (lac_res_block){ .groups = c->groups, .eps = c->eps, .scale_shift = c->scale_shift, .resample = r };
}

static lac_status add_res(lac_unet_layer *l, lac_params *ps, const lac_unet_config *c, const place *at, int64_t in, int64_t out)
{
    l->has_res = true;
    l->res = res_block(c, LAC_RESAMPLE_NONE);
    LAC_TRY(enter(ps, c, at, RES, false));
    LAC_TRY(lac_res_block_init(&l->res, ps, res_names(c), in, out, 4 * c->width));
    lac_params_leave(ps);
    return LAC_OK;
}

static lac_status add_attention(lac_unet_layer *l, lac_params *ps, const lac_unet_config *c, const place *at)
{
    const lac_unet_level *level = &c->level[at->level];
    LAC_TRY(enter(ps, c, at, ATTENTION, true));
    l->has_attention = c->context == 0;
    l->has_transformer = c->context > 0;
    l->attention = (lac_attention_block){ .heads = level->heads, .groups = c->groups };
    l->transformer = (lac_spatial_transformer){ .heads = level->heads, .groups = c->groups, .depth = c->depth, .context = c->context,
                                                .fusion = c->fusion, .linear = c->linear_projection };
    LAC_TRY(l->has_attention ? lac_attention_block_init(&l->attention, ps, level->channels)
                             : lac_spatial_transformer_init(&l->transformer, ps, level->channels));
    lac_params_leave(ps);
    return LAC_OK;
}

static lac_status add_resample(lac_unet_layer *l, lac_params *ps, const lac_unet_config *c, const place *at)
{
    const int64_t channels = c->level[at->level].channels;
    const bool up = at->way == UP;
    LAC_TRY(enter(ps, c, at, RESAMPLE, up && c->level[at->level].up_attention));
    l->has_resample_block = c->resample_blocks;
    l->resample_block = res_block(c, up ? LAC_RESAMPLE_UP : LAC_RESAMPLE_DOWN);
    l->resample = (lac_conv_layer){ .k = 3, .pad = 1, .stride = up ? 1 : 2 };
    LAC_TRY(c->resample_blocks ? lac_res_block_init(&l->resample_block, ps, res_names(c), channels, channels, 4 * c->width)
                               : lac_conv_layer_init(&l->resample, ps, c->names == LAC_UNET_COMPVIS && !up ? "op" : "conv", channels, channels));
    lac_params_leave(ps);
    return LAC_OK;
}

/* kept: channels of what the way down keeps, conv_in's first. */
static lac_status add_down(lac_unet *u, lac_params *ps, int64_t *kept)
{
    const lac_unet_config *c = &u->config;
    for (int i = 0; i < c->n_levels; i++) {
        const int64_t channels = c->level[i].channels;
        for (int64_t j = 0; j < c->layers; j++, u->n_down++) {
            lac_unet_layer *l = &u->down[u->n_down];
            LAC_TRY(add_res(l, ps, c, &(place){ DOWN, i, j }, kept[u->n_down], channels));
            if (c->level[i].down_attention)
                LAC_TRY(add_attention(l, ps, c, &(place){ DOWN, i, j }));
            kept[u->n_down + 1] = channels;
        }
        if (i == c->n_levels - 1)
            break;
        LAC_TRY(add_resample(&u->down[u->n_down++], ps, c, &(place){ DOWN, i, c->layers }));
        kept[u->n_down] = channels;
    }
    return LAC_OK;
}

static lac_status add_middle(lac_unet *u, lac_params *ps)
{
    const lac_unet_config *c = &u->config;
    const int last = c->n_levels - 1;
    const int64_t channels = c->level[last].channels;
    LAC_TRY(add_res(&u->middle[0], ps, c, &(place){ MIDDLE, last, 0 }, channels, channels));
    LAC_TRY(add_attention(&u->middle[0], ps, c, &(place){ MIDDLE, last, 0 }));
    return add_res(&u->middle[1], ps, c, &(place){ MIDDLE, last, 1 }, channels, channels);
}

static lac_status add_up(lac_unet *u, lac_params *ps, const int64_t *kept)
{
    const lac_unet_config *c = &u->config;
    int64_t x = c->level[c->n_levels - 1].channels, left = u->n_down + 1;
    for (int i = c->n_levels - 1; i >= 0; i--)
        for (int64_t j = 0; j <= c->layers; j++, u->n_up++) {
            lac_unet_layer *l = &u->up[u->n_up];
            LAC_TRY(add_res(l, ps, c, &(place){ UP, i, j }, x + kept[--left], c->level[i].channels));
            x = c->level[i].channels;
            if (c->level[i].up_attention)
                LAC_TRY(add_attention(l, ps, c, &(place){ UP, i, j }));
            if (j == c->layers && i > 0)
                LAC_TRY(add_resample(l, ps, c, &(place){ UP, i, j }));
        }
    return LAC_OK;
}

static lac_status add_ends(lac_unet *u, lac_params *ps)
{
    const lac_unet_config *c = &u->config;
    const bool diffusers = c->names == LAC_UNET_DIFFUSERS;
    u->conv_in = u->conv_out = (lac_conv_layer){ .k = 3, .pad = 1 };
    u->norm_out = (lac_group_norm_layer){ .groups = c->groups, .eps = c->eps };
    LAC_TRY(lac_linear_layer_init(&u->time1, ps, diffusers ? "time_embedding.linear_1" : "time_embed.0", c->width, 4 * c->width));
    LAC_TRY(lac_linear_layer_init(&u->time2, ps, diffusers ? "time_embedding.linear_2" : "time_embed.2", 4 * c->width, 4 * c->width));
    LAC_TRY(lac_conv_layer_init(&u->conv_in, ps, diffusers ? "conv_in" : "input_blocks.0.0", c->in, c->width));
    LAC_TRY(lac_group_norm_layer_init(&u->norm_out, ps, diffusers ? "conv_norm_out" : "out.0", c->level[0].channels));
    LAC_TRY(lac_conv_layer_init(&u->conv_out, ps, diffusers ? "conv_out" : "out.2", c->level[0].channels, c->out));
    lac_initial_zero(u->conv_out.weight, u->conv_out.bias);
    if (c->labels > 0)
        LAC_TRY(lac_param_new(ps, &u->label, LAC_ROLE_EMBEDDING, 2, (int64_t[]){ c->labels, 4 * c->width }, LAC_INIT_ZERO, 0, "%s",
                              diffusers ? "class_embedding.weight" : "label_emb.weight"));
    return LAC_OK;
}

lac_status lac_unet_init(lac_unet *u, lac_params *ps, const lac_unet_config *c)
{
    int64_t kept[LAC_UNET_LEVELS * (LAC_UNET_LAYERS + 1) + 1] = { c->width };
    const size_t levels = (size_t)c->n_levels, layers = (size_t)c->layers;
    *u = (lac_unet){ .config = *c, .params = ps };
    LAC_TRY(lac_calloc((void **)&u->down, levels * (layers + 1), sizeof *u->down));
    LAC_TRY(lac_calloc((void **)&u->up, levels * (layers + 1), sizeof *u->up));
    LAC_TRY(add_ends(u, ps));
    LAC_TRY(add_down(u, ps, kept));
    LAC_TRY(add_middle(u, ps));
    return add_up(u, ps, kept);
}

void lac_unet_close(lac_unet *u)
{
    const int n = u->config.n_levels * (int)(u->config.layers + 1);
    for (int i = 0; i < n; i++) {
        if (u->down != NULL)
            lac_spatial_transformer_close(&u->down[i].transformer);
        if (u->up != NULL)
            lac_spatial_transformer_close(&u->up[i].transformer);
    }
    lac_spatial_transformer_close(&u->middle[0].transformer);
    free(u->down);
    free(u->up);
    u->down = u->up = NULL;
}

/* ---- the walk ---- */

static lac_tensor *time_embedding(lac_tape *t, const lac_unet *u, lac_tensor *timestep, lac_tensor *label)
{
    const lac_timestep_embedding_attr a = { .width = u->config.width, .flip_sin_to_cos = u->config.flip_sin_to_cos, .freq_shift = u->config.freq_shift,
                                            .dtype = u->params->dtype };
    lac_tensor *e = lac_linear_layer_forward(t, &u->time1, lac_timestep_embedding(t, timestep, &a));
    e = lac_linear_layer_forward(t, &u->time2, lac_activation(t, e, LAC_ACT_SILU));
    if (u->label != NULL)
        e = lac_broadcast_add(t, e, lac_embedding(t, u->label->value, label));
    return lac_activation(t, e, LAC_ACT_SILU);          /* every res-block begins with it */
}

/* Of one layer: what it is, at the end of a level on the way up the size it leaves (0: none), and what its transformer's blocks have read already. */
typedef struct layer_call { const lac_unet_layer *layer; int64_t height, width; const lac_block_read *read; } layer_call;
enum { X, SKIP, TIME, CONTEXT, FUSION, N_INPUTS };

static lac_tensor *run_layer(lac_tape *t, void *context, lac_tensor *const *in)
{
    const layer_call *call = context;
    const lac_unet_layer *l = call->layer;
    lac_tensor *x = in[X];
    if (l->has_res)
        x = lac_res_block_forward(t, &l->res, x, in[SKIP], in[TIME]);
    if (l->has_transformer)
        x = lac_spatial_transformer_forward(t, &l->transformer, x, &(lac_transformer_in){ in[CONTEXT], in[FUSION], call->read });
    if (l->has_attention)
        x = lac_attention_block_forward(t, &l->attention, x);
    if (l->has_resample_block)
        x = lac_res_block_forward(t, &l->resample_block, x, NULL, in[TIME]);
    if (l->resample.weight != NULL && call->height > 0)
        x = lac_resize(t, x, &(lac_resize_attr){ .height = call->height, .width = call->width, .mode = LAC_RESIZE_NEAREST });
    return l->resample.weight == NULL ? x : lac_conv_layer_forward(t, &l->resample, x, NULL, lac_act_of(LAC_ACT_NONE));
}

/* On the way: x and the sizes are the next layer's, `read` the next transformer's. */
typedef struct walker { lac_tape *t; const lac_unet_in *in; lac_tensor *x, *time; const lac_block_read *read; } walker;

static lac_tensor *call_layer(walker *w, const lac_unet_layer *l, lac_tensor *skip, const lac_tensor *leaves)
{
    const layer_call call = { l, leaves != NULL ? leaves->dim[1] : 0, leaves != NULL ? leaves->dim[2] : 0, w->read };
    lac_tensor *in[] = { w->x, skip, w->time, w->in->context, w->in->fusion };
    if (w->read != NULL && l->has_transformer)
        w->read += l->transformer.depth;
    w->x = w->in->recompute ? lac_recompute(w->t, run_layer, &call, sizeof call, in, N_INPUTS) : run_layer(w->t, (void *)&call, in);
    return w->x;
}

static lac_tensor *walk(lac_tape *t, const lac_unet *u, const lac_unet_in *in, lac_tensor *time)
{
    lac_tensor *kept[LAC_UNET_LEVELS * (LAC_UNET_LAYERS + 1) + 1];
    walker w = { t, in, lac_conv_layer_forward(t, &u->conv_in, in->sample, NULL, lac_act_of(LAC_ACT_NONE)), time, in->read != NULL ? in->read->block : NULL };
    int n = 0;
    kept[n++] = w.x;
    for (int i = 0; i < u->n_down; i++)
        kept[n++] = call_layer(&w, &u->down[i], NULL, NULL);
    for (int i = 0; i < 2; i++)
        call_layer(&w, &u->middle[i], NULL, NULL);
    for (int i = 0; i < u->n_up && lac_tape_status(t) == LAC_OK; i++) {
        lac_tensor *skip = kept[--n];
        call_layer(&w, &u->up[i], skip, n > 0 ? kept[n - 1] : skip);
    }
    return w.x;
}

const lac_spatial_transformer *lac_unet_next_transformer(const lac_unet *u, int *at)
{
    while (*at < u->n_down + 2 + u->n_up) {
        const int i = (*at)++, up = i - u->n_down - 2;
        const lac_unet_layer *l = i < u->n_down ? &u->down[i] : up < 0 ? &u->middle[i - u->n_down] : &u->up[up];
        if (l->has_transformer)
            return &l->transformer;
    }
    return NULL;
}

/* Tokens that an attention reads: of that width, none where it is 0. */
static lac_status check_tokens(const char *name, const lac_tensor *tokens, int64_t n, int64_t width)
{
    if (tokens == NULL && width > 0)
        return LAC_FAIL(LAC_ERR_ARG, "%s is missing: there is attention to it", name);
    if (tokens != NULL && width == 0)
        return LAC_FAIL(LAC_ERR_ARG, "%s is given, but there is no attention to it", name);
    if (tokens != NULL && (tokens->ndim != 3 || tokens->dim[0] != n || tokens->dim[1] < 1 || tokens->dim[2] != width))
        return LAC_FAIL(LAC_ERR_SHAPE, "%s must be [%lld, T, %lld] with T at least 1, got %s", name, (long long)n, (long long)width, lac_shape_str(tokens));
    return LAC_OK;
}

static lac_status check_labels(const lac_unet *u, const lac_tensor *label, int64_t n)
{
    if ((label != NULL) != (u->label != NULL))
        return LAC_FAIL(LAC_ERR_ARG, label == NULL ? "class_labels is missing: there is a table of them" : "class_labels is given, but there is no table of them");
    if (label != NULL && (label->ndim != 1 || label->dim[0] != n))
        return LAC_FAIL(LAC_ERR_SHAPE, "class_labels must be [%lld], one for each sample, got %s", (long long)n, lac_shape_str(label));
    return LAC_OK;
}

lac_status lac_unet_check_prompts(const lac_unet *u, int64_t n, const lac_tensor *context, const lac_tensor *fusion)
{
    LAC_TRY(check_tokens("encoder_hidden_states", context, n, u->config.context));
    return check_tokens("fusion_out", fusion, n, u->config.fusion);
}

static lac_status check(const lac_unet *u, const lac_unet_in *in)
{
    const lac_tensor *x = in->sample, *timestep = in->timestep;
    if (x->ndim != 4 || x->dim[3] != u->config.in || x->dim[1] < 1 || x->dim[2] < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "sample must be [N, H, W, %lld], got %s", (long long)u->config.in, lac_shape_str(x));
    if (timestep->ndim != 1 || timestep->dim[0] != x->dim[0])
        return LAC_FAIL(LAC_ERR_SHAPE, "timestep must be [%lld], one for each sample, got %s", (long long)x->dim[0], lac_shape_str(timestep));
    LAC_TRY(check_labels(u, in->label, x->dim[0]));
    if (in->read != NULL)
        return in->context == NULL && in->fusion == NULL && !in->recompute && in->read->unet == u ? LAC_OK : LAC_FAIL(LAC_ERR_ARG, "what was read is another network's, or not alone");
    return lac_unet_check_prompts(u, x->dim[0], in->context, in->fusion);
}

lac_tensor *lac_unet_forward(lac_tape *t, const lac_unet *u, const lac_unet_in *in)
{
    const lac_act_fn none = lac_act_of(LAC_ACT_NONE);
    if (in->sample == NULL || in->timestep == NULL)
        return NULL;
    const lac_status s = check(u, in);
    if (s != LAC_OK)
        return lac_tape_fail(t, lac_context(s, "%s", u->params->name));
    lac_tape_enter(t, u->params->name);
    lac_tensor *y = walk(t, u, in, time_embedding(t, u, in->timestep, in->label));
    y = lac_conv_layer_forward(t, &u->conv_out, lac_group_norm_layer_forward(t, &u->norm_out, y, NULL, NULL, NULL, LAC_ACT_SILU), NULL, none);
    lac_tape_leave(t);
    return y;
}
