#include "autograd/ops/embedding/embedding.h"
#include "autograd/ops/embedding/ids.h"
#include "autograd/ops/rows.h"

#include <string.h>

enum { COLUMNS = 64 };          /* summed at a time, in registers */

static int64_t id_at(const lac_op_ctx *c, int64_t i) { return lac_id(c->in[1]->data, i, c->in[1]->dtype == LAC_I64); }

lac_status LAC_CPU(embedding_forward)(const lac_op_ctx *c)
{
    const lac_tensor *table = c->in[0];
    const size_t row = (size_t)table->dim[1] * lac_dtype_size(table->dtype);
    if (row == 0)
        return LAC_OK;
    LAC_TRY(lac_embedding_check(c->in[1], table->dim[0], "embedding"));
    LAC_PARALLEL_FOR(i, lac_numel(c->in[1]))
        memcpy((char *)c->out[0]->data + (size_t)i * row, (const char *)table->data + (size_t)id_at(c, i) * row, row);
    return LAC_OK;
}

/* Two orders of the places, and counts of the sort. */
lac_status LAC_CPU(embedding_workspace)(const lac_op_ctx *c, size_t *size)
{
    *size = c->backward ? 2 * (size_t)lac_numel(c->in[1]) * sizeof(int64_t) : 0;
    return LAC_OK;
}

/* Places by the byte of their id at `shift`, equal ones in the order they had. */
static void sort_by_byte(const lac_op_ctx *c, int64_t *to, const int64_t *from, int64_t n, int shift)
{
    int64_t start[257] = { 0 };
    for (int64_t k = 0; k < n; k++)
        start[(id_at(c, from[k]) >> shift & 0xff) + 1]++;
    for (int b = 0; b < 256; b++)
        start[b + 1] += start[b];
    for (int64_t k = 0; k < n; k++)
        to[start[id_at(c, from[k]) >> shift & 0xff]++] = from[k];
}

/* All n places in the order of their ids, then of the places themselves. */
static const int64_t *sorted(const lac_op_ctx *c, int64_t n)
{
    int64_t *order = c->workspace, *other = order + n;
    for (int64_t k = 0; k < n; k++)
        order[k] = k;
    for (int shift = 0; shift < 63 && (c->gin[0]->dim[0] - 1) >> shift > 0; shift += 8) {
        sort_by_byte(c, other, order, n, shift);
        int64_t *swap = order;
        order = other, other = swap;
    }
    return order;
}

/* Columns [first, first + n) of one row of the table: what `count` places in order add to it. */
LAC_BODY void add_places(const lac_op_ctx *c, const int64_t *place, int64_t count, int64_t id, int64_t first, int64_t n, lac_dtype dgy, lac_dtype dg)
{
    const int64_t columns = c->gin[0]->dim[1];
    float sum[COLUMNS] = { 0 };
    for (int64_t k = 0; k < count; k++) {
        const int64_t from = place[k] * columns + first;
        #pragma omp simd
        for (int64_t j = 0; j < n; j++)
            sum[j] += lac_ld(c->gout[0]->data, from + j, dgy);
    }
    #pragma omp simd
    for (int64_t j = 0; j < n; j++)
        lac_put(c->gin[0]->data, id * columns + first + j, dg, sum[j], c->add[0]);
}

static void clear(const lac_tensor *x)
{
    const size_t row = (size_t)x->dim[1] * lac_dtype_size(x->dtype);
    LAC_PARALLEL_FOR(r, x->dim[0])
        memset((char *)x->data + (size_t)r * row, 0, row);
}

lac_status LAC_CPU(embedding_backward)(const lac_op_ctx *c)
{
    const lac_tensor *g = c->gin[0];
    const int64_t n = lac_numel(c->in[1]), columns = g->dim[1];
    if (lac_numel(g) == 0)
        return LAC_OK;
    if (!c->add[0])
        clear(g);
    const int64_t *order = sorted(c, n);
    LAC_PARALLEL_FOR(k, n) {
        const int64_t id = id_at(c, order[k]);
        int64_t end = k + 1;
        if (k > 0 && id_at(c, order[k - 1]) == id)
            continue;
        while (end < n && id_at(c, order[end]) == id)
            end++;
        for (int64_t j = 0; j < columns; j += COLUMNS)
            LAC_EACH_DTYPE_2(c->gout[0]->dtype, g->dtype, add_places, c, order + k, end - k, id, j, LAC_MIN(COLUMNS, columns - j));
    }
    return LAC_OK;
}
