/* core/conv.h -- one convolution as every device's library is asked for it. */
#pragma once

#include "core/act.h"
#include "core/tensor.h"

#include <string.h>

typedef struct lac_conv {
    int64_t n, h, w, c;             /* x [n, h, w, c] */
    int64_t o, kh, kw, groups;      /* weight [o, kh, kw, c / groups] */
    int64_t stride[2], dilation[2]; /* height, width; 1 is dense */
    int64_t pad[4];                 /* zeros at top, bottom, left, right */
    lac_dtype dtype;                /* of x, weight, y and gy: f32 or bf16; sums are f32 */
    bool direct;                    /* direct summation only: no Winograd */
    bool bias, residual;            /* forward: y = act(sums + bias + residual), rounded once where the library can */
    lac_act_fn act;                 /* NONE, ELU, RELU or LEAKY */
} lac_conv;

static inline bool lac_conv_same(const lac_conv *a, const lac_conv *b)
{
    return a->n == b->n && a->h == b->h && a->w == b->w && a->c == b->c && a->o == b->o && a->kh == b->kh && a->kw == b->kw && a->groups == b->groups &&
           memcmp(a->stride, b->stride, sizeof a->stride) == 0 && memcmp(a->dilation, b->dilation, sizeof a->dilation) == 0 &&
           memcmp(a->pad, b->pad, sizeof a->pad) == 0 && a->dtype == b->dtype && a->direct == b->direct && a->bias == b->bias &&
           a->residual == b->residual && lac_act_same(a->act, b->act);
}

/* The sums alone: nothing follows them. */
static inline lac_conv lac_conv_sums(const lac_conv *c)
{
    lac_conv sums = *c;
    sums.bias = sums.residual = false;
    sums.act = lac_act_of(LAC_ACT_NONE);
    return sums;
}

typedef enum { LAC_CONV_FORWARD, LAC_CONV_GRAD_X, LAC_CONV_GRAD_W } lac_conv_pass;

/* Rows and columns of y; 0 or less when the dilated kernel does not fit. */
static inline int64_t lac_conv_out_h(const lac_conv *c)
{
    const int64_t room = c->h + c->pad[0] + c->pad[1] - (c->kh - 1) * c->dilation[0] - 1;
    return room < 0 ? 0 : room / c->stride[0] + 1;
}

static inline int64_t lac_conv_out_w(const lac_conv *c)
{
    const int64_t room = c->w + c->pad[2] + c->pad[3] - (c->kw - 1) * c->dilation[1] - 1;
    return room < 0 ? 0 : room / c->stride[1] + 1;
}
