/* CLIP as OpenAI published it, what is made of its embeddings, and the heads that score pictures. */
#include "cli/probe/probe.h"

#include "autograd/ops/cross_entropy/cross_entropy.h"
#include "autograd/ops/embedding/embedding.h"
#include "autograd/ops/exp_scale/exp_scale.h"
#include "autograd/ops/l2_normalize/l2_normalize.h"
#include "autograd/ops/weighted_sum/weighted_sum.h"
#include "core/text/tokenizer.h"
#include "eval/clip_input.h"
#include "eval/cosine.h"
#include "models/clip/clip.h"
#include "models/network_format.h"
#include "models/reward/heads.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is(const lac_probe *p, const char *key, const char *word) { return strcmp(lac_config_str(p->config, key), word) == 0; }

/* ---- clip-preprocess */

static const lac_key input_keys[] = {
    { "recipe", LAC_KEY_STR, "\"clip\"", .choices = LAC_CLIP_RECIPES, .help = "whose preprocessing" },
    { "size", LAC_KEY_INT, "224", .min = 1, .max = 4096, .help = "height and width of the result" },
    { NULL },
};

static const lac_port input_ports[] = { { "image", LAC_LAYOUT_PLAIN, 3, LAC_PORT_U8, "[H,W,3]" }, { NULL } };

static lac_status preprocess(lac_probe *p)
{
    const lac_tensor *image = lac_probe_host(p, "image");
    const int64_t size = lac_config_int(p->config, "size");
    const lac_clip_recipe recipe = (lac_clip_recipe)lac_config_choice(p->config, "recipe", LAC_CLIP_RECIPES);
    const bool crops = recipe == LAC_CLIP_INPUT || recipe == LAC_CLIP_INPUT_HF;
    lac_tensor *x, *crop = NULL;
    float *pixels;
    LAC_TRY(lac_probe_numbers(p, 3 * size * size, &pixels));
    LAC_TRY(lac_probe_result(p, "pixel_values", LAC_F32, 3, (int64_t[]){ 3, size, size }, &x));
    if (crops)
        LAC_TRY(lac_probe_result(p, "crop", LAC_U8, 3, (int64_t[]){ size, size, 3 }, &crop));
    LAC_TRY(lac_context(lac_clip_input(pixels, crop != NULL ? crop->data : NULL, size, image->data, image->dim[0], image->dim[1], recipe), "input 'image'"));
    for (int64_t i = 0; i < 3 * size * size; i++)
        ((float *)x->data)[i % 3 * size * size + i / 3] = pixels[i];
    return LAC_OK;
}

/* ---- clip-tokenize */

enum { CONTEXT = 77 };

static const lac_key tokenize_keys[] = {
    { "texts", LAC_KEY_LIST, NULL, .of = LAC_KEY_STR, .help = "strings" },
    { "vocab", LAC_KEY_STR, NULL, .help = "bpe_simple_vocab_16e6.txt.gz; relative to the config" },
    { NULL },
};

static const lac_port no_ports[] = { { NULL } };

static lac_status encode_texts(lac_probe *p, const lac_tokenizer *t)
{
    const json_t *texts = lac_config_at(p->config, "texts");
    const int64_t n = (int64_t)json_array_size(texts);
    lac_tensor *ids;
    LAC_TRY(lac_probe_result(p, "input_ids", LAC_I64, 2, (int64_t[]){ n, CONTEXT }, &ids));
    for (int64_t i = 0; i < n; i++) {
        const json_t *text = json_array_get(texts, (size_t)i);
        const lac_status s = lac_tokenizer_encode(t, json_string_value(text), json_string_length(text), LAC_I64, CONTEXT, (int64_t *)ids->data + i * CONTEXT, NULL);
        LAC_TRY(lac_context(s, "texts[%lld]", (long long)i));
    }
    return LAC_OK;
}

static lac_status tokenize(lac_probe *p)
{
    char *path;
    lac_tokenizer *t;
    LAC_TRY(lac_probe_path(p, "vocab", &path));
    lac_status s = lac_tokenizer_open_file(&t, "clip-openai", path, NULL);
    free(path);
    LAC_TRY(s);
    s = encode_texts(p, t);
    lac_tokenizer_close(t);
    return s;
}

/* ---- clip */

static const lac_port clip_ports[] = {
    { "pixel_values", LAC_LAYOUT_IMAGE, 4, 0, "[N,3,S,S]" }, { "input_ids", LAC_LAYOUT_PLAIN, 2, LAC_PORT_I64, "[M,T]" }, { NULL },
};

/* The sizes are those of the weights. */
static lac_status open_as_published(lac_probe *p, const lac_weights *w)
{
    static const char *const telling[] = { "visual.conv1.weight", "visual.positional_embedding", "visual.proj", "token_embedding.weight", "positional_embedding" };
    json_t *config = json_object();
    LAC_TRY(lac_network_format_find(&lac_network_clip_model, "openai", &p->format));
    for (size_t i = 0; i < LAC_COUNT(telling); i++)
        if (lac_weights_find(w, telling[i]) < 0) {
            json_decref(config);
            return LAC_FAIL(LAC_ERR_KEY, "'%s' is missing: not OpenAI's CLIP", telling[i]);
        }
    lac_status s = config == NULL ? LAC_FAIL(LAC_ERR_MEM, "out of memory: config") : p->format->infer(w, "", config);
    if (s == LAC_OK)
        s = lac_probe_network(p, &lac_network_clip_model, "clip", "", config);
    json_decref(config);
    return s;
}

static lac_status open_clip(lac_probe *p)
{
    lac_weights *w;
    if (p->weights_path == NULL)
        return LAC_FAIL(LAC_ERR_ARG, "clip wants --weights FILE");
    LAC_TRY(lac_weights_open(&w, p->weights_path));
    const lac_status s = lac_context(open_as_published(p, w), "loading '%s'", p->weights_path);
    lac_weights_close(w);
    return s;
}

static lac_status check_clip(const lac_probe *p, const lac_clip *m)
{
    const lac_tensor *x = lac_probe_host(p, "pixel_values"), *ids = lac_probe_host(p, "input_ids");
    const int64_t size = m->vision.c.image;
    if (x->dim[1] != size || x->dim[2] != size || x->dim[3] != m->vision.c.channels)
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'pixel_values' is [%lld,%lld,%lld,%lld], expected [N,%lld,%lld,%lld]", (long long)x->dim[0], (long long)x->dim[3], (long long)x->dim[1],
                        (long long)x->dim[2], (long long)m->vision.c.channels, (long long)size, (long long)size);
    if (ids->dim[1] != m->text.c.positions)
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'input_ids' is %s, expected [M,%lld]", lac_shape_str(ids), (long long)m->text.c.positions);
    return lac_embedding_check(ids, m->text.c.vocabulary, "input 'input_ids'");
}

static lac_tensor *logits(lac_tape *t, lac_tensor *image, lac_tensor *text, lac_tensor *logit_scale)
{
    if (image != NULL && text != NULL && text->dim[0] == 0)
        return lac_reshape(t, text, 2, (int64_t[]){ image->dim[0], 0 });
    return lac_linear(t, lac_exp_scale(t, lac_l2_normalize(t, image, LAC_F32), logit_scale), lac_l2_normalize(t, text, LAC_F32), NULL);
}

static lac_status forward_clip(lac_probe *p, lac_tape *t)
{
    const lac_clip *m = lac_probe_model(p, 0);
    LAC_TRY(check_clip(p, m));
    lac_tensor *image = lac_clip_vision_forward(t, &m->vision, lac_probe_tensor(p, "pixel_values")).embeds;
    lac_tensor *text = lac_linear_layer_forward(t, &m->text_projection, lac_clip_text_forward(t, &m->text, lac_probe_tensor(p, "input_ids")).pooled);
    LAC_TRY(lac_probe_out(p, t, "image_embeds", LAC_LAYOUT_PLAIN, image));
    LAC_TRY(lac_probe_out(p, t, "text_embeds", LAC_LAYOUT_PLAIN, text));
    return lac_probe_out(p, t, "logits_per_image", LAC_LAYOUT_PLAIN, logits(t, image, text, m->logit_scale->value));
}

/* ---- clip-loss */

#define EMBEDS(name, flags) { name, LAC_LAYOUT_PLAIN, 2, flags, "[N,D]" }
static const lac_port loss_ports[] = {
    EMBEDS("image_embeds", 0), EMBEDS("text_embeds", 0), { "logit_scale", LAC_LAYOUT_PLAIN, 0, LAC_PORT_F32, "[]" }, { NULL },
};

static lac_status forward_loss(lac_probe *p, lac_tape *t)
{
    lac_tensor *image = lac_probe_tensor(p, "image_embeds"), *text = lac_probe_tensor(p, "text_embeds"), *scale = lac_probe_tensor(p, "logit_scale");
    LAC_TRY(lac_probe_same_shape(p, "text_embeds", "image_embeds"));
    if (image->dim[0] < 1)
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'image_embeds' is %s, expected at least one row", lac_shape_str(image));
    lac_tensor *per_image = logits(t, image, text, scale), *per_text = logits(t, text, image, scale);
    const float half = 0.5f / (float)image->dim[0];
    lac_tensor *sums[2] = { lac_cross_entropy(t, per_image, NULL, NULL), lac_cross_entropy(t, per_text, NULL, NULL) };
    return lac_probe_out(p, t, "loss", LAC_LAYOUT_PLAIN, lac_weighted_sum(t, sums, (float[]){ half, half }, 2));
}

/* ---- clip-score, clip-directional */

static const lac_key score_keys[] = { { "recipe", LAC_KEY_STR, "\"clip100\"", .choices = "clip100|clipscore-w2.5|cos", .help = "scale of the cosine" }, { NULL } };
static const lac_port score_ports[] = { EMBEDS("image_embeds", LAC_PORT_F64), EMBEDS("text_embeds", LAC_PORT_F64), { NULL } };

static lac_status f64_row(lac_probe *p, const char *name, int ndim, int64_t n, double **to)
{
    lac_tensor *x;
    LAC_TRY(lac_probe_result(p, name, LAC_F64, ndim, &n, &x));
    *to = x->data;
    return LAC_OK;
}

static lac_status score(lac_probe *p)
{
    const lac_tensor *image = lac_probe_host(p, "image_embeds"), *text = lac_probe_host(p, "text_embeds");
    const int64_t n = image->dim[0], d = image->dim[1];
    double *value, *mean, sum = 0;
    LAC_TRY(lac_probe_same_shape(p, "text_embeds", "image_embeds"));
    LAC_TRY(f64_row(p, "value", 1, n, &value));
    LAC_TRY(f64_row(p, "mean", 0, 1, &mean));
    for (int64_t i = 0; i < n; i++) {
        const double c = lac_cosine((double *)image->data + i * d, (double *)text->data + i * d, d);
        value[i] = is(p, "recipe", "cos") ? c : is(p, "recipe", "clip100") ? 100 * c : 2.5 * fmax(c, 0);
        sum += value[i];
    }
    *mean = is(p, "recipe", "clip100") && sum < 0 ? 0 : sum / (double)n;
    return LAC_OK;
}

static const lac_port directional_ports[] = {
    EMBEDS("image_in", LAC_PORT_F64), EMBEDS("image_out", LAC_PORT_F64), EMBEDS("text_in", LAC_PORT_F64), EMBEDS("text_out", LAC_PORT_F64), { NULL },
};

static lac_status directional(lac_probe *p)
{
    static const char *const in[] = { "image_in", "image_out", "text_in", "text_out" }, *const out[] = { "direction", "image_text_in", "image_text_out", "image_image" };
    const double *x[4];
    double *y[4];
    const int64_t n = lac_probe_host(p, in[0])->dim[0], d = lac_probe_host(p, in[0])->dim[1];
    for (int k = 0; k < 4; k++) {
        LAC_TRY(lac_probe_same_shape(p, in[k], in[0]));
        x[k] = lac_probe_host(p, in[k])->data;
        LAC_TRY(f64_row(p, out[k], 1, n, &y[k]));
    }
    for (int64_t i = 0; i < n; i++) {
        const int64_t at = i * d;
        y[0][i] = lac_cosine_of_changes(x[0] + at, x[1] + at, x[2] + at, x[3] + at, d);
        y[1][i] = lac_cosine(x[0] + at, x[2] + at, d);
        y[2][i] = lac_cosine(x[1] + at, x[3] + at, d);
        y[3][i] = lac_cosine(x[0] + at, x[1] + at, d);
    }
    return LAC_OK;
}

/* ---- heads */

static const lac_key aesthetic_keys[] = { { "version", LAC_KEY_INT, "1", .min = 1, .max = 2, .help = "1: one linear layer; 2: five" }, { NULL } };
static const lac_port aesthetic_ports[] = { { "image_embeds", LAC_LAYOUT_PLAIN, 2, 0, "[N,768]" }, { NULL } };
static const lac_port hidden_ports[] = { { "hidden", LAC_LAYOUT_PLAIN, 2, 0, "[N,768]" }, { NULL } };

static lac_status open_aesthetic(lac_probe *p)
{
    return lac_probe_network(p, lac_config_int(p->config, "version") == 1 ? &lac_network_aesthetic_v1 : &lac_network_aesthetic_v2, "aesthetic", "", NULL);
}

static lac_status forward_head(lac_probe *p, lac_tape *t)
{
    lac_tensor *x = lac_probe_tensor(p, p->kind->in[0].name), *y = lac_reward_head_forward(t, lac_probe_model(p, 0), x);
    return lac_probe_out(p, t, "value", LAC_LAYOUT_PLAIN, lac_reshape(t, y, 1, x->dim));
}

const lac_kind lac_kind_clip_preprocess = { "clip-preprocess", "a picture as CLIP and its relatives want it", input_keys, input_ports, "pixel_values, crop (clip, hf)",
                                            .compute = preprocess };
const lac_kind lac_kind_clip_tokenize = { "clip-tokenize", "OpenAI's tokenizer of CLIP", tokenize_keys, no_ports, "input_ids", .compute = tokenize };
const lac_kind lac_kind_clip = { "clip", "CLIP in OpenAI's layout, of the size that the weights have", NULL, clip_ports, "image_embeds, text_embeds, logits_per_image", .open = open_clip,
                                 .forward = forward_clip };
const lac_kind lac_kind_clip_loss = { "clip-loss", "contrastive loss, of each picture its text and of each text its picture", NULL, loss_ports, "loss", .forward = forward_loss };
const lac_kind lac_kind_clip_score = { "clip-score", "cosine of picture and text, scaled", score_keys, score_ports, "value, mean", .compute = score };
const lac_kind lac_kind_clip_directional = { "clip-directional", "whether the picture changed as the text did", NULL, directional_ports,
                                             "direction, image_text_in, image_text_out, image_image", .compute = directional };
const lac_kind lac_kind_aesthetic_head = { "aesthetic-head", "LAION's aesthetic predictors", aesthetic_keys, aesthetic_ports, "value", .open = open_aesthetic, .forward = forward_head };
const lac_kind lac_kind_image_reward_head = { "image-reward-head", "the head of ImageReward", NULL, hidden_ports, "value", .network = &lac_network_image_reward_head, .forward = forward_head };
