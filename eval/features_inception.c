/* The Inception network of FID (models/inception/) as features of a picture. Option "RECIPE,WHAT": one of LAC_INCEPTION_RECIPES, and 64, 192, 768 or 2048
 * features, or "logits" (without their bias). Weights: "inception". */
#include "eval/features.h"

#include "core/memory.h"
#include "models/inception/inception.h"
#include "models/inception/input.h"
#include "models/network.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 16, NUMBERS = LAC_INCEPTION_SIDE * LAC_INCEPTION_SIDE * 3 };      /* pictures at once; what the network receives of one */

typedef struct inception {
    lac_network net;                /* folded */
    lac_tape *tape;
    lac_inception_recipe recipe;
    lac_inception_depth depth;
} inception;

static lac_status read_option(lac_features *f, inception *s, const char *option)
{
    static const struct { const char *word; int64_t n; } what[] = { { "64", 64 }, { "192", 192 }, { "768", 768 }, { "2048", 2048 }, { "logits", LAC_INCEPTION_CLASSES } };
    char recipe[32] = "";
    const char *comma = strchr(option, ',');
    if (comma == NULL || (size_t)(comma - option) >= sizeof recipe)
        return LAC_FAIL(LAC_ERR_ARG, "it takes RECIPE,FEATURES (\"pytorch-fid,2048\"), found '%s'", option);
    memcpy(recipe, option, (size_t)(comma - option));
    LAC_TRY(lac_inception_recipe_named(&s->recipe, recipe));
    for (size_t i = 0; i < LAC_COUNT(what); i++)
        if (strcmp(comma + 1, what[i].word) == 0) {
            s->depth = (lac_inception_depth)i;
            f->n = what[i].n;
            return LAC_OK;
        }
    return LAC_FAIL(LAC_ERR_ARG, "features are 64, 192, 768, 2048 or logits, found '%s'", comma + 1);
}

/* As the file has it, on the CPU, until its norms are folded into what runs on the device. */
static lac_status load(inception *s, const lac_eval_files *files, const lac_backend *device)
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

static lac_status open(lac_features *f, const char *option)
{
    const lac_eval_files *files;
    inception *s;
    LAC_TRY(lac_calloc(&f->state, 1, sizeof *s));
    s = f->state;
    LAC_TRY(read_option(f, s, option));
    LAC_TRY(lac_eval_weights_want(f->weights, "inception", &files));
    LAC_TRY(load(s, files, f->backend));
    LAC_TRY(lac_tape_new(&s->tape, f->backend));
    return lac_format(&f->recipe, "net=tf2015,feat=%s,%s", strchr(option, ',') + 1, lac_inception_recipe_text(s->recipe));
}

static void close(lac_features *f)
{
    inception *s = f->state;
    if (s == NULL)
        return;
    lac_tape_free(s->tape);
    lac_network_close(&s->net);
    free(s);
}

static lac_status take(lac_tape *t, const void *model, lac_tensor *x, lac_inception_depth depth, lac_tensor **out)
{
    lac_inception_features f;
    lac_inception_forward(t, model, x, depth, &f);
    lac_tensor *const each[] = { f.feature64, f.feature192, f.feature768, f.pool3, f.logits_unbiased };
    *out = each[depth];
    return lac_tape_status(t);
}

static lac_status to_64(lac_tape *t, const void *m, lac_tensor *const *in, lac_tensor **out) { return take(t, m, in[0], LAC_INCEPTION_64, out); }
static lac_status to_192(lac_tape *t, const void *m, lac_tensor *const *in, lac_tensor **out) { return take(t, m, in[0], LAC_INCEPTION_192, out); }
static lac_status to_768(lac_tape *t, const void *m, lac_tensor *const *in, lac_tensor **out) { return take(t, m, in[0], LAC_INCEPTION_768, out); }
static lac_status to_2048(lac_tape *t, const void *m, lac_tensor *const *in, lac_tensor **out) { return take(t, m, in[0], LAC_INCEPTION_2048, out); }
static lac_status to_logits(lac_tape *t, const void *m, lac_tensor *const *in, lac_tensor **out) { return take(t, m, in[0], LAC_INCEPTION_LOGITS, out); }

static lac_status run_batch(inception *s, const lac_picture *picture, int64_t n, int64_t n_features, float *feature)
{
    static lac_network_call *const calls[] = { to_64, to_192, to_768, to_2048, to_logits };
    static const char *const names[] = { "64", "192", "768", "2048", "logits" };
    lac_tensor *x, *out = NULL;
    LAC_TRY(lac_tensor_new(&x, LAC_F32, 4, (int64_t[]){ n, LAC_INCEPTION_SIDE, LAC_INCEPTION_SIDE, 3 }));
    lac_status status = LAC_OK;
    for (int64_t i = 0; status == LAC_OK && i < n; i++)
        status = lac_inception_input((float *)x->data + i * NUMBERS, picture[i].pixels, picture[i].height, picture[i].width, s->recipe);
    if (status == LAC_OK)
        status = lac_network_run(&s->net, s->tape, names[s->depth], calls[s->depth], &x, 1, &out, 1);
    if (status == LAC_OK)
        memcpy(feature, out->data, (size_t)(n * n_features) * sizeof *feature);
    lac_tensor_free(out);
    lac_tensor_free(x);
    return status;
}

static lac_status of(lac_features *f, const lac_picture *picture, int64_t n, float *feature)
{
    for (int64_t i = 0; i < n; i += BATCH)
        LAC_TRY(run_batch(f->state, picture + i, LAC_MIN(BATCH, n - i), f->n, feature + i * f->n));
    return LAC_OK;
}

static const char *const weights[] = { "inception", NULL };

const lac_features_def lac_features_inception = { .name = "inception", .about = "the Inception network of FID", .open = open, .of = of, .close = close, .weights = weights };
