/* Metrics with state: features shared and run once a picture, values of the set, recipes of run time, the same bytes over ranks. */
#include "autograd/ops/backend_cpu.h"
#include "cli/eval_run.h"
#include "core/file/atomic.h"
#include "core/image/paste.h"
#include "core/memory.h"
#include "eval/gather.h"
#include "eval/set_value.h"
#include "eval/summary.h"
#include "eval/table.h"
#include "tests/harness/metrics.h"
#include "tests/harness/pictures.h"
#include "tests/harness/ranks.h"
#include "tests/harness/sampler.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdlib.h>

enum { SIDE = 16, PIXELS = SIDE * SIDE, ITEMS = 13 };

/* Item i: a drawn picture of its own, a hole of i + 2 rows; two pictures on each background. */
typedef struct toy_set { lac_image image; uint8_t mask[PIXELS]; char id[16], background[16]; } toy_set;

static lac_status read_item(void *context, int64_t i, lac_eval_item *item)
{
    toy_set *s = context;
    lac_image_free(&s->image);
    LAC_TRY(lac_test_picture(&s->image, SIDE, SIDE, 3, (uint64_t)i + 100));
    for (int k = 0; k < PIXELS; k++)
        s->mask[k] = k < (i + 2) * SIDE;
    snprintf(s->id, sizeof s->id, "p%d", (int)i);
    snprintf(s->background, sizeof s->background, "b%d", (int)i / 2);
    *item = (lac_eval_item){ s->id, s->background, NULL, SIDE, SIDE, s->image.pixels, s->mask, .record = 1000 + i, .prompt = i % 2 ? "a dog" : NULL };
    return LAC_OK;
}

static const char *const names[] = { "near[tiny:7]", "frechet[tiny:7]", "frechet[tiny]", "worst@hole", "psnr@hole" };
enum { N_METRICS = LAC_COUNT(names) };

typedef struct painted { lac_inpainter ip; lac_eval_painter painter; lac_tape *tape; } painted;

static void begin_painter(painted *p, int64_t batch)
{
    const lac_backend *b;
    lac_test_metrics_register();
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_test_sampler_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    json_t *config = json_object();
    LAC_CHECK_STATUS(lac_inpainter_open(&p->ip, &lac_test_sampler, config, NULL, b, LAC_F32));
    LAC_CHECK_STATUS(lac_params_init(p->ip.network[0].params, 3));
    LAC_CHECK_STATUS(lac_tape_new(&p->tape, b));
    p->painter = (lac_eval_painter){ &p->ip, p->tape, 5, batch };
    json_decref(config);
}

static void end_painter(painted *p)
{
    lac_tape_free(p->tape);
    lac_inpainter_close(&p->ip);
}

/* The sampler and a baseline over the items, this rank's share of them, gathered. */
static lac_status score(lac_score *s, int64_t batch, int64_t items, lac_comm *comm)
{
    painted p;
    toy_set set = { .mask = { 0 } };
    begin_painter(&p, batch);
    const lac_eval_method methods[] = { lac_eval_inpainter_method("sampler", &p.painter), lac_eval_baseline("mean-colour") };
    const char *const method[] = { methods[0].name, methods[1].name };
    const lac_eval_share share = lac_eval_share_of(items, comm);
    lac_status status = lac_score_new(s, names, N_METRICS, method, 2, &(lac_eval_means){ .backend = lac_inpainter_backend(&p.ip) });
    if (status == LAC_OK)
        status = lac_eval_share_run(&share, s, read_item, &set, methods, batch, NULL, comm);
    if (status == LAC_OK)
        status = lac_score_gather(s, comm);
    lac_image_free(&set.image);
    end_painter(&p);
    return status;
}

static void score_alone(lac_score *s, int64_t batch, int64_t items)
{
    lac_comm *alone;
    LAC_CHECK_STATUS(lac_comm_alone(&alone));
    LAC_CHECK_STATUS(score(s, batch, items, alone));
    lac_comm_free(alone);
}

static const lac_score_origin origin = { "toy", "test", "abc", "hand-made", 7 };

static char *summary_text(const lac_score *s)
{
    json_t *summary;
    LAC_CHECK_STATUS(lac_score_summary(s, &origin, &summary));
    char *text = json_dumps(summary, JSON_INDENT(1));
    json_decref(summary);
    return text;
}

LAC_TEST(names_say_network_option_and_region)
{
    lac_metric m;
    char *text;
    lac_test_metrics_register();
    LAC_CHECK_STATUS(lac_metric_find(&m, "frechet[tiny:a@b]:c.pth]"));
    LAC_CHECK(strcmp(m.def->name, "frechet") == 0 && strcmp(m.features->name, "tiny") == 0 && strcmp(m.option, "a@b]:c.pth") == 0);
    LAC_CHECK_STATUS(lac_metric_name(&m, &text));
    LAC_CHECK(strcmp(text, "frechet[tiny:a@b]:c.pth]") == 0);
    free(text);
    LAC_CHECK_STATUS(lac_metric_find(&m, "worst@known"));
    LAC_CHECK_STATUS(lac_metric_recipe(&m, NULL, NULL, &text));
    LAC_CHECK(strcmp(text, "worst") == 0 && m.region == LAC_KNOWN);         /* a recipe with no place for anything */
    free(text);
    LAC_CHECK_FAILS(lac_metric_find(&m, "frechet"), LAC_ERR_ARG, "'frechet' wants a network: frechet[NETWORK]");
    LAC_CHECK_FAILS(lac_metric_find(&m, "frechet[tony]"), LAC_ERR_ARG, "unknown network 'tony' in metric 'frechet[tony]'");
    LAC_CHECK_FAILS(lac_metric_find(&m, "psnr[tiny]"), LAC_ERR_ARG, "metric 'psnr' has no network");
    LAC_CHECK_FAILS(lac_metric_find(&m, "frechet[tiny]@hole"), LAC_ERR_ARG, "sees whole pictures");
    LAC_CHECK_FAILS(lac_metric_find(&m, "frechet[tiny"), LAC_ERR_ARG, "METRIC[NETWORK:OPTION]@REGION");
    LAC_CHECK_FAILS(lac_metric_find(&m, "DF[tiny]"), LAC_ERR_ARG, "unknown metric 'DF'");
    lac_score s;
    LAC_CHECK_FAILS(lac_score_new(&s, names, 1, names, 1, NULL), LAC_ERR_ARG, "features 'tiny' want a device");
}

LAC_TEST(a_network_is_opened_once_and_sees_each_picture_once)
{
    lac_score s;
    const int open = lac_test_features_open, seen = lac_test_features_seen;
    score_alone(&s, 4, ITEMS);
    LAC_CHECK(s.n_features == 2 && lac_test_features_open == open + 2);         /* of tiny:7 and of tiny, whatever metrics share */
    LAC_CHECK(lac_test_features_seen == seen + 2 * 3 * ITEMS);                  /* two methods and the truth */
    LAC_CHECK(strcmp(s.recipe[0], "near{net=tiny,seed=7}") == 0 && strcmp(s.recipe[2], "fd{net=tiny,region=whole,moments=f64}") == 0);
    lac_score_free(&s);
    LAC_CHECK(lac_test_features_open == open);
}

/* The value by its formula, over rows 0 to n - 1, in another order of sums. */
static double frechet(const lac_score *s, int64_t m, int64_t k)
{
    double distance = 0;
    for (int c = 0; c < LAC_TEST_FEATURES; c++) {
        double sum[2] = { 0, 0 }, square[2] = { 0, 0 };
        const double n = (double)s->n_rows;
        for (int64_t i = s->n_rows; i-- > 0;)
            for (int side = 0; side < 2; side++) {
                const double x = lac_score_feature(s, &s->row[i], side ? s->n_methods : m, k)[c];
                sum[side] += x;
                square[side] += x * x;
            }
        const double mean = (sum[0] - sum[1]) / n;
        const double sd = sqrt((square[0] - sum[0] * sum[0] / n) / (n - 1)) - sqrt((square[1] - sum[1] * sum[1] / n) / (n - 1));
        distance += mean * mean + sd * sd;
    }
    return distance;
}

LAC_TEST(a_metric_of_the_set_has_value_interval_and_difference)
{
    lac_score s;
    lac_set_value a, b, difference, plain;
    score_alone(&s, 4, ITEMS);
    LAC_CHECK_STATUS(lac_score_set_value(&s, 0, -1, 1, true, 7, &a));
    LAC_CHECK_STATUS(lac_score_set_value(&s, 1, -1, 1, true, 7, &b));
    LAC_CHECK_STATUS(lac_score_set_value(&s, 0, 1, 1, true, 7, &difference));
    LAC_CHECK_STATUS(lac_score_set_value(&s, 0, -1, 1, false, 7, &plain));
    LAC_CHECK(fabs(a.v.value - frechet(&s, 0, 1)) < 1e-9 * fabs(a.v.value));    /* the same sums in f64, rounded otherwise */
    LAC_CHECK(a.v.n == ITEMS && a.v.n_groups == (ITEMS + 1) / 2 && a.v.low < a.v.high && a.v.low > 0);
    LAC_CHECK(difference.v.value == a.v.value - b.v.value && difference.v.low < difference.v.high);
    LAC_CHECK(plain.v.value == a.v.value && isnan(plain.v.low));
    LAC_CHECK_STATUS(lac_score_set_value(&s, 1, -1, 3, true, 7, &b));
    LAC_CHECK(b.v.value > 0 && isnan(b.v.low) && strcmp(b.no_interval, "a largest value has none") == 0);
    lac_score_free(&s);
    score_alone(&s, 4, 1);
    LAC_CHECK_STATUS(lac_score_set_value(&s, 0, -1, 1, true, 7, &a));
    LAC_CHECK(isnan(a.v.value) && strcmp(a.undefined, "fewer than two pictures") == 0);
    char *text = summary_text(&s);
    LAC_CHECK(strstr(text, "\"reason\": \"fewer than two pictures\"") && strstr(text, "\"interval\": \"a largest value has none\""));
    free(text);
    lac_score_free(&s);
}

typedef struct weighing { const double *value; const int64_t *group; } weighing;

static lac_status weighted_mean(void *context, const double *times, double *mean)
{
    const weighing *w = context;
    double sum = 0, n = 0;
    for (int i = 0; i < ITEMS; i++) {
        sum += times[w->group[i]] * w->value[i];
        n += times[w->group[i]];
    }
    return *mean = sum / n, LAC_OK;
}

LAC_TEST(a_resample_weighs_what_a_mean_would_draw)       /* a mean, as a statistic of weighted groups, has lac_bootstrap's own interval */
{
    lac_score s;
    lac_interval mean, weighted = { 0 };
    score_alone(&s, 4, ITEMS);
    double *value;
    int64_t group[ITEMS];
    for (int i = 0; i < ITEMS; i++)
        group[i] = s.row[i].background;
    LAC_CHECK_STATUS(lac_score_values(&s, 0, 0, &value));
    LAC_CHECK_STATUS(lac_bootstrap(&mean, value, group, ITEMS, s.backgrounds.n, 7));
    weighing w = { value, group };
    LAC_CHECK_STATUS(lac_bootstrap_interval(&weighted, weighted_mean, &w, s.backgrounds.n, 7));
    LAC_CHECK(fabs(weighted.low - mean.low) < 1e-9 * mean.low && fabs(weighted.high - mean.high) < 1e-9 * mean.high);
    free(value);
    lac_score_free(&s);
}

/* The middle third of the pictures that have one: cut out by hand, it is the same. */
LAC_TEST(a_metric_of_parts_sees_no_more)
{
    enum { LARGE = 30, SMALL = 12, N = 4 };
    static const char *const metric[] = { "apart-middle[tiny:7]", "apart[tiny:7]" }, *const method[] = { "m" };
    static uint8_t mask[LARGE * LARGE];
    const lac_backend *b;
    lac_score whole, middle;
    lac_set_value found, expected;
    lac_test_metrics_register();
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_STATUS(lac_score_new(&whole, metric, 2, method, 1, &(lac_eval_means){ .backend = b }));
    LAC_CHECK_STATUS(lac_score_new(&middle, metric + 1, 1, method, 1, &(lac_eval_means){ .backend = b }));
    LAC_CHECK(whole.n_features == 2);
    for (int i = 0; i < N; i++) {
        const int64_t side = i == 2 ? SMALL : LARGE;
        lac_image picture[2], part[2];
        for (int k = 0; k < 2; k++) {
            LAC_CHECK_STATUS(lac_test_picture(&picture[k], side, side, 3, (uint64_t)(10 * i + k)));
            LAC_CHECK_STATUS(lac_image_crop(&part[k], &picture[k], side / 3, side / 3, side / 3, side / 3));
        }
        const lac_eval_item item = { "p", i < 2 ? "b0" : "b1", NULL, side, side, picture[0].pixels, mask };
        const lac_eval_item cut = { "p", i < 2 ? "b0" : "b1", NULL, side / 3, side / 3, part[0].pixels, mask };
        LAC_CHECK_STATUS(lac_score_add(&whole, 1, &item, (const uint8_t *const[]){ picture[1].pixels }, NULL));
        if (i != 2)
            LAC_CHECK_STATUS(lac_score_add(&middle, 1, &cut, (const uint8_t *const[]){ part[1].pixels }, NULL));
        for (int k = 0; k < 2; k++) {
            lac_image_free(&picture[k]);
            lac_image_free(&part[k]);
        }
    }
    LAC_CHECK_STATUS(lac_score_set_value(&whole, 0, -1, 0, false, 1, &found));
    LAC_CHECK_STATUS(lac_score_set_value(&middle, 0, -1, 0, false, 1, &expected));
    LAC_CHECK(found.v.value == expected.v.value && found.v.n == N - 1 && found.v.n_groups == 2);
    LAC_CHECK_STATUS(lac_score_set_value(&whole, 0, -1, 1, false, 1, &found));
    LAC_CHECK(found.v.n == N && found.v.value != expected.v.value);
    lac_score_free(&whole);
    lac_score_free(&middle);
}

static int score_on_ranks(lac_ranks_here *h)
{
    lac_score s;
    WANT(h->opened == LAC_OK && score(&s, 3, ITEMS, h->comm) == LAC_OK);
    char *text = summary_text(&s);
    WANT(strcmp(text, h->context) == 0);
    WANT(s.n_rows == ITEMS && strcmp(s.row[ITEMS - 1].id, "p12") == 0);
    free(text);
    lac_score_free(&s);
    return 0;
}

LAC_TEST(batches_and_ranks_change_no_byte)
{
    lac_score s;
    score_alone(&s, 1, ITEMS);
    char *one = summary_text(&s);
    lac_score_free(&s);
    for (int batch = 2; batch <= 8; batch += 3) {
        score_alone(&s, batch, ITEMS);
        char *several = summary_text(&s);
        LAC_CHECK(strcmp(one, several) == 0);
        free(several);
        lac_score_free(&s);
    }
    for (int size = 2; size <= 3; size++)
        lac_play(score_on_ranks, size, 0, 20, lac_test_port(NULL), one);
    free(one);
}

LAC_TEST(each_missing_allocation_is_an_error)
{
    lac_status status = LAC_ERR_MEM;
    lac_comm *alone;
    lac_score s;
    int64_t n = 0;
    score_alone(&s, 2, 3);
    lac_score_free(&s);
    LAC_CHECK_STATUS(lac_comm_alone(&alone));
    painted p;
    toy_set set = { .mask = { 0 } };
    begin_painter(&p, 2);
    const lac_eval_method method = lac_eval_inpainter_method("sampler", &p.painter);
    for (; status != LAC_OK && n < 4000; n++) {
        lac_alloc_fail_after(n);
        status = lac_score_new(&s, names, N_METRICS, &method.name, 1, &(lac_eval_means){ .backend = lac_inpainter_backend(&p.ip) });
        if (status == LAC_OK)
            status = lac_score_run(&s, read_item, &set, 3, &method, 2);
        lac_set_value found;
        for (int k = 0; status == LAC_OK && k < N_METRICS; k++)
            status = lac_score_set_value(&s, 0, -1, k, k == 1, 7, &found);
        lac_score_free(&s);
        LAC_CHECK(status == LAC_OK || status == LAC_ERR_MEM);
    }
    lac_alloc_fail_after(-1);
    LAC_CHECK(status == LAC_OK && n > 50);
    lac_image_free(&set.image);
    end_painter(&p);
    lac_comm_free(alone);
}
