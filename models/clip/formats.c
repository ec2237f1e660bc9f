#include "models/clip/formats.h"

#include "core/file/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LATENT_DIFFUSION "cond_stage_model.transformer."

enum { HEAD = 64, HEAD_OF_H = 80 };     /* width of a head */

static const char *after(const char *s, const char *begin) { return strncmp(s, begin, strlen(begin)) == 0 ? s + strlen(begin) : NULL; }
static bool has(const lac_weights *w, const char *key) { return lac_weights_find(w, key) >= 0; }

/* ---- OpenAI's names ---- */

typedef struct pair { const char *ours, *theirs; } pair;

static const pair names[] = {
    { "text_model.embeddings.token_embedding.weight", "token_embedding.weight" }, { "text_model.embeddings.position_embedding.weight", "positional_embedding" },
    { "text_model.encoder.layers.", "transformer.resblocks." }, { "text_model.final_layer_norm.", "ln_final." }, { "text_projection.weight", "text_projection" },
    { "vision_model.embeddings.class_embedding", "visual.class_embedding" }, { "vision_model.embeddings.patch_embedding.weight", "visual.conv1.weight" },
    { "vision_model.embeddings.position_embedding.weight", "visual.positional_embedding" }, { "vision_model.pre_layrnorm.", "visual.ln_pre." },
    { "vision_model.encoder.layers.", "visual.transformer.resblocks." }, { "vision_model.post_layernorm.", "visual.ln_post." },
    { "visual_projection.weight", "visual.proj" }, { "logit_scale", "logit_scale" },
};

/* Within a layer; part: which third of the tensor there, counted from 1. */
static const struct { const char *ours, *theirs; int part; } within[] = {
    { "layer_norm1.", "ln_1.", 0 }, { "layer_norm2.", "ln_2.", 0 }, { "self_attn.out_proj.", "attn.out_proj.", 0 }, { "mlp.fc1.", "mlp.c_fc.", 0 },
    { "mlp.fc2.", "mlp.c_proj.", 0 }, { "self_attn.q_proj.", "attn.in_proj_", 1 }, { "self_attn.k_proj.", "attn.in_proj_", 2 }, { "self_attn.v_proj.", "attn.in_proj_", 3 },
};

static bool place_in_layer(const lac_param *p, const char *begin, const char *rest, lac_foreign *f)
{
    const char *dot = strchr(rest, '.');
    for (size_t i = 0; dot != NULL && i < LAC_COUNT(within); i++) {
        const char *last = after(dot + 1, within[i].ours);
        if (last == NULL)
            continue;
        snprintf(f->key, sizeof f->key, "%s%.*s.%s%s", begin, (int)(dot - rest), rest, within[i].theirs, last);
        if (within[i].part > 0) {
            f->of = 3 * p->value->dim[0];
            f->from = (within[i].part - 1) * p->value->dim[0];
        }
        return true;
    }
    return false;
}

static void lay(const lac_param *p, lac_foreign *f)
{
    if (p->role == LAC_ROLE_CONV)
        lac_foreign_border(p, f);
    else if (strstr(p->name, "_projection.weight") != NULL)
        lac_foreign_filters_last(p, f);
    else
        lac_foreign_as_is(p, f);
}

static bool place_openai(const lac_param *p, const char *prefix, lac_foreign *f)
{
    (void)prefix;
    lay(p, f);
    for (size_t i = 0; i < LAC_COUNT(names); i++) {
        const char *rest = after(p->name, names[i].ours);
        if (rest == NULL)
            continue;
        if (strstr(names[i].ours, ".layers.") != NULL)
            return place_in_layer(p, names[i].theirs, rest, f);
        snprintf(f->key, sizeof f->key, "%s%s", names[i].theirs, rest);
        return true;
    }
    return false;
}

/* Numbers that OpenAI's archives have among the weights. */
static bool is_number(const char *key) { return strcmp(key, "context_length") == 0 || strcmp(key, "input_resolution") == 0 || strcmp(key, "vocab_size") == 0; }
static bool not_of_openai_text(const char *key)
{
    return is_number(key) || after(key, "visual.") != NULL || strcmp(key, "text_projection") == 0 || strcmp(key, "logit_scale") == 0;
}
static bool not_of_openai_vision(const char *key) { return after(key, "visual.") == NULL; }

static const char *openai_text(const lac_weights *w) { return has(w, "token_embedding.weight") && has(w, "transformer.resblocks.0.attn.in_proj_weight") ? "" : NULL; }
static const char *openai_vision(const lac_weights *w) { return has(w, "visual.conv1.weight") && has(w, "visual.class_embedding") ? "" : NULL; }
static const char *openai_model(const lac_weights *w) { return openai_vision(w) != NULL ? openai_text(w) : NULL; }

/* ---- transformers' names ---- */

static bool place_own(const lac_param *p, const char *prefix, lac_foreign *f)
{
    lac_foreign_border(p, f);
    snprintf(f->key, sizeof f->key, "%s%s", prefix, p->name);
    return true;
}

static bool place_flat(const lac_param *p, const char *prefix, lac_foreign *f)
{
    const char *text = after(p->name, "text_model."), *vision = after(p->name, "vision_model.");
    lac_foreign_border(p, f);
    snprintf(f->key, sizeof f->key, "%s%s", prefix, text != NULL ? text : vision != NULL ? vision : p->name);
    return true;
}

static bool is_position_ids(const char *key) { return strstr(key, ".position_ids") != NULL; }
static bool not_of_text(const char *key) { return is_position_ids(key) || strstr(key, "text_model.") == NULL; }
static bool not_of_vision(const char *key) { return is_position_ids(key) || (after(key, "vision_model.") == NULL && strcmp(key, "visual_projection.weight") != 0); }

static const char *own_text(const lac_weights *w)
{
    return has(w, "text_model.embeddings.token_embedding.weight") ? ""
         : has(w, LATENT_DIFFUSION "text_model.embeddings.token_embedding.weight") ? LATENT_DIFFUSION : NULL;
}
static const char *own_vision(const lac_weights *w) { return has(w, "vision_model.embeddings.class_embedding") ? "" : NULL; }
static const char *own_model(const lac_weights *w) { return own_vision(w) != NULL && has(w, "text_model.embeddings.token_embedding.weight") ? "" : NULL; }
static const char *flat_text(const lac_weights *w) { return has(w, "embeddings.token_embedding.weight") && has(w, "final_layer_norm.weight") ? "" : NULL; }

/* ---- what the shapes say ---- */

/* Names of one layout: of a tower's tensors, `layer` with %d for its number. */
typedef struct layout { const char *token, *position, *patch, *layer, *projection; int projection_axis; } layout;

static const layout openai_text_names = { "token_embedding.weight", "positional_embedding", NULL, "transformer.resblocks.%d.mlp.c_fc.weight", NULL, 0 };
static const layout openai_vision_names = { NULL, "visual.positional_embedding", "visual.conv1.weight", "visual.transformer.resblocks.%d.mlp.c_fc.weight", "visual.proj", 1 };
static const layout own_text_names = { "text_model.embeddings.token_embedding.weight", "text_model.embeddings.position_embedding.weight", NULL,
                                       "text_model.encoder.layers.%d.mlp.fc1.weight", NULL, 0 };
static const layout flat_text_names = { "embeddings.token_embedding.weight", "embeddings.position_embedding.weight", NULL, "encoder.layers.%d.mlp.fc1.weight", NULL, 0 };
static const layout own_vision_names = { NULL, "vision_model.embeddings.position_embedding.weight", "vision_model.embeddings.patch_embedding.weight",
                                         "vision_model.encoder.layers.%d.mlp.fc1.weight", "visual_projection.weight", 0 };

static int64_t dim_of(const lac_weights *w, const char *prefix, const char *key, int axis) { return lac_foreign_dim(w, axis, "%s%s", prefix, key); }

/* Heads are 64 wide in every published CLIP but OpenCLIP's larger ones. */
static lac_status infer_tower(const lac_weights *w, const char *prefix, const layout *names_of, int64_t head, json_t *c)
{
    const char *number = strstr(names_of->layer, "%d");
    int64_t layers = 0, mlp = 0;
    for (int64_t found; (found = lac_foreign_dim(w, 0, "%s%.*s%lld%s", prefix, (int)(number - names_of->layer), names_of->layer, (long long)layers, number + 2)) > 0; layers++)
        mlp = found;
    const int64_t width = dim_of(w, prefix, names_of->position, 1);
    LAC_TRY(lac_foreign_tells(c, "hidden_size", width));
    LAC_TRY(lac_foreign_tells(c, "num_attention_heads", LAC_MAX(width / head, 1)));
    LAC_TRY(lac_foreign_tells(c, "num_hidden_layers", layers));
    return lac_foreign_tells(c, "intermediate_size", mlp);
}

static lac_status infer_text(const lac_weights *w, const char *prefix, const layout *names_of, json_t *c)
{
    LAC_TRY(infer_tower(w, prefix, names_of, HEAD, c));
    LAC_TRY(lac_foreign_tells(c, "vocab_size", dim_of(w, prefix, names_of->token, 0)));
    LAC_TRY(lac_foreign_tells(c, "eos_token_id", 2));       /* the largest id: the end token of every published vocabulary */
    return lac_foreign_tells(c, "max_position_embeddings", dim_of(w, prefix, names_of->position, 0));
}

static lac_status infer_vision(const lac_weights *w, const char *prefix, const layout *names_of, int64_t head, json_t *c)
{
    const int64_t patch = dim_of(w, prefix, names_of->patch, 2), grid = (int64_t)sqrt((double)dim_of(w, prefix, names_of->position, 0));
    LAC_TRY(infer_tower(w, prefix, names_of, head, c));
    LAC_TRY(lac_foreign_tells(c, "num_channels", dim_of(w, prefix, names_of->patch, 1)));
    LAC_TRY(lac_foreign_tells(c, "patch_size", patch));
    LAC_TRY(lac_foreign_tells(c, "image_size", grid * patch));
    return lac_foreign_tells(c, "projection_dim", dim_of(w, prefix, names_of->projection, names_of->projection_axis));
}

static lac_status infer_both(const lac_weights *w, const layout *text, const layout *vision, int64_t head, json_t *c)
{
    json_t *t = json_object(), *v = json_object();
    const bool failed = json_object_set_new(c, "text_config", t) != 0 || json_object_set_new(c, "vision_config", v) != 0;
    if (failed)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
    LAC_TRY(infer_text(w, "", text, t));
    LAC_TRY(infer_vision(w, "", vision, head, v));
    return lac_foreign_tells(c, "projection_dim", dim_of(w, "", vision->projection, vision->projection_axis));
}

/* OpenCLIP's ViT-H/14: OpenAI's names, another activation, 16 heads of 80 in the vision tower. */
static lac_status infer_open_clip_h(const lac_weights *w, const char *prefix, json_t *c)
{
    (void)prefix;
    LAC_TRY(infer_both(w, &openai_text_names, &openai_vision_names, HEAD_OF_H, c));
    const bool failed = json_object_set_new(json_object_get(c, "text_config"), "hidden_act", json_string("gelu")) != 0 ||
                        json_object_set_new(json_object_get(c, "vision_config"), "hidden_act", json_string("gelu")) != 0;
    return failed ? LAC_FAIL(LAC_ERR_MEM, "out of memory: config") : LAC_OK;
}

static lac_status infer_openai_text(const lac_weights *w, const char *prefix, json_t *c) { return infer_text(w, prefix, &openai_text_names, c); }
static lac_status infer_openai_vision(const lac_weights *w, const char *prefix, json_t *c) { return infer_vision(w, prefix, &openai_vision_names, HEAD, c); }
static lac_status infer_openai_model(const lac_weights *w, const char *prefix, json_t *c) { return (void)prefix, infer_both(w, &openai_text_names, &openai_vision_names, HEAD, c); }
static lac_status infer_own_text(const lac_weights *w, const char *prefix, json_t *c) { return infer_text(w, prefix, &own_text_names, c); }
static lac_status infer_flat_text(const lac_weights *w, const char *prefix, json_t *c) { return infer_text(w, prefix, &flat_text_names, c); }
static lac_status infer_own_vision(const lac_weights *w, const char *prefix, json_t *c) { return infer_vision(w, prefix, &own_vision_names, HEAD, c); }
static lac_status infer_own_model(const lac_weights *w, const char *prefix, json_t *c) { return (void)prefix, infer_both(w, &own_text_names, &own_vision_names, HEAD, c); }

const lac_network_format lac_clip_model_formats[] = {
    { "openai", false, openai_model, infer_openai_model, place_openai, is_number },
    { "probe", false, own_model, infer_own_model, NULL, NULL },
    { NULL },
};

const lac_network_format lac_hps_formats[] = {
    { "open-clip", false, openai_model, infer_open_clip_h, place_openai, is_number },
    { NULL },
};

const lac_network_format lac_clip_text_formats[] = {
    { "openai", false, openai_text, infer_openai_text, place_openai, not_of_openai_text },
    { "flat", false, flat_text, infer_flat_text, place_flat, is_position_ids },
    { "probe", false, own_text, infer_own_text, place_own, not_of_text },
    { NULL },
};

const lac_network_format lac_clip_vision_formats[] = {
    { "openai", false, openai_vision, infer_openai_vision, place_openai, not_of_openai_vision },
    { "probe", false, own_vision, infer_own_vision, place_own, not_of_vision },
    { NULL },
};
