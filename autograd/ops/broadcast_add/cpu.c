#include "autograd/ops/broadcast_add/broadcast_add.h"
#include "autograd/ops/broadcast_add/geometry.h"
#include "autograd/ops/rows.h"

#include <string.h>

lac_status LAC_CPU(broadcast_add_workspace)(const lac_op_ctx *c, size_t *size)
{
    const lac_broadcast g = lac_broadcast_of(c->in[0], c->in[1]);
    *size = c->backward && c->gin[1] != NULL ? (size_t)(g.b_rows * g.blocks * g.b_columns) * sizeof(float) : 0;
    return LAC_OK;
}

LAC_BODY void forward(const lac_op_ctx *c, const lac_broadcast *g, int64_t from, int64_t to, lac_dtype d, lac_dtype db)
{
    for (int64_t p = from; p < to; p++) {
        const void *restrict x = lac_at(c->in[0]->data, p * g->columns, d), *restrict b = lac_at(c->in[1]->data, lac_broadcast_at(&g->all, p) * g->b_columns, db);
        void *restrict y = lac_at(c->out[0]->data, p * g->columns, d);
        if (g->b_columns == g->columns) {
            #pragma omp simd
            for (int64_t k = 0; k < g->columns; k++)
                lac_st(y, k, d, lac_ld(x, k, d) + lac_ld(b, k, db));
        } else {
            const float v = lac_ld(b, 0, db);
            #pragma omp simd
            for (int64_t k = 0; k < g->columns; k++)
                lac_st(y, k, d, lac_ld(x, k, d) + v);
        }
    }
}

lac_status LAC_CPU(broadcast_add_forward)(const lac_op_ctx *c)
{
    const lac_broadcast g = lac_broadcast_of(c->in[0], c->in[1]);
    LAC_PARALLEL_BLOCKS(b, from, to, g.columns > 0 ? g.rows : 0)
        LAC_EACH_DTYPE_2(c->in[0]->dtype, c->in[1]->dtype, forward, c, &g, from, to);
    return LAC_OK;
}

LAC_BODY void pass_on(const lac_op_ctx *c, int64_t from, int64_t to, lac_dtype dgy, lac_dtype dgx)
{
    const void *restrict gy = c->gout[0]->data;
    void *restrict gx = c->gin[0]->data;
    if (c->add[0]) {
        #pragma omp simd
        for (int64_t i = from; i < to; i++)
            lac_put(gx, i, dgx, lac_ld(gy, i, dgy), true);
    } else {
        #pragma omp simd
        for (int64_t i = from; i < to; i++)
            lac_put(gx, i, dgx, lac_ld(gy, i, dgy), false);
    }
}

/* A row of b in one of its blocks of x's rows. */
LAC_BODY void sum_block(const lac_op_ctx *c, const lac_broadcast *g, int64_t unit, float *restrict sum, lac_dtype dgy)
{
    const int64_t row = unit / g->blocks, block = unit % g->blocks, first = lac_broadcast_at(&g->kept, row);
    memset(sum, 0, (size_t)g->b_columns * sizeof *sum);
    for (int64_t i = lac_broadcast_start(g, block); i < lac_broadcast_start(g, block + 1); i++) {
        const void *restrict gy = lac_at(c->gout[0]->data, (first + lac_broadcast_at(&g->lost, i)) * g->columns, dgy);
        if (g->b_columns == g->columns) {
            #pragma omp simd
            for (int64_t k = 0; k < g->columns; k++)
                sum[k] += lac_ld(gy, k, dgy);
        } else {
            float all = 0;
            #pragma omp simd reduction(+ : all)
            for (int64_t k = 0; k < g->columns; k++)
                all += lac_ld(gy, k, dgy);
            sum[0] += all;
        }
    }
}

/* A row of b: its blocks in order. */
static void finish(const lac_op_ctx *c, const lac_broadcast *g, int64_t row)
{
    const float *part = (const float *)c->workspace + row * g->blocks * g->b_columns;
    lac_tensor *gb = c->gin[1];
    for (int64_t k = 0; k < g->b_columns; k++) {
        float sum = 0;
        for (int64_t b = 0; b < g->blocks; b++)
            sum += part[b * g->b_columns + k];
        lac_put(gb->data, row * g->b_columns + k, gb->dtype, sum, c->add[1]);
    }
}

lac_status LAC_CPU(broadcast_add_backward)(const lac_op_ctx *c)
{
    const lac_broadcast g = lac_broadcast_of(c->in[0], c->in[1]);
    float *part = c->workspace;
    if (c->gin[0] != NULL)
        LAC_PARALLEL_BLOCKS(b, from, to, lac_numel(c->gin[0]))
            LAC_EACH_DTYPE_2(c->gout[0]->dtype, c->gin[0]->dtype, pass_on, c, from, to);
    if (c->gin[1] == NULL)
        return LAC_OK;
    LAC_PARALLEL_FOR(u, g.b_rows * g.blocks)
        LAC_EACH_DTYPE(c->gout[0]->dtype, sum_block, c, &g, u, part + u * g.b_columns);
    LAC_PARALLEL_FOR(r, g.b_rows)
        finish(c, &g, r);
    return LAC_OK;
}
