#include "autograd/ops/weighted_sum/weighted_sum.h"
#include "autograd/ops/rows.h"

lac_status LAC_CPU(weighted_sum_forward)(const lac_op_ctx *c)
{
    const lac_weighted_sum_attr *a = c->attr;
    double s = 0;
    for (int i = 0; i < LAC_MAX_IN && c->in[i] != NULL; i++)
        s += (double)a->w[i] * (double)*(const float *)c->in[i]->data;
    *(float *)c->out[0]->data = (float)s;
    return LAC_OK;
}

lac_status LAC_CPU(weighted_sum_backward)(const lac_op_ctx *c)
{
    const lac_weighted_sum_attr *a = c->attr;
    const float g = c->gout[0] ? lac_ld(c->gout[0]->data, 0, c->gout[0]->dtype) : 0.0f;
    for (int i = 0; i < LAC_MAX_IN && c->in[i] != NULL; i++)
        if (c->gin[i] != NULL)
            lac_put(c->gin[i]->data, 0, c->gin[i]->dtype, a->w[i] * g, c->add[i]);
    return LAC_OK;
}
