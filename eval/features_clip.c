/* CLIP (models/clip/) as features of a picture and its prompt: the picture's embedding, then the text's, each of length 1; zeros where there is no prompt.
 * Option: what stands before each caption ("A photo depicts "). Weights: "clip", of any size under OpenAI's or transformers' names, and "clip-vocab",
 * OpenAI's bpe_simple_vocab_16e6.txt.gz. Texts longer than the tower reads are cut. */
#include "eval/features.h"

#include "core/memory.h"
#include "core/text/tokenizer.h"
#include "eval/clip_input.h"
#include "models/clip/clip.h"
#include "models/network.h"
#include "models/network_format.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 16 };        /* pictures at once */

typedef struct clip {
    lac_network net;
    lac_tape *tape;
    lac_tokenizer *words;
    const char *before;
} clip;

static lac_status open_as_it_is(clip *c, const lac_weights *w, const lac_backend *b)
{
    const lac_network_format *format;
    const char *prefix;
    json_t *config = json_object();
    lac_network_format_of(&lac_network_clip_model, w, &format, &prefix);
    lac_status s = config != NULL && format->infer != NULL ? format->infer(w, prefix, config) : LAC_FAIL(LAC_ERR_KEY, "these are not CLIP's keys");
    if (s == LAC_OK)
        s = lac_network_open(&c->net, &lac_network_clip_model, config, b, LAC_F32);
    json_decref(config);
    return s == LAC_OK ? lac_network_read(c->net.params, w, format, prefix) : s;
}

static lac_status load(clip *c, const lac_eval_files *files, const lac_backend *b)
{
    lac_weights *w;
    LAC_TRY(lac_eval_files_open(files, &w));
    const lac_status s = open_as_it_is(c, w, b);
    lac_weights_close(w);
    return lac_context(s, "weights '%s' (%s)", files->name, files->file[0].path);
}

static lac_status open(lac_features *f, const char *option)
{
    const lac_eval_files *files, *vocabulary;
    clip *c;
    LAC_TRY(lac_calloc(&f->state, 1, sizeof *c));
    c = f->state;
    c->before = f->option;
    LAC_TRY(lac_eval_weights_want(f->weights, "clip", &files));
    LAC_TRY(lac_eval_weights_want(f->weights, "clip-vocab", &vocabulary));
    LAC_TRY(load(c, files, f->backend));
    LAC_TRY(lac_tokenizer_open_file(&c->words, "clip-openai", vocabulary->file[0].path, NULL));
    LAC_TRY(lac_tape_new(&c->tape, f->backend));
    const lac_clip *m = c->net.model;
    const int64_t words = lac_tokenizer_special(c->words).size;
    if (words > m->text.c.vocabulary)
        return LAC_FAIL(LAC_ERR_SHAPE, "weights 'clip-vocab' have %lld ids, and 'clip' has %lld rows for them", (long long)words, (long long)m->text.c.vocabulary);
    f->n = 2 * m->vision.c.projection;
    return lac_format(&f->recipe, "clip=%lldpx/%lld,text=%s{caption},truncate", (long long)m->vision.c.image, (long long)m->vision.c.patch, option);
}

static void close(lac_features *f)
{
    clip *c = f->state;
    if (c == NULL)
        return;
    lac_tape_free(c->tape);
    lac_tokenizer_close(c->words);
    lac_network_close(&c->net);
    free(c);
}

static lac_status embed(lac_tape *t, const void *model, lac_tensor *const *in, lac_tensor **out)
{
    out[0] = lac_clip_embed_image(t, model, in[0]);
    out[1] = lac_clip_embed_text(t, model, in[1]);
    return lac_tape_status(t);
}

static lac_status tokenize(const clip *c, const char *prompt, int64_t length, int32_t *ids)
{
    char *text;
    LAC_TRY(lac_format(&text, "%s%s", c->before, prompt != NULL ? prompt : ""));
    const lac_status s = lac_tokenizer_encode(c->words, text, strlen(text), LAC_I32, length, ids, NULL);
    free(text);
    return s;
}

static lac_status fill(const clip *c, const lac_picture *picture, int64_t n, lac_tensor *x, lac_tensor *ids)
{
    const int64_t side = x->dim[1], length = ids->dim[1];
    for (int64_t i = 0; i < n; i++) {
        LAC_TRY(lac_clip_input((float *)x->data + i * side * side * 3, NULL, side, picture[i].pixels, picture[i].height, picture[i].width, LAC_CLIP_INPUT));
        LAC_TRY(tokenize(c, picture[i].prompt, length, (int32_t *)ids->data + i * length));
    }
    return LAC_OK;
}

static void take(const lac_picture *picture, int64_t n, int64_t width, lac_tensor *const *out, float *feature)
{
    for (int64_t i = 0; i < n; i++) {
        float *to = feature + 2 * i * width;
        memcpy(to, (float *)out[0]->data + i * width, (size_t)width * sizeof *to);
        if (picture[i].prompt != NULL)
            memcpy(to + width, (float *)out[1]->data + i * width, (size_t)width * sizeof *to);
        else
            memset(to + width, 0, (size_t)width * sizeof *to);
    }
}

static lac_status run_batch(clip *c, const lac_picture *picture, int64_t n, float *feature)
{
    const lac_clip *m = c->net.model;
    const int64_t side = m->vision.c.image;
    lac_tensor *in[2] = { NULL, NULL }, *out[2] = { NULL, NULL };
    lac_status s = lac_tensor_new(&in[0], LAC_F32, 4, (int64_t[]){ n, side, side, 3 });
    if (s == LAC_OK)
        s = lac_tensor_new(&in[1], LAC_I32, 2, (int64_t[]){ n, m->text.c.positions });
    if (s == LAC_OK)
        s = fill(c, picture, n, in[0], in[1]);
    if (s == LAC_OK)
        s = lac_network_run(&c->net, c->tape, "embed", embed, in, 2, out, 2);
    if (s == LAC_OK)
        take(picture, n, m->vision.c.projection, out, feature);
    for (int i = 0; i < 2; i++) {
        lac_tensor_free(in[i]);
        lac_tensor_free(out[i]);
    }
    return s;
}

static lac_status of(lac_features *f, const lac_picture *picture, int64_t n, float *feature)
{
    for (int64_t i = 0; i < n; i += BATCH)
        LAC_TRY(run_batch(f->state, picture + i, LAC_MIN(BATCH, n - i), feature + i * f->n));
    return LAC_OK;
}

static const char *const weights[] = { "clip", "clip-vocab", NULL };

const lac_features_def lac_features_clip = { .name = "clip", .about = "CLIP's embeddings of a picture and its prompt", .open = open, .of = of, .close = close, .weights = weights };
