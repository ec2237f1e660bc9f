#include "autograd/ops/lpips_distance/lpips_distance.h"
#include "tests/harness/op.h"

#include <math.h>

static double length(const double *x, int64_t n)
{
    double square = 0;
    for (int64_t k = 0; k < n; k++)
        square += x[k] * x[k];
    return sqrt(square);
}

void lpips_distance_ref(const lac_ref *r)
{
    const int64_t *dim = r->shape[0].dim, pixels = dim[1] * dim[2], n = dim[3];
    for (int64_t sample = 0; sample < dim[0]; sample++)
        r->out[0][sample] = r->in[3] != NULL ? r->in[3][sample] : 0;
    for (int64_t p = 0; p < dim[0] * pixels; p++) {
        const double *a = r->in[0] + p * n, *b = r->in[1] + p * n;
        r->out[1][p] = 0;
        for (int64_t k = 0; k < n; k++)
            r->out[1][p] += r->in[2][k] * pow(a[k] / (length(a, n) + 1e-10) - b[k] / (length(b, n) + 1e-10), 2);
        r->out[0][p / pixels] += r->out[1][p] / (double)pixels;
    }
}
