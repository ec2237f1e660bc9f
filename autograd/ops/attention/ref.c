#include "autograd/ops/attention/attention.h"
#include "tests/harness/op.h"

#include <math.h>

static int64_t tokens(const lac_shape *s) { return lac_shape_numel(s) / s->dim[0] / s->dim[s->ndim - 1]; }

static double dot(const double *a, const double *b, int64_t n)
{
    double s = 0;
    for (int64_t i = 0; i < n; i++)
        s += a[i] * b[i];
    return s;
}

void attention_ref(const lac_ref *r)
{
    const lac_attention_attr *a = r->attr;
    const int64_t width = r->shape[0].dim[r->shape[0].ndim - 1], d = width / a->heads, tq = tokens(&r->shape[0]), tk = tokens(&r->shape[1]);
    const double scale = a->scale == 0 ? 1 / sqrt((double)d) : (double)a->scale;
    for (int64_t at = 0; at < r->shape[0].dim[0] * tq * a->heads; at++) {
        const int64_t n = at / (tq * a->heads), i = at / a->heads % tq, h = at % a->heads, seen = a->causal ? LAC_MIN(i + 1, tk) : tk;
        const double *q = r->in[0] + (n * tq + i) * width + h * d, *k = r->in[1] + n * tk * width + h * d, *v = r->in[2] + n * tk * width + h * d;
        double *y = r->out[0] + (n * tq + i) * width + h * d, sum = 0;
        memset(y, 0, (size_t)d * sizeof *y);
        for (int64_t j = 0; j < seen; j++) {
            const double p = exp(scale * dot(q, k + j * width, d));
            sum += p;
            for (int64_t e = 0; e < d; e++)
                y[e] += p * v[j * width + e];
        }
        for (int64_t e = 0; e < d; e++)
            y[e] /= sum;
    }
}
