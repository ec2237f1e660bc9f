#include "autograd/ops/activation/activation.h"
#include "autograd/ops/rows.h"

/* As exact as what is made of it: y that is rounded to bf16 takes a sigmoid at half the work. */
LAC_BODY float value(lac_act_fn act, float x, lac_dtype d)
{
    if (d == LAC_BF16 && act.kind == LAC_ACT_QUICK_GELU)
        return x * lac_sigmoid_coarse(1.702f * x);
    return d == LAC_BF16 && act.kind == LAC_ACT_SILU ? x * lac_sigmoid_coarse(x) : lac_act_value(act, x);
}

LAC_BODY void forward(const lac_op_ctx *c, int64_t from, int64_t to, lac_act_fn act, lac_dtype d)
{
    const void *restrict x = c->in[0]->data;
    void *restrict y = c->out[0]->data;
    #pragma omp simd
    for (int64_t i = from; i < to; i++)
        lac_st(y, i, d, value(act, lac_ld(x, i, d), d));
}

LAC_BODY void backward_run(const lac_op_ctx *c, int64_t from, int64_t to, lac_act_fn act, lac_dtype d, lac_dtype dgy, lac_dtype dgx, bool add)
{
    const void *restrict x = c->in[0]->data, *restrict gy = c->gout[0]->data;
    void *restrict gx = c->gin[0]->data;
    #pragma omp simd
    for (int64_t i = from; i < to; i++)
        lac_put(gx, i, dgx, lac_ld(gy, i, dgy) * lac_act_slope(act, lac_ld(x, i, d)), add);
}

/* Adding or not is a constant too: a long loop with that choice inside is not vectorised. */
LAC_BODY void backward(const lac_op_ctx *c, int64_t from, int64_t to, lac_act_fn act, lac_dtype d, lac_dtype dgy, lac_dtype dgx)
{
    if (c->add[0])
        backward_run(c, from, to, act, d, dgy, dgx, true);
    else
        backward_run(c, from, to, act, d, dgy, dgx, false);
}

/* Each kind is a constant in its own loop. */
#define EACH_KIND(kind, call)                                       \
    switch (kind) {                                                 \
    case LAC_ACT_NONE: break;                                       \
    case LAC_ACT_ELU: call(LAC_ACT_ELU); break;                     \
    case LAC_ACT_RELU: call(LAC_ACT_RELU); break;                   \
    case LAC_ACT_LEAKY: call(LAC_ACT_LEAKY); break;                 \
    case LAC_ACT_TANH: call(LAC_ACT_TANH); break;                   \
    case LAC_ACT_CLIP: call(LAC_ACT_CLIP); break;                   \
    case LAC_ACT_SILU: call(LAC_ACT_SILU); break;                   \
    case LAC_ACT_QUICK_GELU: call(LAC_ACT_QUICK_GELU); break;       \
    case LAC_ACT_GELU: call(LAC_ACT_GELU); break;                   \
    }

lac_status LAC_CPU(activation_forward)(const lac_op_ctx *c)
{
    const lac_act_fn act = ((const lac_activation_attr *)c->attr)->act;
    LAC_PARALLEL_BLOCKS(b, from, to, lac_numel(c->in[0])) {
#define CALL(k) LAC_EACH_DTYPE(c->in[0]->dtype, forward, c, from, to, ((lac_act_fn){ k, act.slope }))
        EACH_KIND(act.kind, CALL)
#undef CALL
    }
    return LAC_OK;
}

lac_status LAC_CPU(activation_backward)(const lac_op_ctx *c)
{
    const lac_act_fn act = ((const lac_activation_attr *)c->attr)->act;
    if (c->gin[0] == NULL)
        return LAC_OK;
    LAC_PARALLEL_BLOCKS(b, from, to, lac_numel(c->in[0])) {
#define CALL(k) LAC_EACH_DTYPE_3(c->in[0]->dtype, c->gout[0]->dtype, c->gin[0]->dtype, backward, c, from, to, ((lac_act_fn){ k, act.slope }))
        EACH_KIND(act.kind, CALL)
#undef CALL
    }
    return LAC_OK;
}
