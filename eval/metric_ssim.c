#include "eval/metric_ssim.h"

#include "core/memory.h"
#include "core/threads.h"

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

static window window_for(const lac_pair *p, int variant)
{
    window w = { .variant = variant, .taps = variant == LAC_SSIM_UNIFORM7 ? 7 : MAX_TAPS };
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
static void filter_row(const lac_pair *p, const window *w, int channel, int64_t y, double *row)
{
    const uint8_t *a = p->image + 3 * y * p->width + channel, *b = p->reference + 3 * y * p->width + channel;
    memset(row, 0, (size_t)(N_FIELDS * w->width) * sizeof *row);
    for (int i = 0; i < w->taps; i++)
        for (int64_t x = 0; x < w->width; x++) {
            const int64_t k = tap(w, x, i, p->width);
            if (k < 0)
                continue;
            const double u = a[3 * k], v = b[3 * k], g = w->weight[i];
            row[x] += g * u;
            row[w->width + x] += g * v;
            row[2 * w->width + x] += g * (u * u);
            row[3 * w->width + x] += g * (v * v);
            row[4 * w->width + x] += g * (u * v);
        }
}

static double similarity(const window *w, const double m[N_FIELDS])
{
    const double c1 = (0.01 * 255) * (0.01 * 255), c2 = (0.03 * 255) * (0.03 * 255);
    const double sample = w->variant == LAC_SSIM_UNIFORM7 ? 49.0 / 48 : 1;
    double xx = (m[2] - m[0] * m[0]) * sample, yy = (m[3] - m[1] * m[1]) * sample;
    const double xy = (m[4] - m[0] * m[1]) * sample;
    if (w->variant == LAC_SSIM_REFLECT) {
        xx = fmax(xx, 0);
        yy = fmax(yy, 0);
    }
    return (2 * m[0] * m[1] + c1) * (2 * xy + c2) / ((m[0] * m[0] + m[1] * m[1] + c1) * (xx + yy + c2));
}

/* One row of the map from rows filtered along x. */
static void map_row(const lac_pair *p, const window *w, const double *rows, int64_t y, double *map)
{
    for (int64_t x = 0; x < w->width; x++) {
        double m[N_FIELDS] = { 0 };
        for (int i = 0; i < w->taps; i++) {
            const int64_t k = tap(w, y, i, p->height);
            for (int f = 0; k >= 0 && f < N_FIELDS; f++)
                m[f] += w->weight[i] * rows[(k * N_FIELDS + f) * w->width + x];
        }
        map[x] = similarity(w, m);
    }
}

typedef struct total { double sum; int64_t n; } total;

/* One channel's sum over the map pixels in the region. scratch: the filtered rows and one row of the map. */
static total sum_channel(const lac_pair *p, const window *w, lac_region region, int channel, double *scratch)
{
    total t = { 0, 0 };
    double *map = scratch + p->height * N_FIELDS * w->width;
    for (int64_t y = 0; y < p->height; y++)
        filter_row(p, w, channel, y, scratch + y * N_FIELDS * w->width);
    for (int64_t y = 0; y < w->height; y++) {
        map_row(p, w, scratch, y, map);
        for (int64_t x = 0; x < w->width; x++)
            if (lac_in_region(p, region, (y + w->margin) * p->width + x + w->margin)) {
                t.sum += map[x];
                t.n++;
            }
    }
    return t;
}

lac_status lac_ssim(const lac_pair *p, lac_region region, int variant, lac_value *value)
{
    const char *missing = lac_region_missing(p, region);
    const window w = window_for(p, variant);
    if (missing == NULL && variant != LAC_SSIM_ZERO && LAC_MIN(p->height, p->width) < w.taps)
        missing = w.taps == 7 ? "a side under 7 pixels" : "a side under 11 pixels";
    if (missing != NULL)
        return *value = lac_undefined(missing), LAC_OK;
    const int64_t each = (N_FIELDS * p->height + 1) * w.width;
    double *scratch;
    total t[3];
    LAC_TRY(lac_calloc((void **)&scratch, (size_t)each, 3 * sizeof *scratch));
    LAC_PARALLEL_FOR(c, 3)
        t[c] = sum_channel(p, &w, region, (int)c, scratch + c * each);
    free(scratch);
    const int64_t n = t[0].n + t[1].n + t[2].n;
    *value = n > 0 ? (lac_value){ (t[0].sum + t[1].sum + t[2].sum) / (double)n, NULL }
                   : lac_undefined("no window has its centre in the region");
    return LAC_OK;
}

lac_status lac_ssim_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value)
{
    return lac_ssim(p, region, def->variant, value);
}
