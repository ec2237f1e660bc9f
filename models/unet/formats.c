#include "models/unet/formats.h"

#include "core/file/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMPVIS "model.diffusion_model."
#define EMA "model_ema."

enum { MAX_LEVELS = 16 };

/* ---- what a file has ---- */

/* A file's keys, all behind the prefix. */
typedef struct source { const lac_weights *w; const char *prefix; } source;

static int64_t dim_of(const source *s, int axis, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* That dim of a tensor; 0 where there is none such. */
static int64_t dim_of(const source *s, int axis, const char *format, ...)
{
    char key[LAC_FOREIGN_KEY];
    const int n = snprintf(key, sizeof key, "%s", s->prefix);
    va_list args;
    va_start(args, format);
    vsnprintf(key + n, sizeof key - (size_t)n, format, args);
    va_end(args);
    const int64_t at = lac_weights_find(s->w, key);
    const lac_shape shape = at < 0 ? (lac_shape){ 0 } : lac_weights_shape(s->w, at);
    return axis < shape.ndim ? shape.dim[axis] : 0;
}

static bool has(const lac_weights *w, const char *key) { return lac_weights_find(w, key) >= 0; }

/* What both kinds of names tell. */
typedef struct shape_of_net {
    int64_t in, out, context, fusion, labels, layers, depth, channels[MAX_LEVELS];
    bool down[MAX_LEVELS], up[MAX_LEVELS], linear;
    int levels;
} shape_of_net;

static shape_of_net read_diffusers(const source *s)
{
    shape_of_net n = { .in = dim_of(s, 1, "conv_in.weight"), .out = dim_of(s, 0, "conv_out.weight") };
    const char *middle = "mid_block.attentions.0";
    n.linear = dim_of(s, 1, "%s.proj_in.weight", middle) > 0 && dim_of(s, 2, "%s.proj_in.weight", middle) == 0;
    n.context = dim_of(s, 1, "%s.transformer_blocks.0.attn2.to_k.weight", middle);
    n.fusion = dim_of(s, 1, "%s.transformer_blocks.0.attn3.to_k.weight", middle);
    n.labels = dim_of(s, 0, "class_embedding.weight");
    while (dim_of(s, 0, "down_blocks.0.resnets.%lld.conv1.weight", (long long)n.layers) > 0)
        n.layers++;
    while (dim_of(s, 0, "%s.transformer_blocks.%lld.norm1.weight", middle, (long long)n.depth) > 0)
        n.depth++;
    for (int i = 0; i < MAX_LEVELS && (n.channels[i] = dim_of(s, 0, "down_blocks.%d.resnets.0.conv1.weight", i)) > 0; i++) {
        n.down[i] = dim_of(s, 0, "down_blocks.%d.attentions.0.norm.weight", i) > 0;
        n.up[i] = dim_of(s, 0, "up_blocks.%d.attentions.0.norm.weight", i) > 0;
        n.levels = i + 1;
    }
    return n;
}

static shape_of_net read_compvis(const source *s)
{
    shape_of_net n = { .in = dim_of(s, 1, "input_blocks.0.0.weight"), .out = dim_of(s, 0, "out.2.weight") };
    const char *middle = "middle_block.1";
    n.linear = dim_of(s, 1, "%s.proj_in.weight", middle) > 0 && dim_of(s, 2, "%s.proj_in.weight", middle) == 0;
    n.context = dim_of(s, 1, "%s.transformer_blocks.0.attn2.to_k.weight", middle);
    n.fusion = dim_of(s, 1, "%s.transformer_blocks.0.attn3.to_k.weight", middle);
    n.labels = dim_of(s, 0, "label_emb.weight");
    while (dim_of(s, 0, "input_blocks.%lld.0.in_layers.2.weight", (long long)n.layers + 1) > 0)
        n.layers++;
    while (dim_of(s, 0, "%s.transformer_blocks.%lld.norm1.weight", middle, (long long)n.depth) > 0)
        n.depth++;
    const int step = (int)n.layers + 1;
    for (int i = 0; i < MAX_LEVELS && (n.channels[i] = dim_of(s, 0, "input_blocks.%d.0.in_layers.2.weight", i * step + 1)) > 0; i++) {
        n.down[i] = dim_of(s, 0, "input_blocks.%d.1.norm.weight", i * step + 1) > 0;
        n.up[i] = dim_of(s, 0, "output_blocks.%d.1.norm.weight", i * step) > 0;
        n.levels = i + 1;
    }
    return n;
}

/* Heads are in no shape: Stable Diffusion has 8, from its second version on as many as give each 64 channels, and then matrices for proj_in. */
static json_t *heads(const shape_of_net *n)
{
    if (!n->linear)
        return json_integer(8);
    json_t *list = json_array();
    for (int i = 0; i < n->levels; i++)
        json_array_append_new(list, json_integer(n->channels[i] >= 64 ? n->channels[i] / 64 : 1));
    return list;
}

static lac_status tell(const shape_of_net *n, json_t *config)
{
    json_t *down = json_array(), *up = json_array(), *channels = json_array();
    for (int i = 0; i < n->levels; i++) {
        json_array_append_new(down, json_string(n->down[i] ? "CrossAttnDownBlock2D" : "DownBlock2D"));
        json_array_append_new(up, json_string(n->up[i] ? "CrossAttnUpBlock2D" : "UpBlock2D"));
        json_array_append_new(channels, json_integer(n->channels[i]));
    }
    json_t *told = json_pack("{s:I, s:I, s:I, s:I, s:I, s:b, s:o, s:o, s:o, s:o}", "in_channels", (json_int_t)n->in, "out_channels", (json_int_t)n->out,
                             "cross_attention_dim", (json_int_t)n->context, "layers_per_block", (json_int_t)n->layers, "transformer_layers_per_block",
                             (json_int_t)n->depth, "use_linear_projection", n->linear, "attention_head_dim", heads(n), "down_block_types", down, "up_block_types", up,
                             "block_out_channels", channels);
    const bool failed = told == NULL || json_object_update(config, told) != 0
                     || (n->fusion > 0 && json_object_set_new(config, "fusion_dim", json_integer(n->fusion)) != 0)
                     || (n->labels > 0 && json_object_set_new(config, "num_class_embeds", json_integer(n->labels)) != 0);
    json_decref(told);
    return failed ? LAC_FAIL(LAC_ERR_MEM, "out of memory: config") : LAC_OK;
}

static lac_status infer_diffusers(const lac_weights *w, const char *prefix, json_t *config)
{
    const shape_of_net n = read_diffusers(&(source){ w, prefix });
    return n.levels > 0 && n.layers > 0 ? tell(&n, config) : LAC_OK;
}

static lac_status infer_compvis(const lac_weights *w, const char *prefix, json_t *config)
{
    const shape_of_net n = read_compvis(&(source){ w, prefix });
    return n.levels > 0 && n.layers > 0 ? tell(&n, config) : LAC_OK;
}

/* ---- whose a file is ---- */

static const char *own_condition(const lac_weights *w)
{
    return has(w, "unet.down_blocks.0.resnets.0.time_emb_proj.weight") ? "unet." : has(w, "down_blocks.0.resnets.0.time_emb_proj.weight") ? "" : NULL;
}

/* Stable Diffusion's architecture: cross-attention, and convolutions that end levels. */
static const char *compvis_condition(const lac_weights *w)
{
    const source s = { w, COMPVIS };
    const shape_of_net n = read_compvis(&s);
    return n.levels > 1 && n.context > 0 && dim_of(&s, 0, "input_blocks.%lld.0.op.weight", (long long)n.layers + 1) > 0 ? COMPVIS : NULL;
}

static const char *ema_condition(const lac_weights *w) { return has(w, EMA "diffusion_modeltime_embed0weight") ? compvis_condition(w) : NULL; }

static const char *own_ldm(const lac_weights *w)
{
    return has(w, COMPVIS "time_embed.0.weight") ? COMPVIS : has(w, "time_embed.0.weight") && has(w, "input_blocks.0.0.weight") ? "" : NULL;
}

static bool not_of_unet(const char *key) { return strncmp(key, COMPVIS, strlen(COMPVIS)) != 0; }
static bool not_of_ema(const char *key) { return strncmp(key, EMA "diffusion_model", strlen(EMA "diffusion_model")) != 0; }

/* ---- where parameters lie ---- */

typedef struct pair { const char *ours, *theirs; } pair;

static const pair ends[] = {
    { "time_embedding.linear_1.", "time_embed.0." }, { "time_embedding.linear_2.", "time_embed.2." }, { "conv_in.", "input_blocks.0.0." },
    { "conv_norm_out.", "out.0." }, { "conv_out.", "out.2." }, { "class_embedding.", "label_emb." },
};
static const pair parts[] = {
    { "norm1.", "in_layers.0." }, { "conv1.", "in_layers.2." }, { "time_emb_proj.", "emb_layers.1." }, { "norm2.", "out_layers.0." },
    { "conv2.", "out_layers.3." }, { "conv_shortcut.", "skip_connection." },
};

/* `rest` with the first name that begins it replaced, behind what `to` holds. */
static bool append_renamed(char *to, size_t size, const pair *list, size_t n, const char *rest)
{
    const size_t length = strlen(to);
    for (size_t i = 0; i < n; i++) {
        const size_t ours = strlen(list[i].ours);
        if (strncmp(rest, list[i].ours, ours) == 0)
            return snprintf(to + length, size - length, "%s%s", list[i].theirs, rest + ours) > 0;
    }
    return false;
}

static bool exists(const lac_params *ps, const char *format, long long i)
{
    char name[LAC_PARAM_NAME];
    snprintf(name, sizeof name, format, i);
    return lac_params_find(ps, name) != NULL;
}

static long long layers_of(const lac_params *ps)
{
    long long n = 0;
    while (exists(ps, "down_blocks.0.resnets.%lld.conv1.weight", n))
        n++;
    return n;
}

/* The CompVis name of a parameter by diffusers' names, behind what `to` holds. */
static bool append_compvis(char *to, size_t size, const lac_param *p)
{
    const long long step = layers_of(p->of) + 1;
    const size_t length = strlen(to);
    int block, layer, end = 0;
    if (append_renamed(to, size, ends, LAC_COUNT(ends), p->name))
        return true;
    char way[8], part[16];
    if (sscanf(p->name, "mid_block.%15[a-z].%d.%n", part, &layer, &end) == 2 && end > 0) {
        const bool res = strcmp(part, "resnets") == 0;
        snprintf(to + length, size - length, "middle_block.%d.", res ? 2 * layer : 1);
        return res ? append_renamed(to, size, parts, LAC_COUNT(parts), p->name + end) : snprintf(to + strlen(to), size - strlen(to), "%s", p->name + end) > 0;
    }
    end = 0;
    if (sscanf(p->name, "%7[a-z]_blocks.%d.%15[a-z].%d.%n", way, &block, part, &layer, &end) != 4 || end == 0)
        return false;
    const bool up = strcmp(way, "up") == 0, res = strcmp(part, "resnets") == 0, attention = strcmp(part, "attentions") == 0;
    if (!res && !attention)                     /* the end of a level */
        return snprintf(to + length, size - length, up ? "output_blocks.%lld.%d.conv.%s" : "input_blocks.%lld.%d.op.%s", block * step + step - up,
                        up ? 1 + exists(p->of, "up_blocks.%lld.attentions.0.norm.weight", block) : 0, p->name + end + strlen("conv.")) > 0;
    snprintf(to + length, size - length, up ? "output_blocks.%lld.%d." : "input_blocks.%lld.%d.", block * step + layer + !up, attention);
    return res ? append_renamed(to, size, parts, LAC_COUNT(parts), p->name + end) : snprintf(to + strlen(to), size - strlen(to), "%s", p->name + end) > 0;
}

/* In the border's layout. */
static void place_values(const lac_param *p, lac_foreign *f)
{
    static const int conv[4] = { 0, 3, 1, 2 };
    const lac_shape ours = lac_shape_of(p->value);
    lac_foreign_as_is(p, f);
    f->shape = lac_border_shape(p->role, &ours);
    for (int i = 0; p->role == LAC_ROLE_CONV && i < 4; i++)
        f->axis[i] = conv[i];
}

static bool place_compvis(const lac_param *p, const char *prefix, lac_foreign *f)
{
    snprintf(f->key, sizeof f->key, "%s", prefix[0] != '\0' ? prefix : COMPVIS);
    place_values(p, f);
    return append_compvis(f->key, sizeof f->key, p);
}

static bool place_ema(const lac_param *p, const char *prefix, lac_foreign *f)
{
    char name[LAC_FOREIGN_KEY] = "diffusion_model";
    (void)prefix;
    place_values(p, f);
    if (!append_compvis(name, sizeof name, p))
        return false;
    size_t n = (size_t)snprintf(f->key, sizeof f->key, "%s", EMA);
    for (const char *from = name; *from != '\0' && n + 1 < sizeof f->key; from++)
        if (*from != '.')
            f->key[n++] = *from;
    f->key[n] = '\0';
    return true;
}

const lac_network_format lac_unet2d_condition_formats[] = {
    { "compvis-ema", false, ema_condition, infer_compvis, place_ema, not_of_ema },
    { "compvis", false, compvis_condition, infer_compvis, place_compvis, not_of_unet },
    { "probe", false, own_condition, infer_diffusers, NULL, NULL },
    { NULL },
};

const lac_network_format lac_unet_ldm_formats[] = {
    { "probe", false, own_ldm, NULL, NULL, NULL },
    { NULL },
};
