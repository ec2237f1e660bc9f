#include "eval/backbone_inception.h"

#include "core/memory.h"
#include "core/threads.h"
#include "models/network.h"

#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 16,                                                     /* pictures at once */
    REMEMBERED = 1024,                                              /* pictures that may come again */
    NUMBERS = LAC_INCEPTION_SIDE * LAC_INCEPTION_SIDE * 3,          /* what the network receives of one */
    DEPTHS = LAC_INCEPTION_LOGITS + 1,
};

/* What is found on the way to the logits lies one behind the other: 64, 192, 768, 2048 and 1008 numbers. */
static const int64_t width[DEPTHS] = { 64, 192, 768, 2048, LAC_INCEPTION_CLASSES };

int64_t lac_inception_width(lac_inception_depth depth) { return width[depth]; }

static int64_t before(int depth)
{
    int64_t at = 0;
    for (int i = 0; i < depth; i++)
        at += width[i];
    return at;
}

struct lac_inception_backbone {
    lac_network net;                        /* folded */
    lac_tape *tape;
    lac_memo *memo[LAC_INCEPTION_N_RECIPES];        /* of each recipe; NULL: nobody asked for it yet */
    lac_inception_depth deepest[LAC_INCEPTION_N_RECIPES];
};

/* ---- opening ---- */

/* As the file has it, on the CPU, until its norms are folded into what runs on the device. */
static lac_status load(lac_inception_backbone *s, const lac_eval_files *files, const lac_backend *device)
{
    lac_network published = { .def = NULL };
    const lac_backend *cpu;
    json_t *config = json_pack("{s:b}", "folded", 1);
    lac_status status = lac_network_open(&s->net, &lac_network_inception_fid, config, device, LAC_F32);
    json_decref(config);
    if (status == LAC_OK)
        status = lac_backend_get(&cpu, "cpu");
    if (status == LAC_OK)
        status = lac_network_open(&published, &lac_network_inception_fid, NULL, cpu, LAC_F32);
    if (status == LAC_OK)
        status = lac_eval_files_load(files, &published);
    if (status == LAC_OK)
        status = lac_inception_fold(s->net.model, published.model);
    lac_network_close(&published);
    return status;
}

static lac_status open(void **state, const lac_backend *b, const lac_eval_weights *weights)
{
    const lac_eval_files *files;
    lac_inception_backbone *s;
    LAC_TRY(lac_eval_weights_want(weights, "inception", &files));
    LAC_TRY(lac_calloc(state, 1, sizeof *s));
    s = *state;
    LAC_TRY(load(s, files, b));
    return lac_tape_new(&s->tape, b);
}

static void close(void *state)
{
    lac_inception_backbone *s = state;
    for (int i = 0; i < LAC_INCEPTION_N_RECIPES; i++)
        lac_memo_free(s->memo[i]);
    lac_tape_free(s->tape);
    lac_network_close(&s->net);
    free(s);
}

static const lac_backbone_def definition = { "inception", open, close };

/* What was remembered of less depth is forgotten. */
static lac_status deepen(lac_inception_backbone *s, lac_inception_recipe recipe, lac_inception_depth depth)
{
    if (s->memo[recipe] != NULL && s->deepest[recipe] >= depth)
        return LAC_OK;
    lac_memo_free(s->memo[recipe]);
    s->memo[recipe] = NULL;
    s->deepest[recipe] = depth;
    return lac_memo_new(&s->memo[recipe], REMEMBERED, before(depth + 1));
}

lac_status lac_inception_backbone_get(const lac_features *f, lac_inception_recipe recipe, lac_inception_depth depth, lac_inception_backbone **i)
{
    void *state;
    LAC_TRY(lac_backbones_get(f->backbones, &definition, &state));
    *i = state;
    return deepen(*i, recipe, depth);
}

/* ---- running ---- */

static lac_status run_to(lac_tape *t, const void *model, lac_tensor *x, lac_inception_depth depth, lac_tensor **out)
{
    lac_inception_features f;
    lac_inception_forward(t, model, x, depth, &f);
    lac_tensor *const each[] = { f.feature64, f.feature192, f.feature768, f.pool3, f.logits_unbiased };
    memcpy(out, each, (size_t)(depth + 1) * sizeof *out);
    return lac_tape_status(t);
}

static lac_status to_64(lac_tape *t, const void *m, lac_tensor *const *in, lac_tensor **out) { return run_to(t, m, in[0], LAC_INCEPTION_64, out); }
static lac_status to_192(lac_tape *t, const void *m, lac_tensor *const *in, lac_tensor **out) { return run_to(t, m, in[0], LAC_INCEPTION_192, out); }
static lac_status to_768(lac_tape *t, const void *m, lac_tensor *const *in, lac_tensor **out) { return run_to(t, m, in[0], LAC_INCEPTION_768, out); }
static lac_status to_2048(lac_tape *t, const void *m, lac_tensor *const *in, lac_tensor **out) { return run_to(t, m, in[0], LAC_INCEPTION_2048, out); }
static lac_status to_logits(lac_tape *t, const void *m, lac_tensor *const *in, lac_tensor **out) { return run_to(t, m, in[0], LAC_INCEPTION_LOGITS, out); }

typedef struct asked { lac_inception_backbone *s; const lac_picture *picture; lac_inception_recipe recipe; } asked;

static lac_status fill(const asked *a, const int64_t *at, int64_t n, float *x)
{
    lac_status status[BATCH];
    LAC_PARALLEL_FOR(i, n) {
        const lac_picture *p = &a->picture[at[i]];
        status[i] = lac_inception_input(x + i * NUMBERS, p->pixels, p->height, p->width, a->recipe);
    }
    for (int64_t i = 0; i < n; i++)
        if (status[i] != LAC_OK)                /* its message is the thread's */
            return LAC_FAIL(status[i], "no memory for what Inception receives of %lld x %lld pixels", (long long)a->picture[at[i]].height, (long long)a->picture[at[i]].width);
    return LAC_OK;
}

static void take(lac_tensor *const *out, int64_t n, lac_inception_depth depth, float *value)
{
    const int64_t all = before(depth + 1);
    for (int d = 0; d <= (int)depth; d++)
        for (int64_t i = 0; i < n; i++)
            memcpy(value + i * all + before(d), (const float *)out[d]->data + i * width[d], (size_t)width[d] * sizeof *value);
}

static lac_status run_batch(const asked *a, const int64_t *at, int64_t n, float *value)
{
    static lac_network_call *const calls[DEPTHS] = { to_64, to_192, to_768, to_2048, to_logits };
    static const char *const names[DEPTHS] = { "64", "192", "768", "2048", "logits" };
    const lac_inception_depth depth = a->s->deepest[a->recipe];
    lac_tensor *x, *out[DEPTHS] = { NULL };
    LAC_TRY(lac_tensor_new(&x, LAC_F32, 4, (int64_t[]){ n, LAC_INCEPTION_SIDE, LAC_INCEPTION_SIDE, 3 }));
    lac_status s = fill(a, at, n, x->data);
    if (s == LAC_OK)
        s = lac_network_run(&a->s->net, a->s->tape, names[depth], calls[depth], &x, 1, out, (int)depth + 1);
    if (s == LAC_OK)
        take(out, n, depth, value);
    for (int d = 0; d < DEPTHS; d++)
        lac_tensor_free(out[d]);
    lac_tensor_free(x);
    return s;
}

static lac_status run_all(void *context, const int64_t *at, int64_t n, float *value)
{
    const asked *a = context;
    for (int64_t i = 0; i < n; i += BATCH)
        LAC_TRY(run_batch(a, at + i, LAC_MIN(BATCH, n - i), value + i * before(a->s->deepest[a->recipe] + 1)));
    return LAC_OK;
}

/* ---- each once ---- */

static lac_status see(asked *a, int64_t n, lac_memo_key *key, float *all)
{
    for (int64_t i = 0; i < n; i++)
        key[i] = lac_picture_key(&a->picture[i], a->recipe);
    return lac_memo_values(a->s->memo[a->recipe], key, n, run_all, a, all);
}

lac_status lac_inception_backbone_see(lac_inception_backbone *i, const lac_picture *picture, int64_t n, lac_inception_recipe recipe, lac_inception_depth depth, float *feature)
{
    asked a = { i, picture, recipe };
    const int64_t numbers = before(i->deepest[recipe] + 1);
    lac_memo_key *key;
    float *all = NULL;
    LAC_TRY(lac_calloc((void **)&key, (size_t)n, sizeof *key));
    lac_status s = lac_calloc((void **)&all, (size_t)(n * numbers), sizeof *all);
    if (s == LAC_OK)
        s = see(&a, n, key, all);
    for (int64_t k = 0; s == LAC_OK && k < n; k++)
        memcpy(feature + k * width[depth], all + k * numbers + before(depth), (size_t)width[depth] * sizeof *feature);
    free(all);
    free(key);
    return s;
}
