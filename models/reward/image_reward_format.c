#include "models/reward/image_reward_format.h"

#include "core/file/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define VISION "blip.visual_encoder."
#define TEXT "blip.text_encoder."

enum { HEAD = 64 };             /* width of a head, of both towers */

/* ---- where a parameter lies ---- */

/* A dim of 1 in front of ours. */
static void lay_behind_one(lac_foreign *f)
{
    for (int i = f->shape.ndim++; i > 0; i--)
        f->shape.dim[i] = f->shape.dim[i - 1];
    f->shape.dim[0] = 1;
}

static bool place_third(const lac_param *p, const char *word, int part, lac_foreign *f)
{
    const char *at = strstr(p->name, word);
    if (at == NULL)
        return false;
    snprintf(f->key, sizeof f->key, "%.*s.attn.qkv.%s", (int)(at - p->name), p->name, at + strlen(word));
    f->of = 3 * p->value->dim[0];
    f->from = part * p->value->dim[0];
    return true;
}

static bool place(const lac_param *p, const char *prefix, lac_foreign *f)
{
    (void)prefix;
    lac_foreign_border(p, f);
    if (strcmp(p->name, VISION "cls_token") == 0) {
        lay_behind_one(f);
        lay_behind_one(f);
    } else if (strcmp(p->name, VISION "pos_embed") == 0)
        lay_behind_one(f);
    if (place_third(p, ".attn.q.", 0, f) || place_third(p, ".attn.k.", 1, f) || place_third(p, ".attn.v.", 2, f))
        return true;
    snprintf(f->key, sizeof f->key, "%s", p->name);
    return true;
}

static bool unused(const char *key)
{
    static const char *const begin[] = { "blip.vision_proj.", "blip.text_proj.", TEXT "embeddings.position_ids" };
    for (size_t i = 0; i < LAC_COUNT(begin); i++)
        if (strncmp(key, begin[i], strlen(begin[i])) == 0)
            return true;
    return false;
}

/* ---- whose file it is, and what its shapes tell ---- */

static const char *recognises(const lac_weights *w)
{
    const bool all = lac_weights_find(w, VISION "pos_embed") >= 0 && lac_weights_find(w, TEXT "embeddings.word_embeddings.weight") >= 0;
    return all && lac_weights_find(w, "mlp.layers.0.weight") >= 0 ? "" : NULL;
}

static lac_status infer_vision(const lac_weights *w, json_t *c)
{
    const int64_t patch = lac_foreign_dim(w, 2, VISION "patch_embed.proj.weight"), width = lac_foreign_dim(w, 2, VISION "pos_embed");
    const int64_t grid = (int64_t)sqrt((double)lac_foreign_dim(w, 1, VISION "pos_embed"));
    int64_t layers = 0;
    while (lac_foreign_dim(w, 0, VISION "blocks.%lld.mlp.fc1.weight", (long long)layers) > 0)
        layers++;
    LAC_TRY(lac_foreign_tells(c, "image_size", grid * patch));
    LAC_TRY(lac_foreign_tells(c, "patch_size", patch));
    LAC_TRY(lac_foreign_tells(c, "num_channels", lac_foreign_dim(w, 1, VISION "patch_embed.proj.weight")));
    LAC_TRY(lac_foreign_tells(c, "vision_width", width));
    LAC_TRY(lac_foreign_tells(c, "vision_heads", LAC_MAX(width / HEAD, 1)));
    LAC_TRY(lac_foreign_tells(c, "vision_layers", layers));
    return lac_foreign_tells(c, "vision_mlp", lac_foreign_dim(w, 0, VISION "blocks.0.mlp.fc1.weight"));
}

static lac_status infer_text(const lac_weights *w, json_t *c)
{
    const int64_t width = lac_foreign_dim(w, 1, TEXT "embeddings.word_embeddings.weight");
    int64_t layers = 0;
    while (lac_foreign_dim(w, 0, TEXT "encoder.layer.%lld.intermediate.dense.weight", (long long)layers) > 0)
        layers++;
    LAC_TRY(lac_foreign_tells(c, "vocab_size", lac_foreign_dim(w, 0, TEXT "embeddings.word_embeddings.weight")));
    LAC_TRY(lac_foreign_tells(c, "positions", lac_foreign_dim(w, 0, TEXT "embeddings.position_embeddings.weight")));
    LAC_TRY(lac_foreign_tells(c, "text_width", width));
    LAC_TRY(lac_foreign_tells(c, "text_heads", LAC_MAX(width / HEAD, 1)));
    LAC_TRY(lac_foreign_tells(c, "text_layers", layers));
    return lac_foreign_tells(c, "text_mlp", lac_foreign_dim(w, 0, TEXT "encoder.layer.0.intermediate.dense.weight"));
}

static lac_status infer(const lac_weights *w, const char *prefix, json_t *c)
{
    static const int layer[] = { 0, 2, 4, 6 };
    json_t *head = json_array();
    (void)prefix;
    if (json_object_set_new(c, "head", head) != 0)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
    for (size_t i = 0; i < LAC_COUNT(layer); i++)
        if (json_array_append_new(head, json_integer(LAC_MAX(lac_foreign_dim(w, 0, "mlp.layers.%d.weight", layer[i]), 1))) != 0)
            return LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
    LAC_TRY(infer_vision(w, c));
    return infer_text(w, c);
}

const lac_network_format lac_image_reward_formats[] = {
    { "official", false, recognises, infer, place, unused },
    { NULL },
};
