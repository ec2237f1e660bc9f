#include "autograd/ops/resize/resize.h"
#include "tests/harness/op.h"

#include <math.h>

static double keys(double x)
{
    x = fabs(x);
    return x <= 1 ? 1.25 * x * x * x - 2.25 * x * x + 1 : x < 2 ? -0.75 * (x * x * x - 5 * x * x + 8 * x - 4) : 0;
}

/* The weight of input i in output j along one axis of n inputs and m outputs; neighbours outside count for the edge. */
static double weight(const lac_resize_attr *a, int64_t i, int64_t j, int64_t n, int64_t m)
{
    const double corner = m > 1 ? (double)(n - 1) / (double)(m - 1) : 0;
    double at = a->align_corners ? (double)j * corner : ((double)j + 0.5) * (double)n / (double)m - 0.5, sum = 0;
    if (a->mode == LAC_RESIZE_NEAREST)
        return i == (a->align_corners ? (int64_t)floor((double)j * corner + 0.5) : j * n / m);
    if (a->mode == LAC_RESIZE_AREA) {
        const double from = floor((double)(j * n) / (double)m), to = ceil((double)((j + 1) * n) / (double)m);
        return (double)i >= from && (double)i < to ? 1 / (to - from) : 0;
    }
    if (a->mode == LAC_RESIZE_BILINEAR)
        at = fmax(at, 0);
    for (int64_t k = -3; k < n + 3; k++)
        if (LAC_MIN(LAC_MAX(k, 0), n - 1) == i)
            sum += a->mode == LAC_RESIZE_BILINEAR ? fmax(1 - fabs(at - (double)k), 0) : keys(at - (double)k);
    return sum;
}

void resize_ref(const lac_ref *r)
{
    const lac_resize_attr *a = r->attr;
    const int64_t *x = r->shape[0].dim, *y = r->out_shape[0].dim;
    for (int64_t p = 0; p < y[0] * y[1] * y[2] * y[3]; p++) {
        const int64_t k = p % y[3], col = p / y[3] % y[2], row = p / y[3] / y[2] % y[1], sample = p / y[3] / y[2] / y[1];
        double v = a->mode == LAC_RESIZE_MAX ? -INFINITY : 0;
        for (int64_t i = 0; i < x[1]; i++)
            for (int64_t j = 0; j < x[2]; j++) {
                const double in = r->in[0][((sample * x[1] + i) * x[2] + j) * x[3] + k];
                if (a->mode != LAC_RESIZE_MAX)
                    v += weight(a, i, row, x[1], y[1]) * weight(a, j, col, x[2], y[2]) * in;
                else if (i / (x[1] / y[1]) == row && j / (x[2] / y[2]) == col)
                    v = fmax(v, in);
            }
        r->out[0][p] = v;
    }
}
