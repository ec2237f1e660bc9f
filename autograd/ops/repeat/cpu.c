#include "autograd/ops/repeat/repeat.h"
#include "autograd/ops/rows.h"

#include <string.h>

enum { COLUMNS = 64 };          /* summed at a time, in registers */

lac_status LAC_CPU(repeat_forward)(const lac_op_ctx *c)
{
    const size_t size = lac_bytes(c->in[0]);
    for (int64_t n = 0; size > 0 && n < c->out[0]->dim[0]; n++)
        memcpy((char *)c->out[0]->data + (size_t)n * size, c->in[0]->data, size);
    return LAC_OK;
}

LAC_BODY void sum_samples(const lac_op_ctx *c, int64_t first, int64_t n, lac_dtype dgy, lac_dtype dgx)
{
    const int64_t each = lac_numel(c->gin[0]);
    float sum[COLUMNS] = { 0 };
    for (int64_t s = 0; s < c->gout[0]->dim[0]; s++) {
        #pragma omp simd
        for (int64_t j = 0; j < n; j++)
            sum[j] += lac_ld(c->gout[0]->data, s * each + first + j, dgy);
    }
    #pragma omp simd
    for (int64_t j = 0; j < n; j++)
        lac_put(c->gin[0]->data, first + j, dgx, sum[j], c->add[0]);
}

lac_status LAC_CPU(repeat_backward)(const lac_op_ctx *c)
{
    const int64_t each = lac_numel(c->gin[0]);
    LAC_PARALLEL_FOR(p, (each + COLUMNS - 1) / COLUMNS)
        LAC_EACH_DTYPE_2(c->gout[0]->dtype, c->gin[0]->dtype, sum_samples, c, p * COLUMNS, LAC_MIN(COLUMNS, each - p * COLUMNS));
    return LAC_OK;
}
