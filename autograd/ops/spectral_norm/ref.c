#include "autograd/ops/spectral_norm/spectral_norm.h"
#include "tests/harness/op.h"

#include <math.h>
#include <stdlib.h>

static void l2n(double *x, int64_t n)
{
    double s = 0;
    for (int64_t i = 0; i < n; i++)
        s += x[i] * x[i];
    for (int64_t i = 0; i < n; i++)
        x[i] /= sqrt(s) + 1e-12;
}

/* Differences of this give the full form's gradients; the detached ones are checked against PyTorch. */
void spectral_norm_ref(const lac_ref *r)
{
    const int64_t n = lac_shape_numel(&r->shape[0]), rows = r->shape[0].dim[0], columns = n / rows;
    double *v = calloc((size_t)columns, sizeof *v), *u = calloc((size_t)rows, sizeof *u), sigma = 0;
    for (int64_t i = 0; i < n; i++)
        v[i % columns] += r->in[0][i] * r->in[1][i / columns];
    l2n(v, columns);
    for (int64_t i = 0; i < n; i++)
        u[i / columns] += r->in[0][i] * v[i % columns];
    l2n(u, rows);
    for (int64_t i = 0; i < n; i++)
        sigma += u[i / columns] * r->in[0][i] * v[i % columns];
    for (int64_t i = 0; i < n; i++)
        r->out[0][i] = r->in[0][i] / sigma;
    *r->out[1] = sigma;
    for (int64_t o = 0; o < rows; o++)
        r->out[2][o] = u[o];
    free(v);
    free(u);
}
