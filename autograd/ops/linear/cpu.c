#include "autograd/ops/linear/products.h"
#include "autograd/ops/rows.h"
#include "autograd/ops/upstream.h"
#include "core/cpu/dnn.h"
#include "core/cpu/level.h"
#include "core/threads.h"

#include <string.h>

static lac_status product_workspace(lac_product p, bool packed, size_t *size) { return p.m == 0 ? LAC_OK : lac_dnn_matmul_workspace(&p, packed, size); }

lac_status LAC_CPU(linear_workspace)(const lac_op_ctx *c, size_t *size)
{
    const bool packed = c->in[1]->uid != 0;
    size_t gx = 0, gw = 0;
    if (lac_no_upstream(c))
        return LAC_OK;
    if (!c->backward)
        return product_workspace(lac_linear_forward_product(c), packed, size);
    if (c->gin[0])
        LAC_TRY(product_workspace(lac_linear_gx_product(c), packed, &gx));
    if (c->gin[1])
        LAC_TRY(product_workspace(lac_linear_gw_product(c), false, &gw));
    *size = lac_upstream_bytes(c) + LAC_MAX(gx, gw);
    return LAC_OK;
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

enum { COLUMNS = 64 };

/* n columns from `first` on: rows in order, each of them in one piece. */
LAC_BODY void sum_columns(const lac_op_ctx *c, const void *restrict gy, int64_t first, int64_t n, lac_dtype d)
{
    const int64_t m = lac_linear_rows(c), o = c->in[1]->dim[0];
    float *restrict gb = (float *)c->gin[2]->data + first, sum[COLUMNS];
    for (int64_t j = 0; j < n; j++)
        sum[j] = c->add[2] ? gb[j] : 0;
    for (int64_t r = 0; r < m; r++) {
        #pragma omp simd
        for (int64_t j = 0; j < n; j++)
            sum[j] += lac_ld(gy, r * o + first + j, d);
    }
    memcpy(gb, sum, (size_t)n * sizeof *sum);
}

/* gb[j] = sum of column j. */
static void column_sums(const lac_op_ctx *c, const lac_tensor *gy)
{
    const int64_t o = c->in[1]->dim[0];
    LAC_PARALLEL_FOR(t, (o + COLUMNS - 1) / COLUMNS)
        LAC_EACH_DTYPE(gy->dtype, sum_columns, c, gy->data, t * COLUMNS, LAC_MIN(COLUMNS, o - t * COLUMNS));
}

lac_status LAC_CPU(linear_backward)(const lac_op_ctx *c)
{
    const lac_tensor *x = c->in[0], *w = c->in[1];
    if (lac_no_upstream(c))
        return lac_zero_gradients(c);
    lac_tensor gy;
    LAC_TRY(lac_upstream(c, c->workspace, &gy));
    char *rest = (char *)c->workspace + lac_upstream_bytes(c);
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
