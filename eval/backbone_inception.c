#include "eval/backbone_inception.h"

#include "core/memory.h"
#include "core/threads.h"
#include "eval/feature_store.h"
#include "models/network.h"

#include <lac_version.h>

#include <stdlib.h>
#include <string.h>

enum {
    REMEMBERED = 1024,                                              /* pictures that may come again */
    NUMBERS = LAC_INCEPTION_SIDE * LAC_INCEPTION_SIDE * 3,          /* what the network receives of one */
    DEPTHS = LAC_INCEPTION_LOGITS + 1,
    BATCH = 16, CPU_BATCH = 4,      /* pictures at once. On a CPU maps stay in its caches then; and of up to 7 each has the bits that it has alone: of more,
                                       convolutions of 8x8 are made otherwise (core/cpu/dnn_winograd.c) */
};

static const int64_t width[DEPTHS] = { 64, 192, 768, 2048, LAC_INCEPTION_CLASSES };

int64_t lac_inception_width(lac_inception_depth depth) { return width[depth]; }

/* Where the numbers of a depth begin among those of `wanted`, which lie one behind the other. */
static int64_t place(unsigned wanted, int depth)
{
    int64_t at = 0;
    for (int i = 0; i < depth; i++)
        at += wanted & lac_inception_bit((lac_inception_depth)i) ? width[i] : 0;
    return at;
}

/* A region of the network: its outputs are the means and logits of `wanted`, in their order. */
typedef struct region { unsigned wanted; const char *name; lac_network_call *call; } region;

struct lac_inception_backbone {
    lac_network net;                                /* folded */
    lac_tape *tape;
    lac_memo *memo[LAC_INCEPTION_N_RECIPES];        /* of each recipe; NULL: nobody asked for it yet */
    const region *region[LAC_INCEPTION_N_RECIPES];
    int64_t batch;
    const lac_backend *backend;
    const lac_eval_files *files;
};

static lac_status run_to(lac_tape *t, const void *model, lac_tensor *x, unsigned wanted, lac_tensor **out)
{
    lac_inception_features f;
    lac_inception_forward(t, model, x, wanted, &f);
    lac_tensor *const each[DEPTHS] = { f.feature64, f.feature192, f.feature768, f.pool3, f.logits_unbiased };
    for (int d = 0; d < DEPTHS; d++)
        if (wanted & lac_inception_bit((lac_inception_depth)d))
            *out++ = each[d];
    return lac_tape_status(t);
}

#define REGION(name, wanted) \
    static lac_status name(lac_tape *t, const void *m, lac_tensor *const *in, lac_tensor **out) { return run_to(t, m, in[0], wanted, out); }
REGION(to_64, 1)
REGION(to_192, 2)
REGION(to_768, 4)
REGION(to_2048, 8)
REGION(to_logits, 24)
REGION(to_all, LAC_INCEPTION_ALL)

/* The first that has all of wanted. */
static const region *region_of(unsigned wanted)
{
    static const region regions[] = { { 1, "64", to_64 }, { 2, "192", to_192 }, { 4, "768", to_768 }, { 8, "2048", to_2048 }, { 24, "2048 and logits", to_logits },
                                      { LAC_INCEPTION_ALL, "all", to_all } };
    const region *r = regions;
    while ((r->wanted & wanted) != wanted)
        r++;
    return r;
}

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
    s->backend = b;
    s->files = files;
    s->batch = strcmp(b->name, "cpu") == 0 ? CPU_BATCH : BATCH;
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

/* All that the numbers depend on, beside the picture. */
static lac_status describe(const lac_inception_backbone *s, lac_inception_recipe recipe, char **about)
{
    char *weights;
    LAC_TRY(lac_eval_files_mark(s->files, &weights));
    const lac_status status = lac_format(about, "inception-fid %s %s features=%s f32 %s %s", weights, lac_inception_recipe_text(recipe), s->region[recipe]->name,
                                         s->backend->name, LAC_VERSION);
    free(weights);
    return status;
}

static lac_status keep(lac_inception_backbone *s, lac_inception_recipe recipe, const char *folder)
{
    lac_feature_store *store;
    char *about;
    if (folder == NULL)
        return LAC_OK;
    LAC_TRY(describe(s, recipe, &about));
    const lac_status status = lac_feature_store_open(&store, folder, about, place(s->region[recipe]->wanted, DEPTHS));
    free(about);
    if (status == LAC_OK)
        lac_memo_keep(s->memo[recipe], store);
    return status;
}

/* What was remembered of less is forgotten. */
static lac_status widen(lac_inception_backbone *s, lac_inception_recipe recipe, lac_inception_depth depth, const char *folder)
{
    const region *before = s->region[recipe], *r = region_of((before != NULL ? before->wanted : 0) | lac_inception_bit(depth));
    if (r == before)
        return LAC_OK;
    lac_memo_free(s->memo[recipe]);
    s->memo[recipe] = NULL;
    s->region[recipe] = r;
    LAC_TRY(lac_memo_new(&s->memo[recipe], REMEMBERED, place(r->wanted, DEPTHS)));
    return keep(s, recipe, folder);
}

lac_status lac_inception_backbone_get(const lac_features *f, lac_inception_recipe recipe, lac_inception_depth depth, lac_inception_backbone **i)
{
    void *state;
    LAC_TRY(lac_backbones_get(f->backbones, &definition, &state));
    *i = state;
    return widen(*i, recipe, depth, lac_backbones_kept(f->backbones));
}

/* ---- running ---- */

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

static void take(lac_tensor *const *out, int64_t n, unsigned wanted, float *value)
{
    const int64_t all = place(wanted, DEPTHS);
    for (int d = 0; d < DEPTHS; d++)
        if (wanted & lac_inception_bit((lac_inception_depth)d)) {
            for (int64_t i = 0; i < n; i++)
                memcpy(value + i * all + place(wanted, d), (const float *)(*out)->data + i * width[d], (size_t)width[d] * sizeof *value);
            out++;
        }
}

static lac_status run_batch(const asked *a, const int64_t *at, int64_t n, float *value)
{
    const region *r = a->s->region[a->recipe];
    lac_tensor *x, *out[DEPTHS] = { NULL };
    LAC_TRY(lac_tensor_new(&x, LAC_F32, 4, (int64_t[]){ n, LAC_INCEPTION_SIDE, LAC_INCEPTION_SIDE, 3 }));
    lac_status s = fill(a, at, n, x->data);
    if (s == LAC_OK)
        s = lac_network_run(&a->s->net, a->s->tape, r->name, r->call, &x, 1, out, __builtin_popcount(r->wanted));
    if (s == LAC_OK)
        take(out, n, r->wanted, value);
    for (int d = 0; d < DEPTHS; d++)
        lac_tensor_free(out[d]);
    lac_tensor_free(x);
    return s;
}

static lac_status run_all(void *context, const int64_t *at, int64_t n, float *value)
{
    const asked *a = context;
    const int64_t each = place(a->s->region[a->recipe]->wanted, DEPTHS), batch = a->s->batch;
    for (int64_t i = 0; i < n; i += batch)
        LAC_TRY(run_batch(a, at + i, LAC_MIN(batch, n - i), value + i * each));
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
    const unsigned wanted = i->region[recipe]->wanted;
    const int64_t numbers = place(wanted, DEPTHS);
    lac_memo_key *key;
    float *all = NULL;
    LAC_TRY(lac_calloc((void **)&key, (size_t)n, sizeof *key));
    lac_status s = lac_calloc((void **)&all, (size_t)(n * numbers), sizeof *all);
    if (s == LAC_OK)
        s = see(&a, n, key, all);
    for (int64_t k = 0; s == LAC_OK && k < n; k++)
        memcpy(feature + k * width[depth], all + k * numbers + place(wanted, (int)depth), (size_t)width[depth] * sizeof *feature);
    free(all);
    free(key);
    return s;
}
