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
    if (!c->backward)
        return widen(most, lac_linear_forward_product(c));
    if (c->gin[0])
        LAC_TRY(widen(most, lac_linear_gx_product(c)));
    if (c->gin[1])
        LAC_TRY(widen(most, lac_linear_gw_product(c)));
    if (c->gin[2])
        *most = LAC_MAX(*most, lac_cuda_column_sums_workspace(lac_linear_rows(c), c->in[1]->dim[0]));
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
    const lac_product p = lac_linear_forward_product(c);
    lac_areas a(c->workspace);
    if (lac_no_upstream(c))
        return LAC_OK;
    return lac_cuda_product(&p, c->in[0]->data, c->in[1]->data, lac_data<float>(c->in[2]), c->out[0]->data, a.take(0));
}

extern "C" lac_status linear_backward_cuda(const lac_op_ctx *c)
{
    lac_areas a(c->workspace);
    if (lac_no_upstream(c))
        return lac_zero_gradients(c);
    lac_tensor gy;
    void *converted = a.take(lac_upstream_bytes(c)), *rest = a.take(0);
    LAC_TRY(lac_upstream(c, converted, &gy));
    if (c->gin[0]) {
        const lac_product p = lac_linear_gx_product(c);
        LAC_TRY(lac_cuda_product(&p, gy.data, c->in[1]->data, NULL, c->gin[0]->data, rest));
    }
    if (c->gin[1]) {
        const lac_product p = lac_linear_gw_product(c);
        LAC_TRY(lac_cuda_product(&p, gy.data, c->in[0]->data, NULL, c->gin[1]->data, rest));
    }
    if (!c->gin[2])
        return LAC_OK;
    return lac_cuda_column_sums(lac_data<float>(c->gin[2]), c->add[2], gy.data, gy.dtype, lac_linear_rows(c), c->in[1]->dim[0], rest);
}
