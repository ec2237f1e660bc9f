#include "autograd/ops/concat/concat.h"
#include "autograd/ops/rows.h"

/* y as `rows` rows; input i fills columns [at, at + n) of each. The batch axis is one row. */
typedef struct part { int64_t rows, n, at, wide; } part;

static part part_of(const lac_op_ctx *c, int i)
{
    const lac_tensor *y = c->out[0];
    const bool batch = ((const lac_concat_attr *)c->attr)->axis == LAC_CONCAT_BATCH;
    part p = { .wide = batch ? lac_numel(y) : y->dim[y->ndim - 1] };
    p.rows = p.wide ? lac_numel(y) / p.wide : 0;
    for (int k = 0; k <= i; k++) {
        p.at += p.n;
        p.n = p.rows ? lac_numel(c->in[k]) / p.rows : 0;
    }
    return p;
}

lac_status LAC_CPU(concat_forward)(const lac_op_ctx *c)
{
    const size_t size = lac_dtype_size(c->out[0]->dtype);
    for (int i = 0; i < LAC_MAX_IN && c->in[i] != NULL; i++) {
        const part p = part_of(c, i);
        const char *x = c->in[i]->data;
        char *y = c->out[0]->data;
        if (p.rows == 1) {
            LAC_PARALLEL_BLOCKS(b, from, to, p.n)
                memcpy(y + (size_t)(p.at + from) * size, x + (size_t)from * size, (size_t)(to - from) * size);
        } else {
            LAC_PARALLEL_FOR(r, p.rows)
                memcpy(y + (size_t)(r * p.wide + p.at) * size, x + (size_t)(r * p.n) * size, (size_t)p.n * size);
        }
    }
    return LAC_OK;
}

/* Columns [from, to) of row r. */
LAC_BODY void backward(const lac_op_ctx *c, int i, const part *p, int64_t r, int64_t from, int64_t to, lac_dtype dgy, lac_dtype dgx)
{
    const char *restrict gy = (const char *)c->gout[0]->data + (size_t)(r * p->wide + p->at) * lac_dtype_size(dgy);
    char *restrict gx = (char *)c->gin[i]->data + (size_t)(r * p->n) * lac_dtype_size(dgx);
    const bool add = c->add[i];
    #pragma omp simd
    for (int64_t k = from; k < to; k++)
        lac_put(gx, k, dgx, lac_ld(gy, k, dgy), add);
}

lac_status LAC_CPU(concat_backward)(const lac_op_ctx *c)
{
    for (int i = 0; i < LAC_MAX_IN && c->in[i] != NULL; i++) {
        const part p = part_of(c, i);
        if (c->gin[i] == NULL)
            continue;
        if (p.rows == 1) {
            LAC_PARALLEL_BLOCKS(b, from, to, p.n)
                LAC_EACH_DTYPE_2(c->gout[0]->dtype, c->gin[i]->dtype, backward, c, i, &p, 0, from, to);
        } else {
            LAC_PARALLEL_FOR(r, p.rows)
                LAC_EACH_DTYPE_2(c->gout[0]->dtype, c->gin[i]->dtype, backward, c, i, &p, r, 0, p.n);
        }
    }
    return LAC_OK;
}
