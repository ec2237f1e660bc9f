#include "eval/cosine.h"

#include <math.h>

static double length_of(const double *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

double lac_cosine(const double *a, const double *b, int64_t n)
{
    const double la = length_of(a, n), lb = length_of(b, n);
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += a[i] / la * (b[i] / lb);
    return sum;
}

double lac_cosine_of_changes(const double *a, const double *b, const double *c, const double *d, int64_t n)
{
    const double la = length_of(a, n), lb = length_of(b, n), lc = length_of(c, n), ld = length_of(d, n);
    double product = 0, image = 0, text = 0;
    for (int64_t i = 0; i < n; i++) {
        const double u = b[i] / lb - a[i] / la, v = d[i] / ld - c[i] / lc;
        product += u * v;
        image += u * u;
        text += v * v;
    }
    return product / sqrt(image) / sqrt(text);
}

double lac_masked_cosine(const float *a, const float *b, const float *mask, int64_t n, int64_t width, bool plus_one)
{
    double sum = 0, count = plus_one;
    for (int64_t i = 0; i < n; i++) {
        double ab = 0, aa = 0, bb = 0;
        for (int64_t k = 0; mask[i] != 0 && k < width; k++) {
            const double u = a[i * width + k], v = b[i * width + k];
            ab += u * v, aa += u * u, bb += v * v;
        }
        sum += mask[i] != 0 ? ab / fmax(sqrt(aa) * sqrt(bb), 1e-8) : 0;
        count += mask[i] != 0;
    }
    return sum / count;
}
