#include "autograd/ops/dequantize/dequantize.h"
#include "autograd/ops/rows.h"

LAC_BODY void forward(const lac_op_ctx *c, const lac_dequantize_attr *a, lac_dtype ty)
{
    const uint8_t *x = c->in[0]->data;
    void *y = c->out[0]->data;
    const float scale = a->scale, shift = a->shift;
    LAC_PARALLEL_BLOCKS(b, from, to, lac_numel(c->in[0])) {
        #pragma omp simd
        for (int64_t i = from; i < to; i++)
            lac_st(y, i, ty, lac_fma((float)x[i], scale, shift));
    }
}

lac_status LAC_CPU(dequantize_forward)(const lac_op_ctx *c)
{
    const lac_dequantize_attr *a = c->attr;
    LAC_EACH_DTYPE(a->dtype, forward, c, a);
    return LAC_OK;
}
