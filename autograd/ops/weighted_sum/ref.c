#include "autograd/ops/weighted_sum/weighted_sum.h"
#include "tests/harness/op.h"

void weighted_sum_ref(const lac_ref *r)
{
    const lac_weighted_sum_attr *a = r->attr;
    *r->out[0] = 0;
    for (int i = 0; i < LAC_MAX_IN && r->in[i] != NULL; i++)
        *r->out[0] += (double)a->w[i] * *r->in[i];
}
