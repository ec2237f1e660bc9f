/* CLIP (arXiv:2103.00020, sec. 2.3): towers for pictures and for texts that learn which text of the global batch is a picture's, and which picture is a text's.
 *
 *     l[i, j] = e^s image_i . text_j          loss = 1/2 (mean over i of H(l[i, :]) + mean over j of H(l[:, j]))
 *
 * over unit embeddings of all ranks' pictures and texts; s is learnt from ln(1 / 0.07), bounded at ln 100 after each step. Where captions of a batch are the same,
 * every picture of that caption is a positive of the others (arXiv:2204.03610, eq. 2): H(l) = mean over the positives j of -log softmax(l)[j], CLIP's own loss
 * where no two are the same. Each rank adds up the rows of its own pictures and texts against those of all (autograd/ops/rank_gather/). */
#include "train/recipe.h"

#include "autograd/ops/channel_affine/channel_affine.h"
#include "autograd/ops/cross_entropy/cross_entropy.h"
#include "autograd/ops/exp_scale/exp_scale.h"
#include "autograd/ops/linear/linear.h"
#include "autograd/ops/rank_gather/rank_gather.h"
#include "autograd/ops/weighted_sum/weighted_sum.h"
#include "core/memory.h"
#include "core/sha256.h"
#include "models/clip/clip.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGE, TEXT, IDS, NAME };                    /* of a batch */
enum { ROW_IMAGE, ROW_TEXT, ROW_NAME };             /* of a held-out picture */
enum { TOP1, TOP5, PICTURE_TOP1 };
enum { HELD_OUT_MOST = 256 };

typedef struct clip {
    const lac_network *net;
    lac_prompts prompts;
    size_t text_bytes;                  /* of one text in a batch */
} clip;

static const lac_key model_keys[] = {
    { "clip", LAC_KEY_TABLE, "{}", .sub = lac_clip_model_keys, .help = "as probe clip-model" },
    { "tokenizer", LAC_KEY_STR, "\"\"", .help = "folder of its tokenizer, or one of the program's own: data/stamps/tokenizer" },
    { "prompts", LAC_KEY_TABLE, "{}", .sub = lac_prompts_keys, .help = "how texts become ids" },
    { "text", LAC_KEY_STR, "\"caption\"", .choices = "caption|label", .help = "what is said of a picture: a caption of it, or the label of an object in it" },
    { NULL },
};

static const lac_key loss_keys[] = {
    { "scale_max", LAC_KEY_NUM, "100", .min = 1, .max = 1e4, .help = "largest e^logit_scale" },
    { NULL },
};

static const lac_clip *model_of(const clip *m) { return m->net->model; }

/* ---- opening ---- */

static lac_status check_towers(const lac_recipe *r, const clip *m)
{
    const lac_clip *c = model_of(m);
    const lac_tokenizer *words = m->prompts.tokenizer;
    const int64_t eos = c->text.c.eos, end = words != NULL ? lac_tokenizer_special(words).end : eos;
    if (c->vision.c.image != r->size || c->vision.c.channels != 3)
        return LAC_FAIL(LAC_ERR_CONFIG, "data.train.size is %lld, and model.clip.vision_config sees pictures of %lld x %lld with %lld channels, expected the same and 3", (long long)r->size,
                        (long long)c->vision.c.image, (long long)c->vision.c.image, (long long)c->vision.c.channels);
    return eos == end || eos == 2 ? LAC_OK
         : LAC_FAIL(LAC_ERR_CONFIG, "model.clip.text_config.eos_token_id is %lld, the tokenizer ends a text with %lld", (long long)eos, (long long)end);
}

static void choose_text(lac_recipe *r, clip *m, const json_t *model)
{
    static const char *const by_caption[] = { "image", "caption", NULL }, *const by_label[] = { "image", "label", NULL };
    const bool label = strcmp(lac_config_str(model, "text"), "label") == 0;
    r->fields = label ? by_label : by_caption;
    m->text_bytes = label ? LAC_LABEL_BYTES : LAC_CAPTION_BYTES;
}

/* No decay on gains, biases and what else is no matrix: the scale, the class token. */
static lac_status make_phase(lac_recipe *r, const clip *m, double scale_max)
{
    const lac_clip *c = model_of(m);
    lac_phase *p;
    c->logit_scale->undecayed = c->vision.embed.class_token->undecayed = c->logit_scale->bounded = true;
    c->logit_scale->most = (float)log(scale_max);
    LAC_TRY(lac_recipe_phase(r, &p, "contrast", "clip", m->net->params));
    LAC_TRY(lac_phase_loss(p, "contrast", 1));
    return lac_phase_shown(p, "logit_scale");
}

static lac_status open(lac_recipe *r, const json_t *config)
{
    const json_t *model = lac_config_at(config, "model");
    LAC_TRY(lac_calloc(&r->state, 1, sizeof(clip)));
    clip *m = r->state;
    LAC_TRY(lac_recipe_open_network(r, "clip", &lac_network_clip_model, lac_config_at(model, "clip"), &m->net));
    LAC_TRY(lac_recipe_tokenizer(r, &m->prompts, model));
    LAC_TRY(lac_context(lac_prompts_fit(&m->prompts, m->net), "model.clip"));
    LAC_TRY(check_towers(r, m));
    choose_text(r, m, model);
    r->prompts = &m->prompts;
    r->held_out = LAC_MIN(lac_config_int(config, "batch.global"), HELD_OUT_MOST);
    const int64_t length = lac_prompts_length(&m->prompts);
    LAC_TRY(lac_recipe_derive(r, "ids", LAC_I32, 1, &length));
    LAC_TRY(lac_recipe_derive(r, "name", LAC_I64, 0, NULL));
    return make_phase(r, m, lac_config_num(config, "loss.scale_max"));
}

static void close_recipe(lac_recipe *r)
{
    clip *m = r->state;
    if (m != NULL)
        lac_prompts_close(&m->prompts);
}

/* ---- what the host derives ---- */

/* Of what the tower reads: texts that differ behind what is cut are the same. Equal by chance in one of 2^63 pairs. */
static int64_t name_of(const int32_t *ids, int64_t n)
{
    uint8_t digest[LAC_SHA256_SIZE];
    int64_t name;
    lac_sha256_of(ids, (size_t)n * sizeof *ids, digest);
    memcpy(&name, digest, sizeof name);
    return name & INT64_MAX;
}

static lac_status derive(const lac_recipe *r, const lac_draws *d, lac_batch *b)
{
    const clip *m = r->state;
    const int64_t length = lac_prompts_length(&m->prompts);
    const char *text = b->field[TEXT].tensor.data;
    int32_t *ids = b->field[IDS].tensor.data;
    int64_t *name = b->field[NAME].tensor.data;
    (void)d;
    for (int64_t i = 0; i < b->n; i++) {
        LAC_TRY(lac_prompts_ids(&m->prompts, text + (size_t)i * m->text_bytes, ids + i * length, NULL));
        name[i] = name_of(ids + i * length, length);
    }
    return LAC_OK;
}

/* ---- a step ---- */

/* From [-1, 1] to what the tower sees. */
static lac_tensor *see(lac_tape *t, const clip *m, lac_tensor *image)
{
    lac_channel_affine_attr a = { .dtype = m->net->params->dtype };
    for (int i = 0; i < 3; i++) {
        a.scale[i] = 0.5f / lac_clip_std[i];
        a.shift[i] = (0.5f - lac_clip_mean[i]) / lac_clip_std[i];
    }
    return lac_clip_embed_image(t, model_of(m), lac_channel_affine(t, image, &a));
}

/* Of this rank's rows, against those of all. */
static lac_tensor *contrast(lac_tape *t, lac_tensor *scaled, lac_tensor *all, lac_tensor *name, lac_tensor *names)
{
    return lac_cross_entropy_named(t, lac_linear(t, scaled, all, NULL), name, names, NULL);
}

static lac_status forward(lac_recipe *r, const lac_phase_run *run, lac_tape *t, lac_tensor *const *field, lac_phase_out *out)
{
    const clip *m = r->state;
    lac_tensor *scale = model_of(m)->logit_scale->value, *name = field[NAME];
    if (!run->first)
        return LAC_FAIL(LAC_ERR_CONFIG, "batch.micro: each picture is held against the whole batch, so a rank's share of it goes at once: expected 0, or that share at least");
    lac_tensor *image = see(t, m, field[IMAGE]), *text = lac_clip_embed_text(t, model_of(m), field[IDS]);
    lac_tensor *images = lac_rank_gather(t, image), *texts = lac_rank_gather(t, text), *names = lac_rank_gather(t, name);
    lac_tensor *sums[2] = { contrast(t, lac_exp_scale(t, image, scale), texts, name, names), contrast(t, lac_exp_scale(t, text, scale), images, name, names) };
    out->sum[0] = lac_weighted_sum(t, sums, (float[]){ 0.5f, 0.5f }, 2);
    out->shown[0] = lac_weighted_sum(t, &scale, (float[]){ 1 }, 1);
    out->row[ROW_IMAGE] = image;
    out->row[ROW_TEXT] = text;
    out->row[ROW_NAME] = name;
    return lac_tape_status(t);
}

static void count(const lac_recipe *r, int phase, const lac_batch *batch, double *to)
{
    (void)r, (void)phase;
    to[0] = (double)batch->n;
}

/* ---- retrieval among held-out pictures ---- */

typedef struct found { const float *image, *text; const int64_t *name; int64_t n, width, *kind, n_kinds; } found;      /* kind: the first picture of each text */

static double similar(const found *f, int64_t image, int64_t text)
{
    double sum = 0;
    for (int64_t k = 0; k < f->width; k++)
        sum += (double)f->image[image * f->width + k] * (double)f->text[text * f->width + k];
    return sum;
}

static void find_kinds(found *f)
{
    for (int64_t i = 0; i < f->n; i++) {
        int64_t k = 0;
        while (k < f->n_kinds && f->name[f->kind[k]] != f->name[i])
            k++;
        if (k == f->n_kinds)
            f->kind[f->n_kinds++] = i;
    }
}

/* How many texts fit the picture at least as well as its own, itself not counted. */
static int64_t texts_before(const found *f, int64_t image)
{
    int64_t own = 0, before = 0;
    while (f->name[f->kind[own]] != f->name[image])
        own++;
    const double fit = similar(f, image, f->kind[own]);
    for (int64_t k = 0; k < f->n_kinds; k++)
        before += k != own && similar(f, image, f->kind[k]) >= fit;
    return before;
}

/* Whether the picture that fits the text best is one of its own. */
static bool finds_picture(const found *f, int64_t text)
{
    double own = -INFINITY, other = -INFINITY;
    for (int64_t i = 0; i < f->n; i++) {
        const double fit = similar(f, i, text);
        if (f->name[i] == f->name[text])
            own = fmax(own, fit);
        else
            other = fmax(other, fit);
    }
    return own > other;
}

static lac_status judge(const lac_recipe *r, const lac_held_rows *rows, double *value)
{
    const clip *m = r->state;
    found f = { .image = rows->row[ROW_IMAGE], .text = rows->row[ROW_TEXT], .name = rows->row[ROW_NAME], .n = rows->n, .width = model_of(m)->vision.c.projection };
    LAC_TRY(lac_calloc((void **)&f.kind, (size_t)f.n, sizeof *f.kind));
    find_kinds(&f);
    value[TOP1] = value[TOP5] = value[PICTURE_TOP1] = 0;
    for (int64_t i = 0; i < f.n; i++) {
        const int64_t before = texts_before(&f, i);
        value[TOP1] += before < 1;
        value[TOP5] += before < 5;
    }
    for (int64_t k = 0; k < f.n_kinds; k++)
        value[PICTURE_TOP1] += finds_picture(&f, f.kind[k]);
    value[TOP1] /= (double)f.n;
    value[TOP5] /= (double)f.n;
    value[PICTURE_TOP1] /= (double)f.n_kinds;
    free(f.kind);
    return LAC_OK;
}

static const char *const fields[] = { "image", "caption", NULL }, *const optims[] = { "clip", NULL };
static const char *const judged[] = { [TOP1] = "text_top1", [TOP5] = "text_top5", [PICTURE_TOP1] = "picture_top1", NULL };

const lac_recipe_def lac_recipe_clip = {
    .name = "clip", .about = "CLIP: towers for pictures and texts, by contrast within the global batch", .model_keys = model_keys, .loss_keys = loss_keys, .fields = fields,
    .optims = optims, .open = open, .close = close_recipe, .derive = derive, .forward = forward, .judged = judged, .judge = judge, .count = count,
};
