#include "eval/metric_ms_ssim.h"

#include "core/memory.h"
#include "core/threads.h"
#include "eval/ssim_map.h"

#include <math.h>
#include <stdlib.h>

enum { SCALES = 5, CS_MARGIN = 5 };

/* Means of 2x2, in place. */
static void halve(double *x, int64_t height, int64_t width)
{
    const int64_t h = height / 2, w = width / 2;
    for (int64_t i = 0; i < h; i++)
        for (int64_t j = 0; j < w; j++) {
            const double *at = x + 2 * i * width + 2 * j;
            x[i * w + j] = (at[0] + at[1] + at[width] + at[width + 1]) / 4;
        }
}

/* All scales of one channel; scratch: both planes, and what the sums want. */
static void sum_channel(const lac_pair *p, int variant, int channel, double *scratch, lac_ssim_sums sums[SCALES])
{
    const int64_t n = p->height * p->width;
    lac_ssim_plane plane = { p->height, p->width, scratch, scratch + n };
    lac_ssim_channel(scratch, p->image, n, channel);
    lac_ssim_channel(scratch + n, p->reference, n, channel);
    for (int s = 0; s < SCALES; s++) {
        sums[s] = lac_ssim_sum(&plane, variant, LAC_WHOLE, variant == LAC_SSIM_REFLECT ? CS_MARGIN : 0, scratch + 2 * n);
        halve(scratch, plane.height, plane.width);
        halve(scratch + n, plane.height, plane.width);
        plane.height /= 2;
        plane.width /= 2;
    }
}

static double product(lac_ssim_sums sums[3][SCALES])
{
    static const double weight[SCALES] = { 0.0448, 0.2856, 0.3001, 0.2363, 0.1333 };
    double value = 1;
    for (int s = 0; s < SCALES; s++) {
        const lac_ssim_sums *a = &sums[0][s], *b = &sums[1][s], *c = &sums[2][s];
        const double cs = (a->cs + b->cs + c->cs) / (double)(3 * a->n_cs), ssim = (a->ssim + b->ssim + c->ssim) / (double)(3 * a->n);
        value *= pow(fmax(s < SCALES - 1 ? cs : ssim, 0), weight[s]);
    }
    return value;
}

lac_status lac_ms_ssim(const lac_pair *p, int variant, lac_value *value)
{
    const lac_ssim_plane plane = { p->height, p->width };
    if (LAC_MIN(p->height, p->width) < LAC_MS_SSIM_SIDE)
        return *value = lac_undefined("a side under 176 pixels"), LAC_OK;
    const int64_t each = lac_ssim_scratch(&plane, variant) + 2 * p->height * p->width;
    double *scratch;
    lac_ssim_sums sums[3][SCALES];
    LAC_TRY(lac_calloc((void **)&scratch, (size_t)each, 3 * sizeof *scratch));
    LAC_PARALLEL_FOR(c, 3)
        sum_channel(p, variant, (int)c, scratch + c * each, sums[c]);
    free(scratch);
    *value = (lac_value){ product(sums), NULL };
    return LAC_OK;
}

lac_status lac_ms_ssim_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value)
{
    (void)region;
    return lac_ms_ssim(p, def->variant, value);
}
