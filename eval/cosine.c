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
