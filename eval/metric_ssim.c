#include "eval/metric_ssim.h"

#include "core/memory.h"
#include "core/threads.h"
#include "eval/ssim_map.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TAPS = 11, N_FIELDS = 5 };               /* fields: x, y, x^2, y^2, xy */

typedef struct window {
    int variant, taps;
    int64_t margin;                                 /* map pixel (0, 0) is picture pixel (margin, margin) */
    int64_t height, width;                          /* of the map */
    double weight[MAX_TAPS];
} window;

static bool crops(int variant) { return variant == LAC_SSIM_VALID || variant == LAC_SSIM_UNIFORM7; }

static void gaussian(double *weight)
{
    double sum = 0;
    for (int i = 0; i < MAX_TAPS; i++)
        sum += weight[i] = exp(-(i - 5) * (i - 5) / (2 * 1.5 * 1.5));
    for (int i = 0; i < MAX_TAPS; i++)
        weight[i] /= sum;
}

int lac_ssim_window(int variant) { return variant == LAC_SSIM_UNIFORM7 ? 7 : MAX_TAPS; }

static window window_for(const lac_ssim_plane *p, int variant)
{
    window w = { .variant = variant, .taps = lac_ssim_window(variant) };
    w.margin = crops(variant) ? w.taps / 2 : 0;
    w.height = p->height - 2 * w.margin;
    w.width = p->width - 2 * w.margin;
    gaussian(w.weight);
    for (int i = 0; variant == LAC_SSIM_UNIFORM7 && i < 7; i++)
        w.weight[i] = 1.0 / 7;
    return w;
}

/* Where tap i of the window around map position `at` reads, in [0, n), or -1 for a zero. */
static int64_t tap(const window *w, int64_t at, int i, int64_t n)
{
    int64_t k = at + w->margin - w->taps / 2 + i;
    if (w->variant == LAC_SSIM_ZERO)
        return k < 0 || k >= n ? -1 : k;
    k = k < 0 ? -k : k;
    return k >= n ? 2 * n - 2 - k : k;
}

/* The five fields of one picture row, filtered along x: row [N_FIELDS][map width]. */
static void filter_row(const lac_ssim_plane *p, const window *w, int64_t y, double *row)
{
    const double *a = p->image + y * p->width, *b = p->reference + y * p->width;
    memset(row, 0, (size_t)(N_FIELDS * w->width) * sizeof *row);
    for (int i = 0; i < w->taps; i++)
        for (int64_t x = 0; x < w->width; x++) {
            const int64_t k = tap(w, x, i, p->width);
            if (k < 0)
                continue;
            const double u = a[k], v = b[k], g = w->weight[i];
            row[x] += g * u;
            row[w->width + x] += g * v;
            row[2 * w->width + x] += g * (u * u);
            row[3 * w->width + x] += g * (v * v);
            row[4 * w->width + x] += g * (u * v);
        }
}

/* The map's value, and in *cs its second factor, contrast and structure. */
static double similarity(const window *w, const double m[N_FIELDS], double *cs)
{
    const double c1 = (0.01 * 255) * (0.01 * 255), c2 = (0.03 * 255) * (0.03 * 255);
    const double sample = w->variant == LAC_SSIM_UNIFORM7 ? 49.0 / 48 : 1;
    double xx = (m[2] - m[0] * m[0]) * sample, yy = (m[3] - m[1] * m[1]) * sample;
    const double xy = (m[4] - m[0] * m[1]) * sample;
    if (w->variant == LAC_SSIM_REFLECT) {
        xx = fmax(xx, 0);
        yy = fmax(yy, 0);
    }
    *cs = (2 * xy + c2) / (xx + yy + c2);
    return (2 * m[0] * m[1] + c1) * (2 * xy + c2) / ((m[0] * m[0] + m[1] * m[1] + c1) * (xx + yy + c2));
}

/* One row of the map from rows filtered along x. */
static void map_row(const lac_ssim_plane *p, const window *w, const double *rows, int64_t y, double *map, double *cs)
{
    for (int64_t x = 0; x < w->width; x++) {
        double m[N_FIELDS] = { 0 };
        for (int i = 0; i < w->taps; i++) {
            const int64_t k = tap(w, y, i, p->height);
            for (int f = 0; k >= 0 && f < N_FIELDS; f++)
                m[f] += w->weight[i] * rows[(k * N_FIELDS + f) * w->width + x];
        }
        map[x] = similarity(w, m, &cs[x]);
    }
}

static bool inside(const lac_ssim_plane *p, lac_region region, int64_t pixel)
{
    return region == LAC_WHOLE || (p->mask[pixel] != 0) == (region == LAC_HOLE);
}

static void add_row(lac_ssim_sums *sums, const lac_ssim_plane *p, const window *w, lac_region region, int64_t margin, int64_t y, const double *map,
                    const double *cs)
{
    for (int64_t x = 0; x < w->width; x++) {
        if (!inside(p, region, (y + w->margin) * p->width + x + w->margin))
            continue;
        sums->ssim += map[x];
        sums->n++;
        if (y < margin || y >= w->height - margin || x < margin || x >= w->width - margin)
            continue;
        sums->cs += cs[x];
        sums->n_cs++;
    }
}

/* Rows filtered along x, and a row of the map and of its factor. */
int64_t lac_ssim_scratch(const lac_ssim_plane *p, int variant) { return (N_FIELDS * p->height + 2) * window_for(p, variant).width; }

lac_ssim_sums lac_ssim_sum(const lac_ssim_plane *p, int variant, lac_region region, int64_t cs_margin, double *scratch)
{
    const window w = window_for(p, variant);
    lac_ssim_sums sums = { 0 };
    double *map = scratch + p->height * N_FIELDS * w.width, *cs = map + w.width;
    for (int64_t y = 0; y < p->height; y++)
        filter_row(p, &w, y, scratch + y * N_FIELDS * w.width);
    for (int64_t y = 0; y < w.height; y++) {
        map_row(p, &w, scratch, y, map, cs);
        add_row(&sums, p, &w, region, cs_margin, y, map, cs);
    }
    return sums;
}

void lac_ssim_channel(double *to, const uint8_t *pixels, int64_t n, int channel)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = pixels[3 * i + channel];
}

/* One channel of the pair; scratch holds both planes and what the sums want. */
static lac_ssim_sums sum_channel(const lac_pair *p, int variant, lac_region region, int channel, double *scratch)
{
    const int64_t n = p->height * p->width;
    const lac_ssim_plane plane = { p->height, p->width, scratch, scratch + n, p->mask };
    lac_ssim_channel(scratch, p->image, n, channel);
    lac_ssim_channel(scratch + n, p->reference, n, channel);
    return lac_ssim_sum(&plane, variant, region, 0, scratch + 2 * n);
}

lac_status lac_ssim(const lac_pair *p, lac_region region, int variant, lac_value *value)
{
    const char *missing = lac_region_missing(p, region);
    const lac_ssim_plane plane = { p->height, p->width };
    if (missing == NULL && variant != LAC_SSIM_ZERO && LAC_MIN(p->height, p->width) < lac_ssim_window(variant))
        missing = variant == LAC_SSIM_UNIFORM7 ? "a side under 7 pixels" : "a side under 11 pixels";
    if (missing != NULL)
        return *value = lac_undefined(missing), LAC_OK;
    const int64_t each = lac_ssim_scratch(&plane, variant) + 2 * p->height * p->width;
    double *scratch;
    lac_ssim_sums t[3];
    LAC_TRY(lac_calloc((void **)&scratch, (size_t)each, 3 * sizeof *scratch));
    LAC_PARALLEL_FOR(c, 3)
        t[c] = sum_channel(p, variant, region, (int)c, scratch + c * each);
    free(scratch);
    const int64_t n = t[0].n + t[1].n + t[2].n;
    *value = n > 0 ? (lac_value){ (t[0].ssim + t[1].ssim + t[2].ssim) / (double)n, NULL }
                   : lac_undefined("no window has its centre in the region");
    return LAC_OK;
}

lac_status lac_ssim_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value)
{
    return lac_ssim(p, region, def->variant, value);
}
