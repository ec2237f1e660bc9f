#include "models/catdiff/sem_inpainter.h"

#include "autograd/ops/activation/activation.h"
#include "autograd/ops/broadcast_add/broadcast_add.h"
#include "autograd/ops/channel_affine/channel_affine.h"
#include "autograd/ops/composite/composite.h"
#include "autograd/ops/concat/concat.h"
#include "autograd/ops/repeat/repeat.h"
#include "autograd/ops/resize/resize.h"
#include "autograd/ops/slice/slice.h"
#include "models/clip/layers.h"

#include <string.h>

/* ---- config ---- */

#define SIZE(key, value, text) { key, LAC_KEY_INT, value, .min = 1, .max = 65536, .help = text }
#define ACT { "hidden_act", LAC_KEY_STR, "\"quick_gelu\"", .choices = "quick_gelu|gelu", .help = "between its layers; gelu by erf" }

static const lac_key mlp_keys[] = { ACT, SIZE("hidden_size", "1024", "width of both ends"), SIZE("intermediate_size", "4096", "width between"), { NULL } };
static const lac_key label_keys[] = {
    ACT, SIZE("in_channels", "768", "width of the text's states"), SIZE("intermediate_size", "3072", "width between"), SIZE("out_channels", "1024", "hidden_size"), { NULL },
};

const lac_key lac_sem_inpainter_keys[] = {
    SIZE("hidden_size", "1024", "width of the tokens"), SIZE("intermediate_size", "4096", "hidden width of the layers"), SIZE("num_attention_heads", "16", "of each layer"),
    SIZE("num_hidden_layers", "24", "layers"), SIZE("patch_size", "14", "height and width of a patch"), SIZE("image_size", "224", "height and width of CLIP's picture"),
    ACT, { "layer_norm_eps", LAC_KEY_NUM | LAC_KEY_ABOVE_MIN, "1e-5", .min = 0, .max = 1, .help = "within the root" },
    { "label_mlp", LAC_KEY_TABLE, "{}", .sub = label_keys, .help = "of the text's tokens" },
    { "spatial_mlp", LAC_KEY_TABLE, "{}", .sub = mlp_keys, .help = "of the patches" },
    { "global_mlp", LAC_KEY_TABLE, "{}", .sub = mlp_keys, .help = "of the class token" },
    { "sample", LAC_KEY_BOOL, "true", .help = "ours: blend with what is known and take means of 2 x 2 tokens" },
    { "global_token", LAC_KEY_BOOL, "true", .help = "ours: the class token is in the sequence" },
    { "text_tokens", LAC_KEY_INT, "1", .min = 1, .max = 1024, .help = "ours: tokens of the text" },
    { "recompute", LAC_KEY_BOOL, "false", .help = "ours: layers run again in backward instead of keeping what it reads" },
    LAC_KEY_INERT("use_fp16", NULL), LAC_KEY_INERT("output_attentions", NULL), LAC_KEY_INERT("output_hidden_states", NULL), LAC_KEY_INERT("use_return_dict", NULL),
    LAC_KEY_INERT("return_dict", NULL), LAC_KEY_INERT("num_channels", NULL), LAC_KEY_INERT("attention_dropout", NULL), { NULL },
};

static lac_act act_of(const json_t *config) { return strcmp(lac_config_str(config, "hidden_act"), "gelu") == 0 ? LAC_ACT_GELU : LAC_ACT_QUICK_GELU; }

static lac_status check_width(const json_t *config, const char *key, const char *in, int64_t width)
{
    const int64_t found = lac_config_int(lac_config_at(config, key), in);
    return found == width ? LAC_OK : LAC_FAIL(LAC_ERR_CONFIG, "'%s.%s' is %lld, expected %lld, as 'hidden_size'", key, in, (long long)found, (long long)width);
}

static lac_status check(const lac_sem_inpainter_config *c, const json_t *config)
{
    LAC_TRY(check_width(config, "label_mlp", "out_channels", c->encoder.width));
    LAC_TRY(check_width(config, "spatial_mlp", "hidden_size", c->encoder.width));
    if (c->global_token)
        LAC_TRY(check_width(config, "global_mlp", "hidden_size", c->encoder.width));
    if (c->side < (c->sample ? 2 : 1))
        return LAC_FAIL(LAC_ERR_CONFIG, "'image_size' has %lld x %lld patches, expected at least %s", (long long)c->side, (long long)c->side,
                        c->sample ? "2 x 2, whose mean 'sample' takes" : "one");
    return c->encoder.width % c->encoder.heads == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_CONFIG, "'num_attention_heads' is %lld, which does not divide a 'hidden_size' of %lld",
                                                                        (long long)c->encoder.heads, (long long)c->encoder.width);
}

lac_status lac_sem_inpainter_configure(lac_sem_inpainter_config *c, const json_t *config)
{
    const json_t *spatial = lac_config_at(config, "spatial_mlp"), *global = lac_config_at(config, "global_mlp"), *label = lac_config_at(config, "label_mlp");
    const int64_t width = lac_config_int(config, "hidden_size");
    *c = (lac_sem_inpainter_config){
        .encoder = { .layers = lac_config_int(config, "num_hidden_layers"), .width = width, .inner = width, .heads = lac_config_int(config, "num_attention_heads"),
                     .mlp = lac_config_int(config, "intermediate_size"), .eps = (float)lac_config_num(config, "layer_norm_eps"), .act = act_of(config),
                     .recompute = lac_config_bool(config, "recompute") },
        .side = lac_config_int(config, "image_size") / lac_config_int(config, "patch_size"), .text_tokens = lac_config_int(config, "text_tokens"),
        .text_width = lac_config_int(label, "in_channels"), .spatial_mlp = lac_config_int(spatial, "intermediate_size"),
        .global_mlp = lac_config_int(global, "intermediate_size"), .label_mlp = lac_config_int(label, "intermediate_size"), .spatial_act = act_of(spatial),
        .global_act = act_of(global), .label_act = act_of(label), .sample = lac_config_bool(config, "sample"), .global_token = lac_config_bool(config, "global_token"),
    };
    return check(c, config);
}

/* ---- layers ---- */

static lac_status init_mlp(lac_sem_mlp *l, lac_params *ps, const char *name, lac_act act, int64_t in, int64_t between, int64_t out)
{
    l->act = act;
    LAC_TRY(lac_params_enter(ps, "%s", name));
    LAC_TRY(lac_linear_layer_init(&l->fc1, ps, "fc1", in, between));
    LAC_TRY(lac_linear_layer_init(&l->fc2, ps, "fc2", between, out));
    lac_params_leave(ps);
    return LAC_OK;
}

static lac_status init_parts(lac_sem_inpainter *m, lac_params *ps)
{
    const lac_sem_inpainter_config *c = &m->c;
    const int64_t width = c->encoder.width;
    LAC_TRY(lac_param_new(ps, &m->position, LAC_ROLE_EMBEDDING, 2, (int64_t[]){ c->side * c->side, width }, LAC_INIT_NORMAL, 0, "embeddings.position_embedding.weight"));
    LAC_TRY(lac_param_new(ps, &m->mask, LAC_ROLE_EMBEDDING, 2, (int64_t[]){ 2, width }, LAC_INIT_NORMAL, 0, "embeddings.mask_embedding.weight"));
    LAC_TRY(init_mlp(&m->spatial, ps, "spatial_mlp", c->spatial_act, width, c->spatial_mlp, width));
    LAC_TRY(init_mlp(&m->label, ps, "label_mlp", c->label_act, c->text_width, c->label_mlp, width));
    LAC_TRY(lac_clip_encoder_init(&m->encoder, ps, &c->encoder));
    if (!c->global_token)
        return LAC_OK;
    m->after.eps = c->encoder.eps;
    LAC_TRY(init_mlp(&m->global, ps, "global_mlp", c->global_act, width, c->global_mlp, width));
    return lac_layer_norm_layer_init(&m->after, ps, "post_layernorm", width);
}

lac_status lac_sem_inpainter_init(lac_sem_inpainter *m, lac_params *ps, const lac_sem_inpainter_config *c)
{
    m->c = *c;
    m->params = ps;
    LAC_TRY(lac_params_enter(ps, "fusion_model"));
    LAC_TRY(init_parts(m, ps));
    lac_params_leave(ps);
    return LAC_OK;
}

void lac_sem_inpainter_close(lac_sem_inpainter *m) { lac_encoder_free(&m->encoder); }

/* ---- the walk ---- */

static lac_tensor *mlp(lac_tape *t, const lac_sem_mlp *l, lac_tensor *x)
{
    return lac_linear_layer_forward(t, &l->fc2, lac_activation(t, lac_linear_layer_forward(t, &l->fc1, x), l->act));
}

static lac_tensor *as_map(lac_tape *t, const lac_sem_inpainter *m, lac_tensor *x, int64_t n)
{
    return lac_reshape(t, x, 4, (int64_t[]){ n, m->c.side, m->c.side, m->c.encoder.width });
}

static lac_tensor *as_tokens(lac_tape *t, lac_tensor *x, int64_t n, int64_t tokens, int64_t width) { return lac_reshape(t, x, 3, (int64_t[]){ n, tokens, width }); }

/* ME(m) [N, S, S, C]: one row of the table where the mask is 1, the other where it is 0. */
static lac_tensor *mask_embedding(lac_tape *t, const lac_sem_inpainter *m, lac_tensor *mask, int64_t n)
{
    lac_tensor *row[2];
    for (int i = 0; i < 2; i++)
        row[i] = as_map(t, m, lac_repeat(t, lac_rows(t, m->mask->value, i, 1), n * m->c.side * m->c.side), n);
    return lac_composite(t, row[1], row[0], mask, &(lac_composite_attr){ .dtype = m->mask->value->dtype });
}

lac_tensor *lac_ref_tokens(lac_tape *t, lac_tensor *map)
{
    if (map == NULL)
        return NULL;
    const int64_t n = map->dim[0], half = map->dim[1] / 2, width = map->dim[3];
    if (map->dim[1] % 2 != 0)
        map = lac_slice(t, lac_slice(t, map, 1, 0, 2 * half), 2, 0, 2 * half);
    map = lac_resize(t, map, &(lac_resize_attr){ .height = half, .width = half, .mode = LAC_RESIZE_AREA });
    return as_tokens(t, map, n, half * half, width);
}

lac_tensor *lac_sem_inpainter_sampled(lac_tape *t, const lac_sem_inpainter *m, lac_tensor *painted, lac_tensor *known, lac_tensor *mask)
{
    if (painted == NULL || known == NULL || mask == NULL)
        return NULL;
    const int64_t n = painted->dim[0];
    return lac_ref_tokens(t, lac_composite(t, as_map(t, m, painted, n), as_map(t, m, known, n), mask, &(lac_composite_attr){ .dtype = LAC_F32 }));
}

/* CLIP's towers keep what they add up in f32, whatever they work in. */
static lac_tensor *as_worked(lac_tape *t, const lac_sem_inpainter *m, lac_tensor *x)
{
    const lac_dtype d = m->mask->value->dtype;
    return x == NULL || x->dtype == d ? x : lac_scaled(t, x, 1, d);
}

static lac_tensor *sequence(lac_tape *t, const lac_sem_inpainter *m, const lac_sem_inpainter_in *in, lac_tensor *known, int64_t n)
{
    const int64_t patches = m->c.side * m->c.side, width = m->c.encoder.width;
    lac_tensor *x = lac_broadcast_add(t, lac_broadcast_add(t, known, m->position->value), as_tokens(t, mask_embedding(t, m, in->mask, n), n, patches, width));
    lac_tensor *spatial = mlp(t, &m->spatial, as_worked(t, m, x)), *label = mlp(t, &m->label, as_worked(t, m, in->label));
    return m->c.global_token ? lac_concat(t, (lac_tensor *[]){ mlp(t, &m->global, as_worked(t, m, in->pooled)), spatial, label }, 3, 1)
                             : lac_concat(t, (lac_tensor *[]){ spatial, label }, 2, 1);
}

static lac_status check_input(const char *name, const lac_tensor *x, int64_t n, int64_t tokens, int64_t width)
{
    return x->ndim == 3 && x->dim[0] == n && x->dim[1] == tokens && x->dim[2] == width ? LAC_OK
         : LAC_FAIL(LAC_ERR_SHAPE, "%s must be [%lld, %lld, %lld], got %s", name, (long long)n, (long long)tokens, (long long)width, lac_shape_str(x));
}

static lac_status check_inputs(const lac_sem_inpainter *m, const lac_sem_inpainter_in *in)
{
    const int64_t n = in->features->dim[0], side = m->c.side, width = m->c.encoder.width;
    LAC_TRY(check_input("spatial_features", in->features, n, 1 + side * side, width));
    LAC_TRY(check_input("label_pooled", in->label, n, m->c.text_tokens, m->c.text_width));
    if (in->mask->ndim != 4 || in->mask->dim[0] != n || in->mask->dim[1] != side || in->mask->dim[2] != side || in->mask->dim[3] != 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "mask_values must be [%lld, %lld, %lld, 1], got %s", (long long)n, (long long)side, (long long)side, lac_shape_str(in->mask));
    if ((in->pooled != NULL) != m->c.global_token)
        return LAC_FAIL(LAC_ERR_ARG, m->c.global_token ? "global_pooled is missing: 'global_token' is on" : "global_pooled is given, but 'global_token' is off");
    return in->pooled == NULL ? LAC_OK : check_input("global_pooled", in->pooled, n, 1, width);
}

lac_sem_inpainter_out lac_sem_inpainter_forward(lac_tape *t, const lac_sem_inpainter *m, const lac_sem_inpainter_in *in)
{
    lac_sem_inpainter_out y = { 0 };
    if (in->features == NULL || in->mask == NULL || in->label == NULL)
        return y;
    const lac_status s = check_inputs(m, in);
    if (s != LAC_OK) {
        lac_tape_fail(t, lac_context(s, "%s", m->params->name));
        return y;
    }
    const int64_t n = in->features->dim[0], patches = m->c.side * m->c.side, first = m->c.global_token;
    lac_tape_enter(t, m->params->name);
    lac_tensor *known = lac_slice(t, in->features, 1, 1, patches);
    lac_tensor *h = lac_encoder_forward(t, &m->encoder, sequence(t, m, in, known, n), NULL), *spatial = lac_slice(t, h, 1, first, patches);
    y.spatial = m->c.sample ? lac_sem_inpainter_sampled(t, m, spatial, known, in->mask) : spatial;
    y.label = lac_slice(t, h, 1, first + patches, m->c.text_tokens);
    if (m->c.global_token)
        y.pooled = lac_layer_norm_layer_forward(t, &m->after, lac_slice(t, h, 1, 0, 1), NULL, NULL);
    lac_tape_leave(t);
    return y;
}
