#include "core/image/taps.h"

#include "core/memory.h"

#include <math.h>
#include <stdlib.h>

static double box(double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }

static double triangle(double x) { return fabs(x) < 1.0 ? 1.0 - fabs(x) : 0.0; }

static double sinc(double x) { return x == 0.0 ? 1.0 : sin(x * M_PI) / (x * M_PI); }

static double hamming(double x)
{
    return fabs(x) < 1.0 ? sinc(fabs(x)) * (0.54 + 0.46 * cos(fabs(x) * M_PI)) : 0.0;
}

static double cubic(double x)
{
    const double a = -0.5, r = fabs(x);
    if (r < 1.0)
        return ((a + 2.0) * r - (a + 3.0)) * r * r + 1;
    return r < 2.0 ? (((r - 5) * r + 8) * r - 4) * a : 0.0;
}

static double lanczos(double x) { return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0; }

static const struct { double (*kernel)(double); double radius; } filters[] = {
    [LAC_FILTER_BOX] = { box, 0.5 },         [LAC_FILTER_BILINEAR] = { triangle, 1.0 }, [LAC_FILTER_HAMMING] = { hamming, 1.0 },
    [LAC_FILTER_BICUBIC] = { cubic, 2.0 },   [LAC_FILTER_LANCZOS] = { lanczos, 3.0 },
};

static void fill_one(lac_taps *t, int64_t d, lac_filter filter)
{
    const double s = (double)t->in / (double)t->out, wide = s < 1.0 ? 1.0 : s, reach = filters[filter].radius * wide;
    const double centre = ((double)d + 0.5) * s, narrow = 1.0 / wide;
    const int64_t first = LAC_MAX((int64_t)(centre - reach + 0.5), 0), end = LAC_MIN((int64_t)(centre + reach + 0.5), t->in);
    double *w = t->weight + d * t->most, sum = 0;
    for (int64_t k = 0; k < end - first; k++) {
        w[k] = filters[filter].kernel(((double)(k + first) - centre + 0.5) * narrow);
        sum += w[k];
    }
    for (int64_t k = 0; k < end - first; k++) {
        w[k] = sum != 0 ? w[k] / sum : w[k];
        const double scaled = w[k] * (1 << LAC_FIXED_BITS);
        t->fixed[d * t->most + k] = (int32_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    }
    t->first[d] = first;
    t->count[d] = end - first;
}

lac_status lac_taps_new(lac_taps *t, int64_t in, int64_t out, lac_filter filter)
{
    const double reach = ceil(filters[filter].radius * LAC_MAX((double)in / (double)out, 1.0));
    *t = (lac_taps){ .in = in, .out = out, .most = LAC_MIN((int64_t)reach * 2 + 1, in) };
    lac_status s = lac_calloc((void **)&t->first, (size_t)out, sizeof *t->first);
    if (s == LAC_OK)
        s = lac_calloc((void **)&t->count, (size_t)out, sizeof *t->count);
    if (s == LAC_OK)
        s = lac_calloc((void **)&t->weight, (size_t)out, (size_t)t->most * sizeof *t->weight);
    if (s == LAC_OK)
        s = lac_calloc((void **)&t->fixed, (size_t)out, (size_t)t->most * sizeof *t->fixed);
    if (s != LAC_OK)
        lac_taps_free(t);
    for (int64_t d = 0; s == LAC_OK && d < out; d++)
        fill_one(t, d, filter);
    return s;
}

void lac_taps_free(lac_taps *t)
{
    free(t->first);
    free(t->count);
    free(t->weight);
    free(t->fixed);
    *t = (lac_taps){ 0 };
}
