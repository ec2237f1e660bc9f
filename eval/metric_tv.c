#include "eval/metric_tv.h"

/* Mean difference between pixels `step` apart, pixels of rows [0, h) and columns [0, w); -1 without a pair. */
static double mean_step(const lac_pair *p, lac_region region, int64_t h, int64_t w, int64_t step)
{
    uint64_t sum = 0;
    int64_t n = 0;
    for (int64_t y = 0; y < h; y++)
        for (int64_t x = 0; x < w; x++) {
            const int64_t a = y * p->width + x, b = a + step;
            if (!lac_in_region(p, region, a) || !lac_in_region(p, region, b))
                continue;
            for (int c = 0; c < 3; c++) {
                const int d = p->image[3 * a + c] - p->image[3 * b + c];
                sum += (uint64_t)(d < 0 ? -d : d);
            }
            n += 3;
        }
    return n > 0 ? (double)sum / (double)n : -1;
}

lac_value lac_tv(const lac_pair *p, lac_region region, double range)
{
    const char *missing = lac_region_missing(p, region);
    if (missing != NULL)
        return lac_undefined(missing);
    const double dx = mean_step(p, region, p->height, p->width - 1, 1);
    const double dy = mean_step(p, region, p->height - 1, p->width, p->width);
    if (dx < 0 || dy < 0)
        return lac_undefined("no pair of neighbours");
    return (lac_value){ (dx + dy) * (range / 255), NULL };
}

lac_status lac_tv_measure(const lac_metric_def *def, const lac_pair *p, lac_region region, lac_value *value)
{
    return *value = lac_tv(p, region, def->range), LAC_OK;
}
