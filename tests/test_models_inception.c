/* The Inception network of FID with weights that a hash makes, against sums that the reference code gave in double (PyTorch 1.13, Pillow 9.4). */
#include "core/memory.h"
#include "autograd/ops/backend_cpu.h"
#include "eval/frechet.h"
#include "models/inception/inception.h"
#include "models/inception/input.h"
#include "models/network.h"
#include "tests/harness/hash_data.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool ends(const char *name, const char *with)
{
    const size_t n = strlen(name), m = strlen(with);
    return n >= m && strcmp(name + n - m, with) == 0;
}

static double bound_of(const lac_param *p, double *low)
{
    const int64_t fan = lac_numel(p->value) / p->value->dim[0];
    double high = 0.1;
    if (ends(p->name, "conv.weight"))
        high = sqrt(6.0 / (double)fan);
    else if (strcmp(p->name, "fc.weight") == 0)
        high = sqrt(3.0 / 2048);
    else if (ends(p->name, "bn.weight") || ends(p->name, "running_var"))
        return *low = 0.75, 1.25;
    return *low = -high, high;
}

static void fill(lac_params *ps)
{
    for (int64_t i = 0; i < ps->n; i++) {
        lac_param *p = ps->param[i];
        const lac_shape shape = lac_shape_of(p->value);
        const int64_t n = lac_numel(p->value);
        double low, high = bound_of(p, &low), *drawn;
        float *border, *ours;
        LAC_CHECK_STATUS(lac_malloc((void **)&drawn, (size_t)n * sizeof *drawn));
        LAC_CHECK_STATUS(lac_malloc((void **)&border, (size_t)n * sizeof *border));
        LAC_CHECK_STATUS(lac_malloc((void **)&ours, (size_t)n * sizeof *ours));
        lac_hash_fill(drawn, p->name, n, low, high);
        for (int64_t k = 0; k < n; k++)
            border[k] = (float)drawn[k];
        lac_from_border(ours, border, p->role, &shape);
        LAC_CHECK_STATUS(lac_param_set(p, ours));
        free(drawn);
        free(border);
        free(ours);
    }
}

/* As files have it, and folded. */
static void open_both(lac_network *plain, lac_network *folded)
{
    const lac_backend *b;
    json_t *config = json_pack("{s:b}", "folded", 1);
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_STATUS(lac_network_open(plain, &lac_network_inception_fid, NULL, b, LAC_F32));
    LAC_CHECK_STATUS(lac_network_open(folded, &lac_network_inception_fid, config, b, LAC_F32));
    fill(plain->params);
    LAC_CHECK_STATUS(lac_inception_fold(folded->model, plain->model));
    json_decref(config);
}

enum { FEATURES = 6 };

static lac_status all_features(lac_tape *t, const void *model, lac_tensor *const *in, lac_tensor **out)
{
    lac_inception_features f;
    lac_inception_forward(t, model, in[0], LAC_INCEPTION_ALL, &f);
    lac_tensor *const each[FEATURES] = { f.feature64, f.feature192, f.feature768, f.pool3, f.logits_unbiased, f.logits };
    memcpy(out, each, sizeof each);
    return LAC_OK;
}

static lac_tensor *received(int from, int n, lac_inception_recipe recipe)
{
    enum { H = 48, W = 64, SIDE = LAC_INCEPTION_SIDE };
    uint8_t pixels[H * W * 3];
    lac_tensor *x;
    LAC_CHECK_STATUS(lac_tensor_new(&x, LAC_F32, 4, (int64_t[]){ n, SIDE, SIDE, 3 }));
    for (int k = 0; k < n; k++) {
        lac_hash_picture(pixels, from + k, H, W);
        LAC_CHECK_STATUS(lac_inception_input((float *)x->data + (int64_t)k * SIDE * SIDE * 3, pixels, H, W, recipe));
    }
    return x;
}

static void features_of(const lac_network *net, lac_tensor *x, lac_tensor *out[FEATURES])
{
    lac_tape *t;
    LAC_CHECK_STATUS(lac_tape_new(&t, net->params->backend));
    LAC_CHECK_STATUS(lac_network_run(net, t, "all", all_features, &x, 1, out, FEATURES));
    lac_tape_free(t);
}

static double sum_of(const lac_tensor *x)
{
    double sum = 0;
    for (int64_t i = 0; i < lac_numel(x); i++)
        sum += ((const float *)x->data)[i];
    return sum;
}

static bool near(double found, double expected, double allowed) { return fabs(found - expected) <= allowed * fabs(expected); }

typedef struct golden { double input, sum[3], first, last, pool3, logit[2], biased; } golden;

static const golden known[] = {
    [LAC_INCEPTION_PYTORCH_FID] = { -6878.05633, { 27.5449531, 114.966676, 626.483793 }, 1.46685193, 2.54922581, 1911.55234, { 1.78524221, 3.68172856 }, 1.79686514 },
    [LAC_INCEPTION_TF] = { -7093.60798, { 27.5099386, 114.826082, 624.249541 }, 1.47622716, 2.56042969, 1902.34248, { 1.77476263, 3.64805407 }, 1.78638556 },
    [LAC_INCEPTION_CLEAN] = { -7901.798, { 31.1867887, 132.009299, 723.35694 }, 1.69096163, 2.97154635, 2206.13673, { 2.09295331, 4.22559106 }, 2.10457624 },
    [LAC_INCEPTION_TORCHMETRICS] = { -7898.86213, { 27.4103671, 114.352266, 622.385794 }, 1.45545165, 2.53636616, 1899.1242, { 1.77417016, 3.65915194 }, 1.78581309 },
};

static void check(const lac_network *net, lac_inception_recipe recipe)
{
    const golden *g = &known[recipe];
    lac_tensor *x = received(0, 1, recipe), *out[FEATURES];
    features_of(net, x, out);
    LAC_CHECK(near(sum_of(x), g->input, 1e-6));
    for (int i = 0; i < 3; i++)
        LAC_CHECK(near(sum_of(out[i]), g->sum[i], 2e-5));
    const float *pool3 = out[3]->data, *logits = out[4]->data, *biased = out[5]->data;
    LAC_CHECK(near(pool3[0], g->first, 2e-5) && near(pool3[2047], g->last, 2e-5) && near(sum_of(out[3]), g->pool3, 2e-5));
    LAC_CHECK(near(logits[0], g->logit[0], 2e-5) && near(logits[1007], g->logit[1], 2e-5) && near(biased[0], g->biased, 2e-5));
    lac_tensor_free(x);
    for (int i = 0; i < FEATURES; i++)
        lac_tensor_free(out[i]);
}

static lac_status first_features(lac_tape *t, const void *model, lac_tensor *const *in, lac_tensor **out)
{
    lac_inception_features f;
    lac_inception_forward(t, model, in[0], lac_inception_bit(LAC_INCEPTION_64), &f);
    out[0] = f.feature64;
    return LAC_OK;
}

static lac_status last_features(lac_tape *t, const void *model, lac_tensor *const *in, lac_tensor **out)
{
    lac_inception_features f;
    lac_inception_forward(t, model, in[0], lac_inception_bit(LAC_INCEPTION_2048), &f);
    out[0] = f.pool3;
    return LAC_OK;
}

/* Of pictures [from, from + n), some at once. */
static lac_gaussian gaussian(const lac_network *net, lac_network_call *features, int from, int n)
{
    enum { AT_ONCE = 16, MOST = 80 };
    const float *row[MOST];
    lac_tensor *y[MOST / AT_ONCE];
    lac_gaussian g;
    lac_tape *t;
    LAC_CHECK_STATUS(lac_tape_new(&t, net->params->backend));
    for (int i = 0; i < n; i += AT_ONCE) {
        lac_tensor *x = received(from + i, AT_ONCE, LAC_INCEPTION_PYTORCH_FID), **z = &y[i / AT_ONCE];
        LAC_CHECK_STATUS(lac_network_run(net, t, "some", features, &x, 1, z, 1));
        for (int k = 0; k < AT_ONCE; k++)
            row[i + k] = (const float *)(*z)->data + k * (*z)->dim[1];
        lac_tensor_free(x);
    }
    LAC_CHECK_STATUS(lac_gaussian_of_rows(&g, &(lac_samples){ .n = n, .d = y[0]->dim[1], .f32 = row }, 1));
    for (int i = 0; i < n; i += AT_ONCE)
        lac_tensor_free(y[i / AT_ONCE]);
    lac_tape_free(t);
    return g;
}

static lac_frechet distance(const lac_network *net, lac_network_call *features, int n)
{
    lac_gaussian a = gaussian(net, features, 0, n), b = gaussian(net, features, 100, n);
    lac_frechet f;
    LAC_CHECK_STATUS(lac_frechet_distance(&f, &a, &b));
    lac_gaussian_free(&a);
    lac_gaussian_free(&b);
    return f;
}

LAC_TEST(inception_of_published_keys_gives_the_reference_numbers_folded_or_not)
{
    lac_network plain, folded;
    open_both(&plain, &folded);
    LAC_CHECK(plain.params->n == 472);
    for (int recipe = 0; recipe < (int)LAC_COUNT(known); recipe++)
        check(&folded, (lac_inception_recipe)recipe);
    check(&plain, LAC_INCEPTION_PYTORCH_FID);
    const lac_frechet f = distance(&folded, last_features, 16);
    LAC_CHECK(near(f.value, 1.01285654, 1e-5) && near(f.mean_term, 0.642758221, 1e-5));
    LAC_CHECK(near(distance(&folded, first_features, 80).value, 0.0024780960, 1e-4));
    lac_network_close(&plain);
    lac_network_close(&folded);
}
