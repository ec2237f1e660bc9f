#include "tests/harness/metrics.h"

#include "autograd/ops/conv2d/conv2d.h"
#include "autograd/ops/dequantize/dequantize.h"
#include "core/memory.h"
#include "eval/metric_l1.h"
#include "models/network.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdlib.h>

int lac_test_features_open, lac_test_features_seen;

/* ---- the network: one strided convolution and the mean over its map ---- */

typedef struct layer { lac_param *weight; } layer;
typedef struct tiny { lac_network net; lac_tape *tape; } tiny;

static lac_status init(void *model, lac_params *ps, const json_t *config)
{
    layer *l = model;
    (void)config;
    return lac_param_new(ps, &l->weight, LAC_ROLE_CONV, 4, (int64_t[]){ LAC_TEST_FEATURES, 5, 5, 3 }, LAC_INIT_XAVIER, 0, "weight");
}

static const lac_network_def tiny_network = { .name = "tiny", .about = "one layer", .size = sizeof(layer), .init = init };

static lac_status open(lac_features *f, const char *option)
{
    LAC_TRY(lac_calloc(&f->state, 1, sizeof(tiny)));
    lac_test_features_open++;
    tiny *n = f->state;
    LAC_TRY(lac_network_open(&n->net, &tiny_network, NULL, f->backend, LAC_F32));
    LAC_TRY(lac_params_init(n->net.params, strtoull(option, NULL, 10)));
    LAC_TRY(lac_tape_new(&n->tape, f->backend));
    return option[0] ? lac_format(&f->recipe, "tiny,seed=%s", option) : LAC_OK;
}

static void close(lac_features *f)
{
    tiny *n = f->state;
    if (n == NULL)
        return;
    lac_test_features_open--;
    lac_tape_free(n->tape);
    lac_network_close(&n->net);
    free(n);
}

static lac_status forward(lac_tape *t, const void *model, lac_tensor *const *in, lac_tensor **out)
{
    const layer *l = model;
    const lac_conv2d_attr a = { .stride = { 2, 2 }, .dilation = { 1, 1 }, .pad = { 2, 2, 2, 2 }, .groups = 1, .act = lac_act_of(LAC_ACT_RELU) };
    lac_tensor *x = lac_dequantize(t, in[0], &(lac_dequantize_attr){ 1 / 127.5f, -1, LAC_F32 });
    out[0] = lac_conv2d(t, x, l->weight->value, NULL, NULL, &a);
    return lac_tape_status(t);
}

static void mean_over_map(const lac_tensor *map, float *feature)
{
    const int64_t pixels = map->dim[1] * map->dim[2];
    for (int64_t i = 0; i < map->dim[0]; i++)
        for (int c = 0; c < LAC_TEST_FEATURES; c++) {
            double sum = 0;
            for (int64_t p = 0; p < pixels; p++)
                sum += ((const float *)map->data)[(i * pixels + p) * LAC_TEST_FEATURES + c];
            feature[i * LAC_TEST_FEATURES + c] = (float)(sum / (double)pixels);
        }
}

static lac_status of(lac_features *f, const lac_picture *picture, int64_t n, float *feature)
{
    const tiny *net = f->state;
    const size_t each = (size_t)(picture->height * picture->width) * 3;
    lac_tensor *x, *map;
    LAC_TRY(lac_tensor_new(&x, LAC_U8, 4, (int64_t[]){ n, picture->height, picture->width, 3 }));
    for (int64_t i = 0; i < n; i++)
        memcpy((uint8_t *)x->data + (size_t)i * each, picture[i].pixels, each);
    const lac_status s = lac_network_run(&net->net, net->tape, "features", forward, &x, 1, &map, 1);
    if (s == LAC_OK)
        mean_over_map(map, feature);
    lac_tensor_free(map);
    lac_tensor_free(x);
    lac_test_features_seen += (int)n;
    return s;
}

static const lac_features_def tiny_features = { "tiny", "one layer", LAC_TEST_FEATURES, open, of, close };

/* ---- the metrics ---- */

static lac_status near(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value)
{
    double sum = 0;
    (void)def, (void)region;
    for (int64_t i = 0; i < p->n_features; i++)
        sum += (p->feature[i] - p->reference_feature[i]) * (p->feature[i] - p->reference_feature[i]);
    return *value = (lac_value){ sum, NULL }, LAC_OK;
}

/* Weighted mean and deviation of number c. */
static void moments(const lac_set_rows *r, const float *const *x, int64_t c, double *mean, double *sd)
{
    double n = 0, sum = 0, square = 0;
    for (int64_t i = 0; i < r->n; i++) {
        n += r->weight[i];
        sum += r->weight[i] * x[i][c];
    }
    *mean = sum / n;
    for (int64_t i = 0; i < r->n; i++)
        square += r->weight[i] * (x[i][c] - *mean) * (x[i][c] - *mean);
    *sd = sqrt(square / (n - 1));
}

static lac_status frechet(const lac_metric_def *def, const lac_set_rows *r, lac_value *value)
{
    double n = 0, sum = 0;
    (void)def;
    for (int64_t i = 0; i < r->n; i++)
        n += r->weight[i];
    for (int64_t c = 0; n >= 2 && c < r->n_features; c++) {
        double a, b, sa, sb;
        moments(r, r->feature, c, &a, &sa);
        moments(r, r->reference, c, &b, &sb);
        sum += (a - b) * (a - b) + (sa - sb) * (sa - sb);
    }
    *value = n >= 2 ? (lac_value){ sum, NULL } : lac_undefined("fewer than two pictures");
    return LAC_OK;
}

static lac_status worst(const lac_metric_def *def, const lac_set_rows *r, lac_value *value)
{
    *value = lac_undefined("no picture with a value");
    (void)def;
    for (int64_t i = 0; i < r->n; i++)
        if (r->weight[i] > 0 && !isnan(r->value[i]) && (value->reason != NULL || r->value[i] > value->value))
            *value = (lac_value){ r->value[i], NULL };
    return LAC_OK;
}

/* How far the sets' means lie apart by number 0: of two sets, pairs or not. */
static lac_status apart(const lac_metric_def *def, const lac_set_rows *r, lac_value *value)
{
    double sum[2] = { 0, 0 }, n[2] = { 0, 0 };
    (void)def;
    if (r->moments != NULL && r->moments->n != LAC_TEST_FEATURES)
        return *value = lac_undefined("statistics of other features"), LAC_OK;
    for (int64_t i = 0; i < r->n; i++) {
        sum[0] += r->weight[i] * r->feature[i][0];
        n[0] += r->weight[i];
    }
    for (int64_t i = 0; i < r->n_reference; i++) {
        sum[1] += r->reference_weight[i] * r->reference[i][0];
        n[1] += r->reference_weight[i];
    }
    *value = n[0] >= 2 && n[1] >= 2 ? (lac_value){ sum[0] / n[0] - sum[1] / n[1], NULL, n[1] } : lac_undefined("fewer than two pictures");
    return LAC_OK;
}

/* A middle third, of pictures that have one. */
static const char *middle(const lac_pair *p, lac_cutout *box)
{
    *box = (lac_cutout){ p->height / 3, p->width / 3, p->height / 3, p->width / 3 };
    return p->height < 24 ? "no middle" : NULL;
}

static const lac_metric_def metrics[] = {
    { .name = "apart", .recipe = "apart{net=%f}", .digits = 6, .of_set = apart, .wants_features = true, .whole = true, .unpaired = true, .has_std = true,
      .no_interval = "none is made" },
    { .name = "apart-middle", .recipe = "apart{net=%f,crop=middle}", .digits = 6, .of_set = apart, .wants_features = true, .whole = true, .wants_mask = true,
      .crop = middle, .no_interval = "none is made" },
    { .name = "near", .recipe = "near{net=%f}", .digits = 6, .measure = near, .wants_features = true, .whole = true },
    { .name = "frechet", .recipe = "fd{net=%f,region=%s,moments=f64}", .digits = 6, .of_set = frechet, .wants_features = true, .whole = true },
    { .name = "worst", .recipe = "worst", .range = 1, .digits = 4, .measure = lac_l1_measure, .of_set = worst, .no_interval = "a largest value has none" },
    { .name = NULL },
};

static const lac_features_def *const networks[] = { &tiny_features, NULL };

const lac_metric_list lac_test_metrics = { metrics, networks };

void lac_test_metrics_register(void)
{
    static bool done;
    if (!done)
        LAC_CHECK_STATUS(lac_metric_register(&lac_test_metrics));
    done = true;
}
