/* autograd/ops/rows.h -- f32 and bf16 from one CPU kernel source.
 *
 * A kernel body is written once as an always-inline function that takes the dtypes of its tensors as parameters and loads and
 * stores through lac_ld and lac_st. LAC_EACH_DTYPE calls it with constants, so each combination becomes its own vectorised loop:
 *
 *     LAC_BODY void forward(const lac_op_ctx *c, lac_dtype tx) { ... lac_st(y, i, tx, lac_elu(lac_ld(x, i, tx))); ... }
 *     lac_status LAC_CPU(elu_forward)(const lac_op_ctx *c) { LAC_EACH_DTYPE(c->in[0]->dtype, forward, c); return LAC_OK; } */
#pragma once

#include "autograd/op.h"
#include "core/cpu/level.h"
#include "core/fmath.h"
#include "core/threads.h"

#define LAC_BODY __attribute__((always_inline)) static inline

LAC_BODY float lac_ld(const void *p, int64_t i, lac_dtype d)
{
    return d == LAC_F32 ? ((const float *)p)[i] : lac_bf16_to_f32(((const uint16_t *)p)[i]);
}

/* Element i of p. */
LAC_BODY void *lac_at(const void *p, int64_t i, lac_dtype d) { return (char *)p + i * (d == LAC_F32 ? 4 : 2); }

LAC_BODY void lac_st(void *p, int64_t i, lac_dtype d, float v)
{
    if (d == LAC_F32)
        ((float *)p)[i] = v;
    else
        ((uint16_t *)p)[i] = lac_f32_to_bf16(v);
}

/* Overwrites, or adds for a further contribution to a gradient. */
LAC_BODY void lac_put(void *p, int64_t i, lac_dtype d, float v, bool add) { lac_st(p, i, d, add ? lac_ld(p, i, d) + v : v); }

/* Two bf16 that lie side by side as one word: no lane is moved to widen or to narrow them. */
typedef uint32_t __attribute__((may_alias)) lac_pair;
LAC_BODY float lac_pair_first(lac_pair w) { return lac_from_bits(w << 16); }
LAC_BODY float lac_pair_second(lac_pair w) { return lac_from_bits(w & 0xffff0000u); }
/* Rounded to nearest, ties away from zero: a computed value is hardly ever a tie, and to even would take three operations more.
 * NaN stays NaN where its lower half is below 0x8000: what arithmetic gives. */
LAC_BODY lac_pair lac_pair_of(float first, float second)
{
    return (lac_to_bits(first) + 0x8000) >> 16 | ((lac_to_bits(second) + 0x8000) & 0xffff0000u);
}

/* body(..., dtype) with the dtype as a constant; _2 and _3 for two and three dtypes. */
#define LAC_EACH_DTYPE(d, body, ...)                                            \
    do {                                                                        \
        if ((d) == LAC_F32) body(__VA_ARGS__, LAC_F32);                         \
        else body(__VA_ARGS__, LAC_BF16);                                       \
    } while (0)
#define LAC_EACH_DTYPE_2(d1, d2, body, ...)                                     \
    do {                                                                        \
        if ((d1) == LAC_F32) LAC_EACH_DTYPE(d2, body, __VA_ARGS__, LAC_F32);    \
        else LAC_EACH_DTYPE(d2, body, __VA_ARGS__, LAC_BF16);                   \
    } while (0)
#define LAC_EACH_DTYPE_3(d1, d2, d3, body, ...)                                 \
    do {                                                                        \
        if ((d1) == LAC_F32) LAC_EACH_DTYPE_2(d2, d3, body, __VA_ARGS__, LAC_F32); \
        else LAC_EACH_DTYPE_2(d2, d3, body, __VA_ARGS__, LAC_BF16);             \
    } while (0)
