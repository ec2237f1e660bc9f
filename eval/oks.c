#include "eval/oks.h"

#include <float.h>
#include <math.h>

const double lac_oks_sigmas[LAC_OKS_POINTS] = { .26 / 10, .25 / 10, .25 / 10, .35 / 10, .35 / 10, .79 / 10, .79 / 10, .72 / 10, .72 / 10,
                                                .62 / 10, .62 / 10, 1.07 / 10, 1.07 / 10, .87 / 10, .87 / 10, .89 / 10, .89 / 10 };

static double outside(double at, double from, double size) { return fmax(0, from - size - at) + fmax(0, at - (from + 2 * size)); }

double lac_oks(const double *prediction, const double *reference, const double *sigma, int64_t points, double area, const double box[4])
{
    double sum = 0;
    int64_t labelled = 0;
    for (int64_t k = 0; k < points; k++)
        labelled += reference[3 * k + 2] > 0;
    for (int64_t k = 0; k < points; k++) {
        const double *p = prediction + 3 * k, *r = reference + 3 * k;
        if (labelled > 0 && !(r[2] > 0))
            continue;
        const double dx = labelled > 0 ? p[0] - r[0] : outside(p[0], box[0], box[2]), dy = labelled > 0 ? p[1] - r[1] : outside(p[1], box[1], box[3]);
        const double variance = 4 * sigma[k] * sigma[k];
        sum += exp(-(dx * dx + dy * dy) / variance / (area + DBL_EPSILON) / 2);
    }
    return sum / (double)(labelled > 0 ? labelled : points);
}
