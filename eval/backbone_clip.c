#include "eval/backbone_clip.h"

#include "core/memory.h"
#include "core/text/tokenizer.h"
#include "models/clip/clip.h"
#include "models/inpainter.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 16, REMEMBERED = 2048 };         /* inputs at once; of each tower, inputs that may come again */

struct lac_clip_backbone {
    const char *name;                           /* of its weights */
    lac_network net;
    lac_tape *tape;
    lac_tokenizer *words;                       /* NULL: nobody reads yet */
    lac_prompts prompts;                        /* or, of a miniature, how it reads */
    lac_memo *pictures, *texts;
    const lac_eval_weights *weights;
    char *mark;                                 /* of a miniature's weights; NULL */
};

static const lac_clip *model_of(const lac_clip_backbone *c) { return c->net.model; }
int64_t lac_clip_backbone_width(const lac_clip_backbone *c) { return model_of(c)->vision.c.projection; }
int64_t lac_clip_backbone_side(const lac_clip_backbone *c) { return model_of(c)->vision.c.image; }

/* ---- opening ---- */

static lac_status make_room(lac_clip_backbone *c, const lac_backend *b)
{
    LAC_TRY(lac_tape_new(&c->tape, b));
    LAC_TRY(lac_memo_new(&c->pictures, REMEMBERED, lac_clip_backbone_width(c)));
    return lac_memo_new(&c->texts, REMEMBERED, lac_clip_backbone_width(c));
}

static lac_status open_as(void **state, const lac_backend *b, const lac_eval_weights *weights, const char *name, const lac_network_def *def)
{
    const lac_eval_files *files;
    lac_clip_backbone *c;
    LAC_TRY(lac_eval_weights_want(weights, name, &files));
    LAC_TRY(lac_calloc(state, 1, sizeof *c));
    c = *state;
    c->name = name;
    c->weights = weights;
    LAC_TRY(lac_eval_files_open_network(files, &c->net, def, b));
    return make_room(c, b);
}

static lac_status open(void **state, const lac_backend *b, const lac_eval_weights *w) { return open_as(state, b, w, "clip", &lac_network_clip_model); }
static lac_status open_hps_v2(void **state, const lac_backend *b, const lac_eval_weights *w) { return open_as(state, b, w, "hps-v2", &lac_network_hps); }
static lac_status open_hps_v21(void **state, const lac_backend *b, const lac_eval_weights *w) { return open_as(state, b, w, "hps-v2.1", &lac_network_hps); }

static lac_status open_mini(void **state, const lac_backend *b, const lac_eval_weights *weights)
{
    const lac_eval_files *files;
    lac_clip_backbone *c;
    LAC_TRY(lac_eval_weights_want(weights, "mini-clip", &files));
    if (files->n > 1)
        return LAC_FAIL(LAC_ERR_ARG, "weights 'mini-clip' are one file, found '%s' and %lld more", files->file[0].path, (long long)files->n - 1);
    LAC_TRY(lac_calloc(state, 1, sizeof *c));
    c = *state;
    LAC_TRY(lac_eval_files_mark(files, &c->mark));
    LAC_TRY(lac_context(lac_network_load_with(&c->net, &c->prompts, files->file[0].path, &lac_network_clip_model, b), "weights 'mini-clip'"));
    return make_room(c, b);
}

static void close(void *state)
{
    lac_clip_backbone *c = state;
    lac_memo_free(c->pictures);
    lac_memo_free(c->texts);
    lac_tape_free(c->tape);
    lac_tokenizer_close(c->words);
    lac_prompts_close(&c->prompts);
    lac_network_close(&c->net);
    free(c->mark);
    free(c);
}

static const lac_backbone_def definition = { "clip", open, close }, mini = { "mini-clip", open_mini, close }, hps_v2 = { "hps-v2", open_hps_v2, close },
                              hps_v21 = { "hps-v2.1", open_hps_v21, close };

static lac_status learn_to_read(lac_clip_backbone *c)
{
    const lac_eval_files *vocabulary;
    LAC_TRY(lac_eval_weights_want(c->weights, "clip-vocab", &vocabulary));
    LAC_TRY(lac_tokenizer_open_file(&c->words, "clip-openai", vocabulary->file[0].path, NULL));
    const int64_t words = lac_tokenizer_special(c->words).size, rows = model_of(c)->text.c.vocabulary;
    if (words <= rows)
        return LAC_OK;
    lac_tokenizer_close(c->words);
    c->words = NULL;
    return LAC_FAIL(LAC_ERR_SHAPE, "weights 'clip-vocab' have %lld ids, and '%s' has %lld rows for them", (long long)words, c->name, (long long)rows);
}

static lac_status get(const lac_features *f, const lac_backbone_def *def, bool reads, lac_clip_backbone **c)
{
    void *state;
    LAC_TRY(lac_backbones_get(f->backbones, def, &state));
    *c = state;
    return reads && (*c)->words == NULL ? learn_to_read(*c) : LAC_OK;
}

lac_status lac_clip_backbone_get(const lac_features *f, bool reads, lac_clip_backbone **c) { return get(f, &definition, reads, c); }
lac_status lac_clip_backbone_get_hps(const lac_features *f, bool first, lac_clip_backbone **c) { return get(f, first ? &hps_v2 : &hps_v21, true, c); }

lac_status lac_clip_backbone_get_mini(const lac_features *f, lac_clip_backbone **c) { return get(f, &mini, false, c); }

lac_status lac_clip_backbone_recipe(const lac_clip_backbone *c, char **text)
{
    const lac_clip_vision_config *v = &model_of(c)->vision.c;
    const long long side = v->image, patch = v->patch;
    return c->mark == NULL ? lac_format(text, "clip=%lldpx/%lld", side, patch) : lac_format(text, "mini-clip=%lldpx/%lld,weights=%s", side, patch, c->mark);
}

/* ---- running ---- */

static lac_status embed_pictures(lac_tape *t, const void *model, lac_tensor *const *in, lac_tensor **out)
{
    out[0] = lac_clip_embed_image(t, model, in[0]);
    return lac_tape_status(t);
}

static lac_status embed_texts(lac_tape *t, const void *model, lac_tensor *const *in, lac_tensor **out)
{
    out[0] = lac_clip_embed_text(t, model, in[0]);
    return lac_tape_status(t);
}

/* x is the call's, and ends here. */
static lac_status run(lac_clip_backbone *c, const char *what, lac_network_call *call, lac_tensor *x, lac_status filled, float *value)
{
    lac_tensor *out = NULL;
    lac_status s = filled;
    if (s == LAC_OK)
        s = lac_network_run(&c->net, c->tape, what, call, &x, 1, &out, 1);
    if (s == LAC_OK)
        memcpy(value, out->data, (size_t)lac_numel(out) * sizeof *value);
    lac_tensor_free(x);
    lac_tensor_free(out);
    return s;
}

typedef struct asked { lac_clip_backbone *c; const lac_picture *picture; lac_clip_recipe recipe; const char *const *text; } asked;

static lac_status run_pictures(const asked *a, const int64_t *at, int64_t n, float *value)
{
    const int64_t side = lac_clip_backbone_side(a->c);
    lac_tensor *x;
    LAC_TRY(lac_tensor_new(&x, LAC_F32, 4, (int64_t[]){ n, side, side, 3 }));
    lac_status s = LAC_OK;
    for (int64_t i = 0; s == LAC_OK && i < n; i++) {
        const lac_picture *p = &a->picture[at[i]];
        s = lac_clip_input((float *)x->data + i * side * side * 3, NULL, side, p->pixels, p->height, p->width, a->recipe);
    }
    return run(a->c, "picture", embed_pictures, x, s, value);
}

static lac_status run_texts(const asked *a, const int64_t *at, int64_t n, float *value)
{
    const lac_prompts *prompts = a->c->prompts.tokenizer != NULL ? &a->c->prompts : NULL;
    const int64_t length = prompts != NULL ? lac_prompts_length(prompts) : model_of(a->c)->text.c.positions;
    lac_tensor *x;
    LAC_TRY(lac_tensor_new(&x, LAC_I32, 2, (int64_t[]){ n, length }));
    lac_status s = LAC_OK;
    for (int64_t i = 0; s == LAC_OK && i < n; i++) {
        const char *text = a->text[at[i]] != NULL ? a->text[at[i]] : "";
        int32_t *ids = (int32_t *)x->data + i * length;
        s = prompts != NULL ? lac_prompts_ids(prompts, text, ids, NULL) : lac_tokenizer_encode(a->c->words, text, strlen(text), LAC_I32, length, ids, NULL);
    }
    return run(a->c, "text", embed_texts, x, s, value);
}

/* A batch at a time. */
static lac_status run_all(void *context, const int64_t *at, int64_t n, float *value)
{
    const asked *a = context;
    const int64_t width = lac_clip_backbone_width(a->c);
    for (int64_t i = 0; i < n; i += BATCH) {
        const int64_t some = LAC_MIN(BATCH, n - i);
        LAC_TRY(a->text != NULL ? run_texts(a, at + i, some, value + i * width) : run_pictures(a, at + i, some, value + i * width));
    }
    return LAC_OK;
}

/* ---- each once ---- */

lac_status lac_clip_backbone_see(lac_clip_backbone *c, const lac_picture *picture, int64_t n, lac_clip_recipe recipe, float *embedding)
{
    asked a = { .c = c, .picture = picture, .recipe = recipe };
    lac_memo_key *key;
    LAC_TRY(lac_calloc((void **)&key, (size_t)n, sizeof *key));
    for (int64_t i = 0; i < n; i++)
        key[i] = lac_picture_key(&picture[i], recipe);
    const lac_status s = lac_memo_values(c->pictures, key, n, run_all, &a, embedding);
    free(key);
    return s;
}

typedef struct parts { lac_image *image; lac_picture *picture; float *found; int64_t *of, n; } parts;

static lac_status make_parts(parts *p, const lac_picture *picture, int64_t n, lac_clip_part *part, const void *context, int64_t width)
{
    LAC_TRY(lac_calloc((void **)&p->image, (size_t)n, sizeof *p->image));
    LAC_TRY(lac_calloc((void **)&p->picture, (size_t)n, sizeof *p->picture));
    LAC_TRY(lac_calloc((void **)&p->found, (size_t)(n * width), sizeof *p->found));
    LAC_TRY(lac_calloc((void **)&p->of, (size_t)n, sizeof *p->of));
    for (int64_t i = 0; i < n; i++) {
        lac_image *to = &p->image[p->n];
        bool there;
        LAC_TRY(part(context, &picture[i], to, &there));
        if (!there)
            continue;
        p->picture[p->n] = (lac_picture){ .height = to->height, .width = to->width, .pixels = to->pixels };
        p->of[p->n++] = i;
    }
    return LAC_OK;
}

static void free_parts(parts *p)
{
    for (int64_t i = 0; i < p->n; i++)
        lac_image_free(&p->image[i]);
    free(p->image);
    free(p->picture);
    free(p->found);
    free(p->of);
}

lac_status lac_clip_backbone_see_parts(lac_clip_backbone *c, const lac_picture *picture, int64_t n, lac_clip_recipe recipe, lac_clip_part *part, const void *context,
                                       float *embedding)
{
    const int64_t width = lac_clip_backbone_width(c);
    parts p = { .n = 0 };
    lac_status s = make_parts(&p, picture, n, part, context, width);
    if (s == LAC_OK)
        s = lac_clip_backbone_see(c, p.picture, p.n, recipe, p.found);
    memset(embedding, 0, (size_t)(n * width) * sizeof *embedding);
    for (int64_t i = 0; s == LAC_OK && i < p.n; i++)
        memcpy(embedding + p.of[i] * width, p.found + i * width, (size_t)width * sizeof *embedding);
    free_parts(&p);
    return s;
}

lac_status lac_clip_backbone_read(lac_clip_backbone *c, const char *const *text, int64_t n, float *embedding)
{
    asked a = { .c = c, .text = text };
    lac_memo_key *key;
    LAC_TRY(lac_calloc((void **)&key, (size_t)n, sizeof *key));
    for (int64_t i = 0; i < n; i++)
        lac_sha256_of(text[i] != NULL ? text[i] : "", text[i] != NULL ? strlen(text[i]) : 0, key[i].digest);
    const lac_status s = lac_memo_values(c->texts, key, n, run_all, &a, embedding);
    for (int64_t i = 0, width = lac_clip_backbone_width(c); s == LAC_OK && i < n; i++)
        if (text[i] == NULL)
            memset(embedding + i * width, 0, (size_t)width * sizeof *embedding);
    free(key);
    return s;
}
