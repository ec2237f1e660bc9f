/* The Inception network behind metrics: loaded once, and run once for each picture and recipe, whatever metrics want of it. */
#include "autograd/ops/backend_cpu.h"
#include "core/clock.h"
#include "eval/features.h"
#include "models/inception/inception.h"
#include "models/network.h"
#include "tests/harness/hash_data.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { H = 24, W = 32, N = 6 };

typedef struct bench { const lac_backend *b; lac_eval_weights weights; lac_backbones *backbones; uint8_t pixels[N][H * W * 3]; lac_picture picture[N]; float *fc; } bench;

/* Weights as drawn, in a file; pictures of which the last is the first again. */
static void begin(bench *x)
{
    lac_network net;
    char given[600], path[512];
    *x = (bench){ .b = NULL };
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&x->b, "cpu"));
    LAC_CHECK_STATUS(lac_network_open(&net, &lac_network_inception_fid, NULL, x->b, LAC_F32));
    LAC_CHECK_STATUS(lac_params_init(net.params, 4));
    const lac_param *fc = ((const lac_inception *)net.model)->fc_weight;
    LAC_CHECK((x->fc = malloc((size_t)lac_numel(fc->value) * sizeof *x->fc)) != NULL);
    LAC_CHECK_STATUS(lac_param_get(fc, x->fc));
    snprintf(path, sizeof path, "%s/inception.safetensors", lac_test_folder());
    snprintf(given, sizeof given, "inception=%s", path);
    LAC_CHECK_STATUS(lac_network_save(path, &net, LAC_F32));
    lac_network_close(&net);
    LAC_CHECK_STATUS(lac_eval_weights_add(&x->weights, given));
    LAC_CHECK_STATUS(lac_backbones_new(&x->backbones, x->b, &x->weights));
    for (int i = 0; i < N; i++) {
        lac_hash_picture(x->pixels[i], i % (N - 1), H, W);
        x->picture[i] = (lac_picture){ .height = H, .width = W, .pixels = x->pixels[i] };
    }
}

static void end(bench *x)
{
    lac_backbones_free(x->backbones);
    lac_eval_weights_free(&x->weights);
    free(x->fc);
}

static lac_features features(bench *x, const char *option, int64_t n)
{
    const lac_eval_means means = { .backend = x->b, .weights = &x->weights };
    lac_features f;
    LAC_CHECK_STATUS(lac_features_open(&f, &lac_features_inception, option, &means, x->backbones));
    LAC_CHECK(f.n == n);
    return f;
}

/* Pictures from, from + 1, ...; the seconds it took. */
static double look(bench *x, lac_features *f, int from, int n, float *feature)
{
    const double start = lac_seconds();
    LAC_CHECK_STATUS(f->def->of(f, x->picture + from, n, feature));
    return lac_seconds() - start;
}

static bool near(double found, double expected) { return fabs(found - expected) <= 1e-4 * (1 + fabs(expected)); }

LAC_TEST(inception_runs_once_whatever_metrics_want_of_it)
{
    bench x;
    static float pool[N * 2048], logit[N * LAC_INCEPTION_CLASSES], again[N * 2048], other[2048];
    begin(&x);
    lac_features logits = features(&x, "tf,logits", LAC_INCEPTION_CLASSES), pools = features(&x, "tf,2048", 2048), others = features(&x, "clean,2048", 2048);
    const double slow = look(&x, &logits, 0, N, logit);
    const double quick = look(&x, &pools, 0, N, pool) + look(&x, &pools, 0, N, again);
    LAC_CHECK(quick < slow / 4);                                /* twice nothing but hashes */
    LAC_CHECK(memcmp(pool, again, sizeof pool) == 0 && memcmp(pool, pool + (N - 1) * 2048, 2048 * sizeof *pool) == 0 && memcmp(pool, pool + 2048, 2048 * sizeof *pool) != 0);
    for (int i = 0; i < N; i++)
        for (int c = 0; c < LAC_INCEPTION_CLASSES; c += 101) {
            double sum = 0;
            for (int k = 0; k < 2048; k++)
                sum += (double)x.fc[c * 2048 + k] * pool[i * 2048 + k];
            LAC_CHECK(near(logit[i * LAC_INCEPTION_CLASSES + c], sum));
        }
    look(&x, &others, 0, 1, other);                             /* another recipe is another input */
    LAC_CHECK(memcmp(pool, other, sizeof other) != 0);
    lac_features_close(&logits), lac_features_close(&pools), lac_features_close(&others);
    end(&x);
}

LAC_TEST(what_inception_makes_of_a_picture_depends_on_no_other)
{
    bench x;
    static float all[N * 2048], alone[2048], first[N * 64];
    begin(&x);
    lac_features f = features(&x, "pytorch-fid,2048", 2048);
    look(&x, &f, 0, N, all);
    for (int i = 0; i < 3; i++) {
        lac_features_close(&f);
        lac_backbones_free(x.backbones);                        /* and with it what it remembers */
        LAC_CHECK_STATUS(lac_backbones_new(&x.backbones, x.b, &x.weights));
        f = features(&x, "pytorch-fid,2048", 2048);
        look(&x, &f, i, 1, alone);
        LAC_CHECK(memcmp(alone, all + i * 2048, sizeof alone) == 0);
    }
    lac_features more = features(&x, "pytorch-fid,64", 64);     /* asked for later, beside what there was */
    look(&x, &more, 0, 2, first);
    look(&x, &f, 2, 1, alone);
    LAC_CHECK(first[0] != first[64] && memcmp(alone, all + 2 * 2048, sizeof alone) == 0);
    lac_features_close(&f), lac_features_close(&more);
    end(&x);
}

LAC_TEST(inception_says_which_options_it_takes)
{
    const lac_eval_means means = { .weights = NULL };
    lac_features f;
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    lac_eval_means here = means;
    here.backend = b;
    LAC_CHECK_FAILS(lac_features_open(&f, &lac_features_inception, "tf", &here, NULL), LAC_ERR_ARG, "RECIPE,FEATURES");
    LAC_CHECK_FAILS(lac_features_open(&f, &lac_features_inception, "tf,100", &here, NULL), LAC_ERR_ARG, "64, 192, 768, 2048 or logits, found '100'");
    LAC_CHECK_FAILS(lac_features_open(&f, &lac_features_inception, "torch,64", &here, NULL), LAC_ERR_ARG, "unknown recipe 'torch'");
}
