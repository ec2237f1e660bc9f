#include "models/autoencoder/formats.h"

#include "core/file/weights.h"
#include "models/autoencoder/coder.h"

#include <stdio.h>
#include <string.h>

#define STAGE "first_stage_model."

static bool begins_with(const char *s, const char *begin) { return strncmp(s, begin, strlen(begin)) == 0; }

static bool has(const lac_weights *w, const char *prefix, const char *key)
{
    char whole[LAC_FOREIGN_KEY];
    snprintf(whole, sizeof whole, "%s%s", prefix, key);
    return lac_weights_find(w, whole) >= 0;
}

/* ---- names ---- */

typedef struct exchange { const char *ours, *theirs; } exchange;

/* Replaces what is ours wherever it stands, in the order of the list. */
static void rename_all(char *name, size_t size, const exchange *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const size_t ours = strlen(list[i].ours), theirs = strlen(list[i].theirs);
        for (char *at = strstr(name, list[i].ours); at != NULL && strlen(name) - ours + theirs < size; at = strstr(at + theirs, list[i].ours)) {
            memmove(at + theirs, at + ours, strlen(at + ours) + 1);
            memcpy(at, list[i].theirs, theirs);
        }
    }
}

static const exchange old_names[] = { { "to_q.", "query." }, { "to_k.", "key." }, { "to_v.", "value." }, { "to_out.0.", "proj_attn." } };

static const exchange compvis_names[] = {
    { "mid_block.resnets.0.", "mid.block_1." }, { "mid_block.resnets.1.", "mid.block_2." }, { "mid_block.attentions.0.", "mid.attn_1." },
    { "group_norm.", "norm." }, { "to_q.", "q." }, { "to_k.", "k." }, { "to_v.", "v." }, { "to_out.0.", "proj_out." }, { "down_blocks.", "down." },
    { "resnets.", "block." }, { "conv_shortcut.", "nin_shortcut." }, { "downsamplers.0.", "downsample." }, { "upsamplers.0.", "upsample." },
    { "conv_norm_out.", "norm_out." },
};

/* Ours as it lies at the border, f->key being set. */
static void place_border(const lac_param *p, lac_foreign *f)
{
    static const int conv[4] = { 0, 3, 1, 2 };
    const lac_shape ours = lac_shape_of(p->value);
    lac_foreign_as_is(p, f);
    f->shape = lac_border_shape(p->role, &ours);
    if (p->role == LAC_ROLE_CONV)
        memcpy(f->axis, conv, sizeof conv);
}

static bool place_old(const lac_param *p, const char *prefix, lac_foreign *f)
{
    snprintf(f->key, sizeof f->key, "%s%s", prefix, p->name);
    rename_all(f->key, sizeof f->key, old_names, LAC_COUNT(old_names));
    place_border(p, f);
    return true;
}

static int64_t levels_of(const lac_params *ps)
{
    char name[LAC_PARAM_NAME];
    for (int64_t n = 0;; n++) {
        snprintf(name, sizeof name, "decoder.up_blocks.%lld.resnets.0.norm1.weight", (long long)n);
        if (lac_params_find(ps, name) == NULL)
            return n;
    }
}

/* "decoder.up_blocks.0." counts as the decoder runs, "decoder.up.3." as the encoder does. */
static bool place_compvis(const lac_param *p, const char *prefix, lac_foreign *f)
{
    int level, n = 0;
    if (sscanf(p->name, "decoder.up_blocks.%d.%n", &level, &n) == 1 && n > 0)
        snprintf(f->key, sizeof f->key, "%sdecoder.up.%lld.%s", prefix, (long long)(levels_of(p->of) - 1 - level), p->name + n);
    else
        snprintf(f->key, sizeof f->key, "%s%s", prefix, p->name);
    rename_all(f->key, sizeof f->key, compvis_names, LAC_COUNT(compvis_names));
    place_border(p, f);
    if (p->role == LAC_ROLE_LINEAR)         /* of attention: a 1x1 convolution there */
        f->shape = (lac_shape){ 4, { p->value->dim[0], p->value->dim[1], 1, 1 } };
    return true;
}

static bool place_own(const lac_param *p, const char *prefix, lac_foreign *f)
{
    snprintf(f->key, sizeof f->key, "%s%s", prefix, p->name);
    place_border(p, f);
    return true;
}

/* What a checkpoint of CompVis holds beside its first stage. */
static bool no_first_stage(const char *key)
{
    static const char *const ours[] = { "encoder.", "decoder.", "quant_conv.", "post_quant_conv.", "quantize." };
    if (begins_with(key, STAGE))
        key += strlen(STAGE);
    for (size_t i = 0; i < LAC_COUNT(ours); i++)
        if (begins_with(key, ours[i]))
            return false;
    return true;
}

/* ---- whose a file is ---- */

static const char *compvis_prefix(const lac_weights *w)
{
    static const char key[] = "encoder.down.0.block.0.norm1.weight";
    return has(w, STAGE, key) ? STAGE : has(w, "", key) ? "" : NULL;
}

static bool quantizes(const lac_weights *w, const char *prefix) { return has(w, prefix, "quantize.embedding.weight"); }

static const char *is_compvis_kl(const lac_weights *w)
{
    const char *prefix = compvis_prefix(w);
    return prefix != NULL && !quantizes(w, prefix) ? prefix : NULL;
}

static const char *is_compvis_vq(const lac_weights *w)
{
    const char *prefix = compvis_prefix(w);
    return prefix != NULL && quantizes(w, prefix) ? prefix : NULL;
}

static const char *is_diffusers(const lac_weights *w) { return has(w, "", "encoder.down_blocks.0.resnets.0.norm1.weight") ? "" : NULL; }

static const char *is_old(const lac_weights *w)
{
    return is_diffusers(w) != NULL && (has(w, "", "encoder.mid_block.attentions.0.query.weight") || has(w, "", "decoder.mid_block.attentions.0.query.weight")) ? "" : NULL;
}

/* ---- what the shapes say ---- */

/* The i-th dim of a weight of four dims, its key made of prefix, begin, number and end; 0 when it is not there. */
static int64_t dim_of(const lac_weights *w, const char *prefix, const char *begin, int number, const char *end, int i)
{
    char key[LAC_FOREIGN_KEY];
    if (number >= 0)
        snprintf(key, sizeof key, "%s%s%d%s", prefix, begin, number, end);
    else
        snprintf(key, sizeof key, "%s%s", prefix, begin);
    const int64_t at = lac_weights_find(w, key);
    const lac_shape s = at >= 0 ? lac_weights_shape(w, at) : (lac_shape){ 0 };
    return s.ndim == 4 ? s.dim[i] : 0;
}

static int64_t whole(const lac_weights *w, const char *prefix, const char *key, int i) { return dim_of(w, prefix, key, -1, "", i); }

static lac_status set(json_t *c, const char *key, json_t *value)
{
    return json_object_set_new(c, key, value) == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
}

static lac_status set_number(json_t *c, const char *key, int64_t n) { return n > 0 ? set(c, key, json_integer(n)) : LAC_OK; }

static int64_t count(const lac_weights *w, const char *prefix, const char *begin, const char *end)
{
    int n = 0;
    while (n < LAC_CODER_LEVELS + LAC_CODER_BLOCKS && dim_of(w, prefix, begin, n, end, 0) > 0)
        n++;
    return n;
}

/* A list with one entry for each of n levels: number i, or the word. */
static lac_status set_levels(json_t *c, const char *key, const char *word, const int64_t *number, int64_t n)
{
    json_t *list = json_array();
    for (int64_t i = 0; list != NULL && i < n; i++)
        if (json_array_append_new(list, word != NULL ? json_string(word) : json_integer(number[i])) != 0) {
            json_decref(list);
            list = NULL;
        }
    return list != NULL ? set(c, key, list) : LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
}

typedef struct level_names { const char *level, *block, *first, *middle; } level_names;

static lac_status infer_kl(const lac_weights *w, const char *prefix, json_t *c, const level_names *n)
{
    int64_t widths[LAC_CODER_LEVELS + LAC_CODER_BLOCKS];
    const int64_t levels = count(w, prefix, n->level, n->first);
    for (int i = 0; i < levels; i++)
        widths[i] = dim_of(w, prefix, n->level, i, n->first, 0);
    if (levels > 0) {
        LAC_TRY(set_levels(c, "block_out_channels", NULL, widths, levels));
        LAC_TRY(set_levels(c, "down_block_types", "DownEncoderBlock2D", NULL, levels));
        LAC_TRY(set_levels(c, "up_block_types", "UpDecoderBlock2D", NULL, levels));
    }
    LAC_TRY(set_number(c, "layers_per_block", count(w, prefix, n->block, ".conv1.weight")));
    LAC_TRY(set_number(c, "in_channels", whole(w, prefix, "encoder.conv_in.weight", 1)));
    LAC_TRY(set_number(c, "out_channels", whole(w, prefix, "decoder.conv_out.weight", 0)));
    LAC_TRY(set_number(c, "latent_channels", whole(w, prefix, "decoder.conv_in.weight", 1)));
    LAC_TRY(set(c, "use_quant_conv", json_boolean(has(w, prefix, "quant_conv.weight"))));
    LAC_TRY(set(c, "use_post_quant_conv", json_boolean(has(w, prefix, "post_quant_conv.weight"))));
    return set(c, "mid_block_add_attention", json_boolean(has(w, prefix, n->middle)));
}

static lac_status infer_diffusers(const lac_weights *w, const char *prefix, json_t *c)
{
    return infer_kl(w, prefix, c, &(level_names){ "encoder.down_blocks.", "encoder.down_blocks.0.resnets.", ".resnets.0.conv1.weight",
                                                  "encoder.mid_block.attentions.0.group_norm.weight" });
}

static lac_status infer_compvis(const lac_weights *w, const char *prefix, json_t *c)
{
    return infer_kl(w, prefix, c, &(level_names){ "encoder.down.", "encoder.down.0.block.", ".block.0.conv1.weight", "encoder.mid.attn_1.norm.weight" });
}

/* ---- a VQGAN's ---- */

static lac_status infer_coders(const lac_weights *w, const char *prefix, json_t *c)
{
    int64_t multiple[LAC_CODER_LEVELS + LAC_CODER_BLOCKS], attends[LAC_CODER_LEVELS + LAC_CODER_BLOCKS], n_attends = 0;
    const int64_t levels = count(w, prefix, "encoder.down.", ".block.0.conv1.weight"), ch = whole(w, prefix, "encoder.conv_in.weight", 0);
    const int64_t resolution = 256;             /* what shapes do not tell: attn_resolutions are given to match */
    for (int i = 0; i < levels && ch > 0; i++) {
        multiple[i] = dim_of(w, prefix, "encoder.down.", i, ".block.0.conv1.weight", 0) / ch;
        if (dim_of(w, prefix, "encoder.down.", i, ".attn.0.q.weight", 0) > 0)
            attends[n_attends++] = resolution >> i;
    }
    LAC_TRY(set_number(c, "ch", ch));
    LAC_TRY(set_levels(c, "ch_mult", NULL, multiple, ch > 0 ? levels : 0));
    LAC_TRY(set_levels(c, "attn_resolutions", NULL, attends, n_attends));
    LAC_TRY(set_number(c, "resolution", resolution));
    LAC_TRY(set_number(c, "num_res_blocks", count(w, prefix, "encoder.down.0.block.", ".conv1.weight")));
    LAC_TRY(set_number(c, "in_channels", whole(w, prefix, "encoder.conv_in.weight", 1)));
    LAC_TRY(set_number(c, "out_ch", whole(w, prefix, "decoder.conv_out.weight", 0)));
    return set_number(c, "z_channels", whole(w, prefix, "decoder.conv_in.weight", 1));
}

static lac_status infer_vqgan(const lac_weights *w, const char *prefix, json_t *c)
{
    char key[LAC_FOREIGN_KEY];
    snprintf(key, sizeof key, "%squantize.embedding.weight", prefix);
    const lac_shape codes = lac_weights_shape(w, lac_weights_find(w, key));
    json_t *inner = json_object();
    if (codes.ndim == 2) {
        LAC_TRY(set_number(c, "n_embed", codes.dim[0]));
        LAC_TRY(set_number(c, "embed_dim", codes.dim[1]));
    }
    if (inner == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
    LAC_TRY(set(c, "ddconfig", inner));
    return infer_coders(w, prefix, inner);
}

const lac_network_format lac_autoencoder_kl_formats[] = {
    { "diffusers-0", false, is_old, infer_diffusers, place_old, NULL },
    { "probe", false, is_diffusers, infer_diffusers, NULL, NULL },
    { "compvis", false, is_compvis_kl, infer_compvis, place_compvis, no_first_stage },
    { NULL },
};

const lac_network_format lac_vqgan_formats[] = { { "compvis", false, is_compvis_vq, infer_vqgan, place_own, no_first_stage }, { NULL } };
