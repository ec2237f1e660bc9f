/* The pixel metrics against scikit-image, torchmetrics and NumPy, and the golden values of the published conventions. */
#include "eval/metric.h"
#include "eval/metric_l1.h"
#include "eval/metric_mse.h"
#include "eval/metric_psnr.h"
#include "eval/metric_ssim.h"
#include "tests/harness/test.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

enum { MAX_PIXELS = 48 * 64 };
typedef struct scene { uint8_t image[3 * MAX_PIXELS], reference[3 * MAX_PIXELS], mask[MAX_PIXELS]; lac_pair pair; } scene;

static int formula(int k, int y, int x, int c)
{
    return ((3 * x * x + 5 * y * y + 7 * x * y + 11 * c * x + 13 * y + 17 * c + 31 * k) >> 4) & 255;
}

static uint8_t noise(uint32_t seed, uint32_t i)
{
    uint32_t h = seed + i * 0x9E3779B9u;
    h = (h ^ h >> 16) * 0x85EBCA6Bu;
    h = (h ^ h >> 13) * 0xC2B2AE35u;
    return (uint8_t)((h ^ h >> 16) >> 24);
}

static void make_formula(scene *s)
{
    for (int y = 0; y < 48; y++)
        for (int x = 0; x < 64; x++) {
            for (int c = 0; c < 3; c++) {
                const int a = formula(0, y, x, c), k = 3 * (y * 64 + x) + c;
                s->image[k] = (uint8_t)a;
                s->reference[k] = (uint8_t)((3 * a + formula(1, y, x, c) + 2) / 4);
            }
            s->mask[y * 64 + x] = y >= 10 && y < 30 && x >= 20 && x < 50 ? 255 : 0;
        }
    s->pair = (lac_pair){ 48, 64, s->image, s->reference, s->mask };
}

static void make_noise(scene *s)
{
    for (uint32_t k = 0; k < 3 * 23 * 31; k++) {
        s->image[k] = noise(1, k);
        s->reference[k] = noise(2, k);
    }
    for (int i = 0; i < 23 * 31; i++)
        s->mask[i] = ((i % 31) * (i % 31) + 2 * (i / 31)) % 7 < 3;
    s->pair = (lac_pair){ 23, 31, s->image, s->reference, s->mask };
}

static double value_of(const char *name, const lac_pair *p)
{
    lac_metric m;
    lac_value v;
    LAC_CHECK_STATUS(lac_metric_find(&m, name));
    LAC_CHECK_STATUS(lac_metric_measure(&m, NULL, p, &v));
    LAC_CHECK(isnan(v.value) == (v.reason != NULL));
    return v.value;
}

static void undefined_with(const char *name, const lac_pair *p, const char *reason)
{
    lac_metric m;
    lac_value v;
    LAC_CHECK_STATUS(lac_metric_find(&m, name));
    LAC_CHECK_STATUS(lac_metric_measure(&m, NULL, p, &v));
    LAC_CHECK(isnan(v.value) && v.reason != NULL && strcmp(v.reason, reason) == 0);
}

/* 1e-9: both sides are sums in double. torchmetrics' window is made in double too. */
static void agrees(double ours, double theirs, const char *name)
{
    if (!(fabs(ours - theirs) <= 1e-9 * fabs(theirs)))
        print_error("%s: %.15g, golden %.15g\n", name, ours, theirs);
    LAC_CHECK(fabs(ours - theirs) <= 1e-9 * fabs(theirs));
}

static void compare(const json_t *golden, const lac_pair *p)
{
    const char *name;
    json_t *value;
    int n = 0;
    json_object_foreach((json_t *)golden, name, value) {
        const double theirs = json_real_value(value);
        if (strcmp(name, "brushnet-mse") == 0)
            agrees(lac_mse_brushnet(p).value, theirs, name);
        else if (strcmp(name, "brushnet-psnr") == 0)
            agrees(lac_psnr_brushnet(p).value, theirs, name);
        else
            agrees(value_of(name, p), theirs, name);
        n++;
    }
    LAC_CHECK(n == 3 * 12 + 2);
}

LAC_TEST(metrics_agree_with_scikit_image_and_torchmetrics)
{
    static scene s;
    json_t *golden = json_load_file(lac_test_golden("metrics.json"), 0, NULL);
    LAC_CHECK(golden != NULL);
    make_formula(&s);
    compare(json_object_get(golden, "formula 48x64"), &s.pair);
    make_noise(&s);
    compare(json_object_get(golden, "noise 23x31"), &s.pair);
    json_decref(golden);
}

LAC_TEST(metrics_give_the_published_golden_values)     /* twelve digits are given, so half a unit of the last */
{
    static scene s;
    lac_value v;
    make_formula(&s);
    agrees(lac_mse(&s.pair, LAC_WHOLE, 255).value, 26.3229166666666667, "mse");
    agrees(lac_l1(&s.pair, LAC_WHOLE, 255).value, 1.30338541666666667, "l1");
    agrees(lac_psnr(&s.pair, LAC_WHOLE).value, 33.9274635199, "psnr");
    agrees(lac_mse_brushnet(&s.pair).value, 0.00117816896414, "brushnet mse");
    agrees(lac_psnr_brushnet(&s.pair).value, 29.2879242, "brushnet psnr");
    agrees(lac_mse(&s.pair, LAC_KNOWN, 1).value, 0.000392722988047, "mse@known");
    const double ssim[] = { 0.997711112992, 0.997645442972, 0.997385521565, 0.997666165078 };
    for (int variant = LAC_SSIM_VALID; variant <= LAC_SSIM_UNIFORM7; variant++) {
        LAC_CHECK_STATUS(lac_ssim(&s.pair, LAC_WHOLE, variant, &v));
        agrees(v.value, ssim[variant], "ssim");
    }
}

LAC_TEST(ms_ssim_gives_the_published_golden_values)
{
    enum { H = 192, W = 208 };
    static uint8_t a[3 * H * W], b[3 * H * W];
    for (int i = 0; i < 3 * H * W; i++) {
        const int y = i / (3 * W), x = i / 3 % W, c = i % 3;
        a[i] = (uint8_t)formula(0, y, x, c);
        b[i] = (uint8_t)((3 * a[i] + formula(1, y, x, c) + 2) / 4);
    }
    const lac_pair p = { H, W, a, b, NULL }, small = { 175, 300, a, b, NULL };
    agrees(value_of("ms-ssim", &p), 0.994060064614, "ms-ssim");
    agrees(value_of("ms-ssim-reflect", &p), 0.994111865287, "ms-ssim-reflect");
    undefined_with("ms-ssim", &small, "a side under 176 pixels");
}

LAC_TEST(equal_pictures_are_the_best_of_each_metric)
{
    static scene s;
    make_noise(&s);
    memcpy(s.reference, s.image, sizeof s.image);
    LAC_CHECK(value_of("l1", &s.pair) == 0 && value_of("mse@hole", &s.pair) == 0 && value_of("l2-percent", &s.pair) == 0);
    LAC_CHECK(isnan(value_of("psnr", &s.pair)));
    LAC_CHECK(lac_psnr_brushnet(&s.pair).value == 1000);
    LAC_CHECK(fabs(value_of("ssim", &s.pair) - 1) < 1e-12 && fabs(value_of("ssim-uniform7@hole", &s.pair) - 1) < 1e-12);
}

LAC_TEST(undefined_values_say_why)
{
    static scene s;
    make_noise(&s);
    lac_pair p = s.pair;
    p.mask = NULL;
    undefined_with("l1@hole", &p, "no mask");
    LAC_CHECK(value_of("l1", &p) > 0);
    memset(s.mask, 0, sizeof s.mask);
    undefined_with("psnr@hole", &s.pair, "the mask has no hole");
    undefined_with("ssim@hole", &s.pair, "the mask has no hole");
    memset(s.mask, 1, sizeof s.mask);
    undefined_with("tv@known", &s.pair, "the mask leaves no known pixel");
    LAC_CHECK(isnan(lac_psnr_brushnet(&s.pair).value));
    memset(s.mask, 0, sizeof s.mask);
    s.mask[0] = 1;                                      /* a corner: no window is centred on it */
    undefined_with("ssim@hole", &s.pair, "no window has its centre in the region");
    undefined_with("tv@hole", &s.pair, "no pair of neighbours");
    LAC_CHECK(!isnan(value_of("ssim-zero@hole", &s.pair)));
    p = (lac_pair){ 10, 31, s.image, s.reference, NULL };
    undefined_with("ssim", &p, "a side under 11 pixels");
    undefined_with("ssim-reflect", &p, "a side under 11 pixels");
    LAC_CHECK(!isnan(value_of("ssim-uniform7", &p)));
    p.height = 1;
    undefined_with("ssim-uniform7", &p, "a side under 7 pixels");
    undefined_with("tv", &p, "no pair of neighbours");
    LAC_CHECK(!isnan(value_of("ssim-zero", &p)));
}

LAC_TEST(names_and_recipes)
{
    lac_metric m;
    char *text;
    LAC_CHECK_STATUS(lac_metric_find(&m, "psnr@hole"));
    LAC_CHECK_STATUS(lac_metric_name(&m, &text));
    LAC_CHECK(strcmp(text, "psnr@hole") == 0);
    free(text);
    LAC_CHECK_STATUS(lac_metric_recipe(&m, NULL, NULL, &text));
    LAC_CHECK(strcmp(text, "psnr{range=255,mean=per-image,region=hole}") == 0);
    free(text);
    LAC_CHECK_FAILS(lac_metric_find(&m, "pnsr@hole"), LAC_ERR_ARG, "unknown metric 'pnsr'; did you mean 'psnr'?");
    LAC_CHECK_FAILS(lac_metric_find(&m, "sharpness"), LAC_ERR_ARG, "unknown metric 'sharpness'");
    LAC_CHECK_FAILS(lac_metric_find(&m, "psnr@hale"), LAC_ERR_ARG, "unknown region 'hale'");
}
