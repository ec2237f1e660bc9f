#include "autograd/ops/linear/products.h"
#include "autograd/ops/upstream.h"
#include "core/cpu/cpu_vector.h"
#include "core/cpu/dnn.h"

static lac_status product_workspace(lac_product p, bool packed, size_t *size) { return p.m == 0 ? LAC_OK : lac_dnn_matmul_workspace(&p, packed, size); }

lac_status LAC_CPU(linear_workspace)(const lac_op_ctx *c, size_t *size)
{
    const bool packed = c->in[LAC_LINEAR_WEIGHT]->uid != 0;
    lac_linear_source s[2];
    size_t most = 0;
    if (lac_no_upstream(c))
        return LAC_OK;
    for (int i = 0, n = lac_linear_sources(c, s); i < n; i++) {
        size_t forward = 0, gx = 0, gw = 0;
        if (!c->backward)
            LAC_TRY(product_workspace(lac_linear_forward_product(c, &s[i]), packed, &forward));
        if (c->gin[s[i].in])
            LAC_TRY(product_workspace(lac_linear_gx_product(c, &s[i]), packed, &gx));
        if (c->gin[LAC_LINEAR_WEIGHT])
            LAC_TRY(product_workspace(lac_linear_gw_product(c, &s[i]), false, &gw));
        most = LAC_MAX(LAC_MAX(most, forward), LAC_MAX(gx, gw));
    }
    *size = lac_upstream_bytes(c) + most;
    return LAC_OK;
}

static lac_dnn_weight columns_of(const lac_tensor *w, const lac_linear_source *s)
{
    return (lac_dnn_weight){ lac_linear_at(w, s->first), w->uid, w->version, s->first };
}

lac_status LAC_CPU(linear_forward)(const lac_op_ctx *c)
{
    const lac_tensor *bias = c->in[LAC_LINEAR_BIAS], *residual = c->in[LAC_LINEAR_RESIDUAL];
    lac_linear_source s[2];
    if (lac_numel(c->out[0]) == 0)
        return LAC_OK;
    for (int i = 0, n = lac_linear_sources(c, s); i < n; i++) {
        const lac_product p = lac_linear_forward_product(c, &s[i]);
        const lac_dnn_weight w = columns_of(c->in[LAC_LINEAR_WEIGHT], &s[i]);
        LAC_TRY(lac_dnn_matmul_onto(&p, c->in[s[i].in]->data, &w, bias && i == 0 ? bias->data : NULL, residual && i == 0 ? residual->data : NULL,
                                    c->out[0]->data, c->workspace));
    }
    return LAC_OK;
}

static lac_status source_gradients(const lac_op_ctx *c, const lac_linear_source *s, const lac_tensor *gy, void *workspace)
{
    if (c->gin[s->in]) {
        const lac_product p = lac_linear_gx_product(c, s);
        const lac_dnn_weight w = columns_of(c->in[LAC_LINEAR_WEIGHT], s);
        LAC_TRY(lac_dnn_matmul(&p, gy->data, &w, NULL, c->gin[s->in]->data, workspace));
    }
    if (c->gin[LAC_LINEAR_WEIGHT]) {
        const lac_product p = lac_linear_gw_product(c, s);
        LAC_TRY(lac_dnn_matmul(&p, gy->data, &(lac_dnn_weight){ .data = c->in[s->in]->data }, NULL, lac_linear_at(c->gin[LAC_LINEAR_WEIGHT], s->first), workspace));
    }
    return LAC_OK;
}

lac_status LAC_CPU(linear_backward)(const lac_op_ctx *c)
{
    lac_tensor *residual = c->gin[LAC_LINEAR_RESIDUAL], gy;
    lac_linear_source s[2];
    if (lac_no_upstream(c))
        return lac_zero_gradients(c);
    LAC_TRY(lac_upstream(c, c->workspace, &gy));
    for (int i = 0, n = lac_linear_sources(c, s); i < n; i++)
        LAC_TRY(source_gradients(c, &s[i], &gy, (char *)c->workspace + lac_upstream_bytes(c)));
    if (c->gin[LAC_LINEAR_BIAS])
        lac_dnn_column_sums(gy.data, gy.dtype, lac_linear_rows(c), c->in[LAC_LINEAR_WEIGHT]->dim[0], (float *)c->gin[LAC_LINEAR_BIAS]->data, c->add[LAC_LINEAR_BIAS]);
    if (residual == NULL)
        return LAC_OK;
    return c->add[LAC_LINEAR_RESIDUAL] ? LAC_CPU(vector_add)(residual, c->gout[0]) : LAC_CPU(vector_convert)(residual, c->gout[0]);
}
