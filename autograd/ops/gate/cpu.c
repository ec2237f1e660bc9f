#include "autograd/ops/gate/formula.h"
#include "autograd/ops/rows.h"

/* Pixels [from, to) of one or several rows. */
LAC_BODY void forward(const lac_op_ctx *c, int64_t from, int64_t to, lac_act act, lac_dtype d)
{
    const int64_t half = c->out[0]->dim[3];
    const size_t size = lac_dtype_size(d);
    for (int64_t p = from; p < to; p++) {
        const char *restrict x = (const char *)c->in[0]->data + (size_t)(2 * half * p) * size;
        char *restrict y = (char *)c->out[0]->data + (size_t)(half * p) * size;
        #pragma omp simd
        for (int64_t i = 0; i < half; i++)
            lac_st(y, i, d, lac_gate_value(act, lac_ld(x, i, d), lac_ld(x, half + i, d)));
    }
}

/* Input rows [from, to) of N * H, each written twice as wide and twice. */
LAC_BODY void forward_up(const lac_op_ctx *c, int64_t from, int64_t to, lac_act act, lac_dtype d)
{
    const int64_t half = c->out[0]->dim[3], w = c->in[0]->dim[2];
    const size_t size = lac_dtype_size(d);
    for (int64_t r = from; r < to; r++) {
        char *line = (char *)c->out[0]->data + (size_t)(4 * r * w * half) * size;
        for (int64_t j = 0; j < w; j++) {
            const char *restrict x = (const char *)c->in[0]->data + (size_t)(2 * half * (r * w + j)) * size;
            char *restrict y = line + (size_t)(2 * j * half) * size;
            #pragma omp simd
            for (int64_t i = 0; i < half; i++)
                lac_st(y, i, d, lac_gate_value(act, lac_ld(x, i, d), lac_ld(x, half + i, d)));
            memcpy(y + (size_t)half * size, y, (size_t)half * size);
        }
        memcpy(line + (size_t)(2 * w * half) * size, line, (size_t)(2 * w * half) * size);
    }
}

/* gy of pixel (r, j): itself, or the sum of its four copies. */
LAC_BODY float upstream(const void *gy, int64_t at, int64_t right, int64_t below, int s, lac_dtype d)
{
    if (s == 1)
        return lac_ld(gy, at, d);
    return (lac_ld(gy, at, d) + lac_ld(gy, at + right, d)) + (lac_ld(gy, at + below, d) + lac_ld(gy, at + below + right, d));
}

LAC_BODY void backward(const lac_op_ctx *c, int64_t from, int64_t to, lac_act act, int s, lac_dtype d, lac_dtype dgy, lac_dtype dgx)
{
    const int64_t half = c->out[0]->dim[3], w = c->in[0]->dim[2];
    const bool add = c->add[0];
    for (int64_t p = from; p < to; p++) {
        const int64_t r = p / w, j = p % w, right = half, below = s * w * half;
        const char *restrict x = (const char *)c->in[0]->data + (size_t)(2 * half * p) * lac_dtype_size(d);
        const char *restrict gy = (const char *)c->gout[0]->data + (size_t)(s * (s * r * w + j) * half) * lac_dtype_size(dgy);
        char *restrict gx = (char *)c->gin[0]->data + (size_t)(2 * half * p) * lac_dtype_size(dgx);
        #pragma omp simd
        for (int64_t i = 0; i < half; i++) {
            float gf, gg;
            lac_gate_grad(act, lac_ld(x, i, d), lac_ld(x, half + i, d), upstream(gy, i, right, below, s, dgy), &gf, &gg);
            lac_put(gx, i, dgx, gf, add);
            lac_put(gx, half + i, dgx, gg, add);
        }
    }
}

#define EACH_ACT(act, call)                 \
    do {                                    \
        if ((act) == LAC_ACT_ELU)           \
            call(LAC_ACT_ELU);              \
        else                                \
            call(LAC_ACT_RELU);             \
    } while (0)

lac_status LAC_CPU(gate_forward)(const lac_op_ctx *c)
{
    const lac_gate_attr *a = c->attr;
    const lac_tensor *x = c->in[0];
    const int64_t rows = x->dim[0] * x->dim[1];
    if (a->upsample == 1) {
        LAC_PARALLEL_BLOCKS(b, from, to, rows * x->dim[2]) {
#define CALL(k) LAC_EACH_DTYPE(x->dtype, forward, c, from, to, k)
            EACH_ACT(a->act, CALL);
#undef CALL
        }
    } else {
        LAC_PARALLEL_BLOCKS(b, from, to, rows) {
#define CALL(k) LAC_EACH_DTYPE(x->dtype, forward_up, c, from, to, k)
            EACH_ACT(a->act, CALL);
#undef CALL
        }
    }
    return LAC_OK;
}

lac_status LAC_CPU(gate_backward)(const lac_op_ctx *c)
{
    const lac_gate_attr *a = c->attr;
    const lac_tensor *x = c->in[0];
    if (c->gin[0] == NULL)
        return LAC_OK;
    LAC_PARALLEL_BLOCKS(b, from, to, x->dim[0] * x->dim[1] * x->dim[2]) {
#define CALL_1(k) LAC_EACH_DTYPE_3(x->dtype, c->gout[0]->dtype, c->gin[0]->dtype, backward, c, from, to, k, 1)
#define CALL_2(k) LAC_EACH_DTYPE_3(x->dtype, c->gout[0]->dtype, c->gin[0]->dtype, backward, c, from, to, k, 2)
        if (a->upsample == 1)
            EACH_ACT(a->act, CALL_1);
        else
            EACH_ACT(a->act, CALL_2);
#undef CALL_1
#undef CALL_2
    }
    return LAC_OK;
}
