#include "autograd/ops/linear/products.h"
#include "autograd/ops/upstream.h"
#include "core/cuda/columns.h"
#include "core/cuda/kernel.h"
#include "core/cuda/product.h"

/* A failure comes back with the call itself. */
static size_t product_bytes(const lac_product &p)
{
    size_t size = 0;
    return lac_cuda_product_workspace(&p, &size) == LAC_OK ? size : 0;
}

static size_t largest(const lac_op_ctx *c)
{
    if (!c->backward)
        return product_bytes(lac_linear_forward_product(c));
    const size_t gx = c->gin[0] ? product_bytes(lac_linear_gx_product(c)) : 0, gw = c->gin[1] ? product_bytes(lac_linear_gw_product(c)) : 0;
    const size_t gb = c->gin[2] ? lac_cuda_column_sums_workspace(lac_linear_rows(c), c->in[1]->dim[0]) : 0;
    return LAC_MAX(LAC_MAX(gx, gw), gb);
}

extern "C" size_t linear_workspace_cuda(const lac_op_ctx *c)
{
    lac_areas a(NULL);
    if (lac_no_upstream(c))
        return 0;
    a.take(lac_upstream_bytes(c));
    a.take(largest(c));
    return a.size();
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
