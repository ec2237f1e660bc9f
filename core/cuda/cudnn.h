/* core/cuda/cudnn.h -- one convolution, or one fused attention, as a cuDNN graph, and the plans that cuDNN has for it. Descriptors are made from C, no C++.
 *
 *     forward  y = act(conv(x, w) + residual + bias), each where asked    grad_x  gx = the gradient into x    grad_w  gw = the gradient into w
 *
 * A plan is an engine with its knobs. Left out are engines that may give other bits on a second run, that round f32 inputs (TF32), with
 * conv.direct also Winograd and FFT. Engines that cuDNN compiles when they are asked for are taken where something follows
 * the sums, in bf16 (half a second each; in f32 nine), and few of them; a compiled plan can be kept as text, and made from it without compiling again.
 * Sizes are as they are: where an engine wants channels in eights, cuDNN pads them in its workspace. All runs on lac_cuda_stream(). */
#pragma once

#include "core/conv.h"

enum { LAC_CUDNN_PLANS = 8, LAC_CUDNN_COMPILED = 2, LAC_CUDNN_TEXT = 256, LAC_CUDNN_PIECES = 512 };

/* Attention of bf16 tokens [n, tokens, heads * d], forward; L [n, heads, tq] in f32 is written too. */
typedef struct lac_cudnn_attention { int64_t n, heads, tq, tk, d; } lac_cudnn_attention;

typedef struct lac_cudnn_graph {
    lac_conv conv;
    lac_conv_pass pass;
    lac_dtype result;           /* dtype of what is computed: y, gx or gw */
    lac_cudnn_attention attention;      /* heads > 0: this, and nothing of the above */
} lac_cudnn_graph;

static inline bool lac_cudnn_same(const lac_cudnn_graph *a, const lac_cudnn_graph *b)
{
    return lac_conv_same(&a->conv, &b->conv) && a->pass == b->pass && a->result == b->result;
}

/* Something follows the sums. */
static inline bool lac_cudnn_fuses(const lac_cudnn_graph *g)
{
    return g->pass == LAC_CONV_FORWARD && (g->conv.bias || g->conv.residual || g->conv.act.kind != LAC_ACT_NONE);
}

typedef struct lac_cudnn_plan {
    void *plan;                             /* the library's descriptor */
    bool compiled;                          /* by cuDNN, when it was made: worth keeping */
    char text[LAC_CUDNN_TEXT];              /* "engine 38 knobs 2:5 13:1": names the plan among those of its graph */
    size_t workspace;
} lac_cudnn_plan;

/* What cuDNN proposes for one graph, best first; and all descriptors that the plans stand on. */
typedef struct lac_cudnn_plans {
    lac_cudnn_graph graph;
    int n;
    lac_cudnn_plan plan[LAC_CUDNN_PLANS];
    int n_refused;                          /* proposed, but left out as said above */
    int n_failed;                           /* proposed, but cuDNN would not build it */
    int n_unloaded;                         /* compiled for a described device, which is not there to load the code */
    int n_pieces;
    void *piece[LAC_CUDNN_PIECES];
} lac_cudnn_plans;

/* A device that is not there, from its description in JSON, to plan for. lac_cudnn_device_free ends it. */
lac_status lac_cudnn_device_new(void **device, const char *json);
void lac_cudnn_device_free(void *device);

/* Up to `most` plans for the GPU of this process (device NULL) or the described one, only the one called `only` unless that is NULL. No
 * plan at all is no failure: p->n is 0. End p with lac_cudnn_plans_free. Fails with LAC_ERR_LIBRARY without cuDNN. */
lac_status lac_cudnn_propose(lac_cudnn_plans *p, const lac_cudnn_graph *g, void *device, const char *only, int most);
/* Plan i as text of cuDNN's own, code included, to be freed; and the one plan of that graph from such text, called `name`. Text of
 * another graph, device or version is refused by cuDNN: LAC_ERR_LIBRARY, and p is empty. */
lac_status lac_cudnn_write(const lac_cudnn_plans *p, int i, char **text);
lac_status lac_cudnn_read(lac_cudnn_plans *p, const lac_cudnn_graph *g, void *device, const char *name, const char *text);
void lac_cudnn_plans_free(lac_cudnn_plans *p);

/* Runs plan i: the tensors that the pass reads and writes, 16-byte aligned; bias f32 [o] and residual where the graph has them; workspace
 * as the plan says. */
lac_status lac_cudnn_run(const lac_cudnn_plans *p, int i, const void *x, const void *w, const void *y, const float *bias, const void *residual, void *workspace);
/* The same of an attention; what scores are multiplied by is read when the call is made. */
lac_status lac_cudnn_run_attention(const lac_cudnn_plans *p, int i, const void *q, const void *k, const void *v, void *y, float *lse, float scale, void *workspace);
