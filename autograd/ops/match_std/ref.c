#include "autograd/ops/match_std/match_std.h"
#include "tests/harness/op.h"

#include <math.h>

static double deviation(const double *x, int64_t n)
{
    double mean = 0, squares = 0;
    for (int64_t i = 0; i < n; i++)
        mean += x[i] / (double)n;
    for (int64_t i = 0; i < n; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    return sqrt(squares / (double)(n - 1));
}

void match_std_ref(const lac_ref *r)
{
    const double share = (double)((const lac_match_std_attr *)r->attr)->share;
    const int64_t samples = r->shape[0].dim[0], each = lac_shape_numel(&r->shape[0]) / samples;
    for (int64_t i = 0; i < samples * each; i++) {
        const int64_t start = i / each * each;
        const double ratio = deviation(r->in[1] + start, each) / deviation(r->in[0] + start, each);
        r->out[0][i] = share * ratio * r->in[0][i] + (1 - share) * r->in[0][i];
    }
}
