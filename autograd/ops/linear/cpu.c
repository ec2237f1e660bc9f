#include "autograd/ops/linear/products.h"
#include "core/cpu/cpu_vector.h"
#include "core/cpu/dnn.h"
#include "core/threads.h"

#include <string.h>

static size_t gy_bytes(const lac_op_ctx *c)
{
    const size_t bytes = (size_t)lac_numel(c->gout[0]) * lac_dtype_size(c->in[0]->dtype);
    return c->gout[0]->dtype == c->in[0]->dtype ? 0 : (bytes + 63) / 64 * 64;
}

static size_t product_workspace(lac_product p, bool packed)
{
    size_t size;
    return lac_dnn_matmul_workspace(&p, packed, &size) == LAC_OK ? size : 0;
}

size_t LAC_CPU(linear_workspace)(const lac_op_ctx *c)
{
    const bool packed = c->in[1]->uid != 0;
    size_t gx = 0, gw = 0;
    if (lac_numel(c->in[0]) == 0 || (c->backward && c->gout[0] == NULL))
        return 0;
    if (!c->backward)
        return product_workspace(lac_linear_forward_product(c), packed);
    if (c->gin[0])
        gx = product_workspace(lac_linear_gx_product(c), packed);
    if (c->gin[1])
        gw = product_workspace(lac_linear_gw_product(c), false);
    return gy_bytes(c) + LAC_MAX(gx, gw);
}

lac_status LAC_CPU(linear_forward)(const lac_op_ctx *c)
{
    const lac_product p = lac_linear_forward_product(c);
    const lac_tensor *w = c->in[1];
    if (p.m == 0)
        return LAC_OK;
    return lac_dnn_matmul(&p, c->in[0]->data, &(lac_dnn_weight){ w->data, w->uid, w->version }, c->in[2] ? c->in[2]->data : NULL,
                          c->out[0]->data, c->workspace);
}

/* gb[j] = sum of column j, rows in order; blocks of columns over threads. */
static void column_sums(const lac_op_ctx *c, const lac_tensor *gy)
{
    const int64_t m = lac_linear_rows(c), o = c->in[1]->dim[0];
    float *gb = c->gin[2]->data;
    LAC_PARALLEL_FOR(j, o) {
        float sum = c->add[2] ? gb[j] : 0;
        for (int64_t r = 0; r < m; r++)
            sum += gy->dtype == LAC_F32 ? ((const float *)gy->data)[r * o + j] : lac_bf16_to_f32(((const uint16_t *)gy->data)[r * o + j]);
        gb[j] = sum;
    }
}

static lac_status zero_gradients(const lac_op_ctx *c)
{
    for (int i = 0; i < 3; i++)
        if (c->gin[i] && !c->add[i])
            memset(c->gin[i]->data, 0, lac_bytes(c->gin[i]));
    return LAC_OK;
}

lac_status LAC_CPU(linear_backward)(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *w = c->in[1];
    if (lac_numel(x) == 0 || c->gout[0] == NULL)
        return zero_gradients(c);
    lac_tensor gy = *c->gout[0];
    if (gy_bytes(c)) {
        gy.dtype = x->dtype;
        gy.data = c->workspace;
        LAC_TRY(LAC_CPU(vector_convert)(&gy, c->gout[0]));
    }
    char *rest = (char *)c->workspace + gy_bytes(c);
    if (c->gin[0]) {
        const lac_product p = lac_linear_gx_product(c);
        LAC_TRY(lac_dnn_matmul(&p, gy.data, &(lac_dnn_weight){ w->data, w->uid, w->version }, NULL, c->gin[0]->data, rest));
    }
    if (c->gin[1]) {
        const lac_product p = lac_linear_gw_product(c);
        LAC_TRY(lac_dnn_matmul(&p, gy.data, &(lac_dnn_weight){ .data = x->data }, NULL, c->gin[1]->data, rest));
    }
    if (c->gin[2])
        column_sums(c, &gy);
    return LAC_OK;
}
