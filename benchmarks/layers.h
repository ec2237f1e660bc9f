/* benchmarks/layers.h -- a convolution layer as a table row, and running ours on it. */
#pragma once

#include "benchmarks/measure.h"
#include "core/cpu/dnn.h"

typedef struct layer {
    const char *name;
    int64_t n, size, c, o, k, stride, dilation;
    int runs[3];                /* forward, gradient of x, gradient of the weight */
} layer;

/* TensorFlow's SAME padding throughout. */
static inline lac_conv layer_conv(const layer *l, lac_dtype d)
{
    const int64_t out = (l->size + l->stride - 1) / l->stride, wanted = (out - 1) * l->stride + (l->k - 1) * l->dilation + 1 - l->size;
    const int64_t total = wanted > 0 ? wanted : 0, before = total / 2, after = total - before;
    return (lac_conv){ .n = l->n, .h = l->size, .w = l->size, .c = l->c, .o = l->o, .kh = l->k, .kw = l->k, .groups = 1,
                       .stride = { l->stride, l->stride }, .dilation = { l->dilation, l->dilation }, .pad = { before, after, before, after }, .dtype = d };
}

static inline double conv_gflop(const lac_conv *c)
{
    return 2e-9 * (double)(c->n * lac_conv_out_h(c) * lac_conv_out_w(c)) * (double)(c->o * c->c * c->kh * c->kw);
}

typedef struct ours {
    lac_conv c;
    lac_conv_pass pass;
    void *x, *y, *w, *workspace;
    float *bias, *gw;
} ours;

static inline void run_ours(void *context)
{
    const ours *o = context;
    const lac_dnn_weight w = { o->w, 77, 1, 0 };
    if (o->pass == LAC_CONV_FORWARD)
        stop_on(lac_dnn_conv_forward(&o->c, o->x, &w, o->bias, NULL, o->y, o->workspace));
    else if (o->pass == LAC_CONV_GRAD_X)
        stop_on(lac_dnn_conv_grad_x(&o->c, o->y, &w, o->x, o->c.dtype, false, o->workspace));
    else
        stop_on(lac_dnn_conv_grad_w(&o->c, o->x, o->y, o->gw, false, o->bias, false, o->workspace));
}

static inline void make_ours(ours *o, const lac_conv *c, lac_conv_pass pass)
{
    const int64_t n_w = c->o * c->kh * c->kw * c->c;
    size_t size;
    o->c = *c;
    o->pass = pass;
    lac_dnn_forget(77);
    stop_on(lac_dnn_conv_workspace(c, pass, c->dtype, true, &size));
    o->x = bench_random(c->n * c->h * c->w * c->c, c->dtype);
    o->y = bench_random(c->n * lac_conv_out_h(c) * lac_conv_out_w(c) * c->o, c->dtype);
    o->w = bench_random(n_w, c->dtype);
    o->gw = bench_random(n_w, LAC_F32);
    o->bias = bench_random(c->o, LAC_F32);
    o->workspace = bench_memory(size);
}

static inline void drop_ours(ours *o) { free(o->x), free(o->y), free(o->w), free(o->gw), free(o->bias), free(o->workspace); }
