#include "autograd/ops/linear/products.h"
#include "autograd/ops/upstream.h"
#include "core/cuda/columns.h"
#include "core/cuda/kernel.h"
#include "core/cuda/product.h"

/* *most becomes what the product wants where that is more. */
static lac_status widen(size_t *most, const lac_product &p)
{
    size_t size = 0;
    LAC_TRY(lac_cuda_product_workspace(&p, &size));
    *most = LAC_MAX(*most, size);
    return LAC_OK;
}

static lac_status largest(const lac_op_ctx *c, size_t *most)
{
    lac_linear_source s[2];
    for (int i = 0, n = lac_linear_sources(c, s); i < n; i++) {
        if (!c->backward)
            LAC_TRY(widen(most, lac_linear_forward_product(c, &s[i])));
        if (c->gin[s[i].in])
            LAC_TRY(widen(most, lac_linear_gx_product(c, &s[i])));
        if (c->gin[LAC_LINEAR_WEIGHT])
            LAC_TRY(widen(most, lac_linear_gw_product(c, &s[i])));
    }
    if (c->gin[LAC_LINEAR_BIAS])
        *most = LAC_MAX(*most, lac_cuda_column_sums_workspace(lac_linear_rows(c), c->in[LAC_LINEAR_WEIGHT]->dim[0]));
    return LAC_OK;
}

extern "C" lac_status linear_workspace_cuda(const lac_op_ctx *c, size_t *size)
{
    lac_areas a(NULL);
    size_t most = 0;
    if (lac_linear_rows(c) == 0 || lac_no_upstream(c))
        return LAC_OK;
    LAC_TRY(largest(c, &most));
    a.take(lac_upstream_bytes(c));
    a.take(most);
    *size = a.size();
    return LAC_OK;
}

extern "C" lac_status linear_forward_cuda(const lac_op_ctx *c)
{
    const lac_tensor *residual = c->in[LAC_LINEAR_RESIDUAL];
    lac_linear_source s[2];
    lac_areas a(c->workspace);
    if (lac_no_upstream(c))
        return LAC_OK;
    void *workspace = a.take(0);
    for (int i = 0, n = lac_linear_sources(c, s); i < n; i++) {
        const lac_product p = lac_linear_forward_product(c, &s[i]);
        LAC_TRY(lac_cuda_product_onto(&p, c->in[s[i].in]->data, lac_linear_at(c->in[LAC_LINEAR_WEIGHT], s[i].first), lac_data<float>(c->in[LAC_LINEAR_BIAS]),
                                      residual && i == 0 ? residual->data : NULL, c->out[0]->data, workspace));
    }
    return LAC_OK;
}

static lac_status source_gradients(const lac_op_ctx *c, const lac_linear_source *s, const lac_tensor *gy, void *workspace)
{
    if (c->gin[s->in]) {
        const lac_product p = lac_linear_gx_product(c, s);
        LAC_TRY(lac_cuda_product(&p, gy->data, lac_linear_at(c->in[LAC_LINEAR_WEIGHT], s->first), NULL, c->gin[s->in]->data, workspace));
    }
    if (c->gin[LAC_LINEAR_WEIGHT]) {
        const lac_product p = lac_linear_gw_product(c, s);
        LAC_TRY(lac_cuda_product(&p, gy->data, c->in[s->in]->data, NULL, lac_linear_at(c->gin[LAC_LINEAR_WEIGHT], s->first), workspace));
    }
    return LAC_OK;
}

extern "C" lac_status linear_backward_cuda(const lac_op_ctx *c)
{
    lac_tensor *residual = c->gin[LAC_LINEAR_RESIDUAL], gy;
    lac_linear_source s[2];
    lac_areas a(c->workspace);
    if (lac_no_upstream(c))
        return lac_zero_gradients(c);
    void *converted = a.take(lac_upstream_bytes(c)), *rest = a.take(0);
    LAC_TRY(lac_upstream(c, converted, &gy));
    for (int i = 0, n = lac_linear_sources(c, s); i < n; i++)
        LAC_TRY(source_gradients(c, &s[i], &gy, rest));
    if (c->gin[LAC_LINEAR_BIAS])
        LAC_TRY(lac_cuda_column_sums(lac_data<float>(c->gin[LAC_LINEAR_BIAS]), c->add[LAC_LINEAR_BIAS], gy.data, gy.dtype, lac_linear_rows(c),
                                     c->in[LAC_LINEAR_WEIGHT]->dim[0], rest));
    if (residual == NULL)
        return LAC_OK;
    return c->add[LAC_LINEAR_RESIDUAL] ? c->backend->add(residual, c->gout[0]) : c->backend->convert(residual, c->gout[0]);
}
