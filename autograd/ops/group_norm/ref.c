#include "autograd/ops/group_norm/group_norm.h"
#include "tests/harness/op.h"

#include <math.h>

/* Element c of pixel p of x and skip side by side, shifted. */
static double at(const lac_ref *r, int64_t p, int64_t c)
{
    const int64_t a = r->shape[0].dim[3], sample = p / (r->shape[0].dim[1] * r->shape[0].dim[2]);
    const double shift = r->in[4] != NULL ? r->in[4][sample * r->shape[4].dim[1] + c] : 0;
    return shift + (c < a ? r->in[0][p * a + c] : r->in[3][p * r->shape[3].dim[3] + c - a]);
}

void group_norm_ref(const lac_ref *r)
{
    const lac_group_norm_attr *attr = r->attr;
    const int64_t pixels = r->shape[0].dim[1] * r->shape[0].dim[2], channels = r->out_shape[0].dim[3], each = channels / attr->groups;
    for (int64_t k = 0; k < r->shape[0].dim[0] * pixels * channels; k++) {
        const int64_t c = k % channels, p = k / channels, first = p / pixels * pixels, group = c / each * each;
        double mean = 0, var = 0;
        for (int64_t i = 0; i < pixels * each; i++)
            mean += at(r, first + i / each, group + i % each) / (double)(pixels * each);
        for (int64_t i = 0; i < pixels * each; i++)
            var += pow(at(r, first + i / each, group + i % each) - mean, 2) / (double)(pixels * each);
        double z = (at(r, p, c) - mean) / sqrt(var + (double)attr->eps) * r->in[1][c] + r->in[2][c];
        if (r->in[5] != NULL)
            z = z * (1 + r->in[5][p / pixels * 2 * channels + c]) + r->in[5][(p / pixels * 2 + 1) * channels + c];
        r->out[0][k] = attr->act == LAC_ACT_SILU ? z / (1 + exp(-z)) : z;
    }
}
