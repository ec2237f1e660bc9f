#include "core/cuda/conv.h"

#include "core/cuda/columns.h"
#include "core/cuda/cudnn.h"
#include "core/cuda/device.h"
#include "core/cuda/library.h"
#include "core/cuda/patches.h"
#include "core/cuda/plans.h"
#include "core/cuda/timing.h"
#include "core/cuda/vector.h"
#include "core/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How one graph is run: plan `best` of cuDNN's, or patches (best < 0). */
typedef struct choice {
    lac_cudnn_graph graph;
    lac_cudnn_plans plans;
    int best;
    size_t workspace;                   /* of the plan, or of patches */
} choice;

static choice **known;
static int64_t n_known, room;

static size_t rounded(size_t bytes) { return (bytes + 255) / 256 * 256; }
static int64_t n_x(const lac_conv *c) { return c->n * c->h * c->w * c->c; }
static int64_t n_w(const lac_conv *c) { return c->o * c->kh * c->kw * (c->c / c->groups); }
static int64_t n_rows(const lac_conv *c) { return c->n * lac_conv_out_h(c) * lac_conv_out_w(c); }

static void name(const lac_cudnn_graph *g, char text[LAC_CUDA_PLAN_KEY])
{
    static const char *const passes[] = { "forward", "grad_x", "grad_w" };
    const lac_conv *c = &g->conv;
    snprintf(text, LAC_CUDA_PLAN_KEY, "conv %s %s%s%s, x %" PRId64 "x%" PRId64 "x%" PRId64 "x%" PRId64 ", w %" PRId64 "x%" PRId64 "x%" PRId64 ", groups %" PRId64
             ", stride %" PRId64 " %" PRId64 ", dilation %" PRId64 " %" PRId64 ", pad %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, passes[g->pass],
             lac_dtype_name(c->dtype), g->bias ? " + bias" : "", c->direct ? " direct" : "", c->n, c->h, c->w, c->c, c->o, c->kh, c->kw, c->groups,
             c->stride[0], c->stride[1], c->dilation[0], c->dilation[1], c->pad[0], c->pad[1], c->pad[2], c->pad[3]);
}

typedef struct trials { const lac_cudnn_plans *plans; void *x, *w, *y, *bias, *workspace; } trials;

static lac_status trial(void *context, int i)
{
    const trials *t = context;
    return lac_cudnn_run(t->plans, i, t->x, t->w, t->y, t->bias, t->workspace);
}

/* All tensors in one piece of scratch: x | w | y | bias | workspace. */
static lac_status time_them(const lac_cudnn_plans *p, int *best, double *us)
{
    const lac_conv *c = &p->graph.conv;
    const size_t e = lac_dtype_size(c->dtype), x = rounded((size_t)n_x(c) * e), w = rounded((size_t)n_w(c) * e);
    const size_t y = rounded((size_t)(n_rows(c) * c->o) * e), bias = rounded((size_t)c->o * sizeof(float));
    size_t workspace = 0;
    char *base;
    for (int i = 0; i < p->n; i++)
        workspace = LAC_MAX(workspace, p->plan[i].workspace);
    LAC_TRY(lac_cuda_scratch((void **)&base, x + w + y + bias + workspace));
    trials t = { p, base, base + x, base + x + w, base + x + w + y, base + x + w + y + bias };
    const lac_status s = lac_cuda_fastest(trial, &t, p->n, best, us);
    lac_cuda_free(base, x + w + y + bias + workspace);
    return s;
}

/* From the plan file, or timed now; where there is no memory to time in, cuDNN's first proposal, for this time only. */
static lac_status choose_plan(choice *c)
{
    char key[LAC_CUDA_PLAN_KEY], only[LAC_CUDNN_TEXT];
    double us;
    name(&c->graph, key);
    const char *kept = lac_cuda_plan_find(key);
    if (kept != NULL && strlen(kept) < sizeof only) {
        snprintf(only, sizeof only, "%s", kept);
        LAC_TRY(lac_cudnn_propose(&c->plans, &c->graph, NULL, only, 1));
        c->best = c->plans.n - 1;
        if (c->best == 0)
            return LAC_OK;
        lac_cudnn_plans_free(&c->plans);
    }
    LAC_TRY(lac_cudnn_propose(&c->plans, &c->graph, NULL, NULL, LAC_CUDNN_PLANS));
    c->best = c->plans.n > 0 ? 0 : -1;
    if (c->plans.n == 0)
        return LAC_OK;
    int fastest = -1;
    if (time_them(&c->plans, &fastest, &us) == LAC_OK && fastest >= 0) {
        c->best = fastest;
        return lac_cuda_plan_keep(key, c->plans.plan[fastest].text, us);
    }
    lac_error_clear();
    return LAC_OK;
}

static lac_status choose(choice *c)
{
    const lac_cudnn *calls;
    c->best = -1;
    if (lac_cudnn_open(&calls) == LAC_OK)
        LAC_TRY(choose_plan(c));
    if (c->best >= 0)
        c->workspace = rounded(c->plans.plan[c->best].workspace);
    else if (!c->graph.bias)
        LAC_TRY(lac_cuda_patches_workspace(&c->graph.conv, c->graph.pass, &c->workspace));
    return LAC_OK;
}

static lac_status make(choice **c, const lac_cudnn_graph *g)
{
    char text[LAC_CUDA_PLAN_KEY];
    LAC_TRY(lac_calloc((void **)c, 1, sizeof **c));
    memcpy(&(*c)->graph, g, sizeof *g);         /* with what lies between the members: find compares bytes */
    lac_status s = choose(*c);
    if (s == LAC_OK)
        s = lac_grow((void **)&known, n_known, &room, sizeof *known);
    if (s == LAC_OK) {
        known[n_known++] = *c;
        return LAC_OK;
    }
    lac_cudnn_plans_free(&(*c)->plans);
    free(*c);
    name(g, text);
    return lac_context(s, "%s", text);
}

static lac_status find(choice **c, const lac_conv *conv, lac_conv_pass pass, bool bias)
{
    lac_cudnn_graph g;
    memset(&g, 0, sizeof g);
    g.conv.n = conv->n, g.conv.h = conv->h, g.conv.w = conv->w, g.conv.c = conv->c;
    g.conv.o = conv->o, g.conv.kh = conv->kh, g.conv.kw = conv->kw, g.conv.groups = conv->groups;
    memcpy(g.conv.stride, conv->stride, sizeof g.conv.stride);
    memcpy(g.conv.dilation, conv->dilation, sizeof g.conv.dilation);
    memcpy(g.conv.pad, conv->pad, sizeof g.conv.pad);
    g.conv.dtype = g.result = conv->dtype;
    g.conv.direct = conv->direct;
    g.pass = pass;
    g.bias = bias;
    for (int64_t i = 0; i < n_known; i++)
        if (memcmp(&known[i]->graph, &g, sizeof g) == 0) {
            *c = known[i];
            return LAC_OK;
        }
    return make(c, &g);
}

/* The bias inside the convolution, where cuDNN has that ready: in f32, and alone. Else it would compile the kernel first (core/cuda/cudnn.h). */
static lac_status find_forward(choice **c, const lac_conv *conv, bool bias)
{
    if (bias && conv->dtype == LAC_F32 && !conv->residual && conv->act == LAC_ACT_NONE) {
        LAC_TRY(find(c, conv, LAC_CONV_FORWARD, true));
        if ((*c)->best >= 0)
            return LAC_OK;
    }
    return find(c, conv, LAC_CONV_FORWARD, false);
}

static bool is_empty(const lac_conv *c) { return n_x(c) == 0 || n_rows(c) == 0; }

/* cuDNN writes the convolution's dtype: what differs from it, or is added to, goes through a copy of the result. */
static size_t copy_bytes(const lac_conv *c, lac_conv_pass pass, lac_dtype dg, bool add)
{
    const int64_t n = pass == LAC_CONV_GRAD_X ? n_x(c) : n_w(c);
    return dg == c->dtype && !add ? 0 : rounded((size_t)n * lac_dtype_size(c->dtype));
}

lac_status lac_cuda_conv_workspace(const lac_conv *c, lac_conv_pass pass, lac_dtype dg, size_t *size)
{
    choice *plain, *fused;
    *size = 0;
    if (is_empty(c))
        return LAC_OK;
    if (pass == LAC_CONV_FORWARD) {
        LAC_TRY(find_forward(&fused, c, true));
        LAC_TRY(find_forward(&plain, c, false));
        *size = LAC_MAX(plain->workspace, fused->workspace);
        return LAC_OK;
    }
    LAC_TRY(find(&plain, c, pass, false));
    *size = plain->workspace + (plain->best >= 0 ? copy_bytes(c, pass, dg, true) : 0);
    if (pass == LAC_CONV_GRAD_W)
        *size = LAC_MAX(*size, lac_cuda_column_sums_workspace(n_rows(c), c->o));
    return LAC_OK;
}

lac_status lac_cuda_conv_forward(const lac_conv *c, const void *x, const void *w, const float *bias, const void *residual, void *y, void *workspace)
{
    choice *how;
    if (is_empty(c))
        return LAC_OK;
    LAC_TRY(find_forward(&how, c, bias != NULL));
    if (how->best >= 0)
        LAC_TRY(lac_cudnn_run(&how->plans, how->best, x, w, y, bias, workspace));
    else
        LAC_TRY(lac_cuda_patches_forward(c, x, w, y, workspace));
    const float *left = how->graph.bias ? NULL : bias;
    if (left == NULL && residual == NULL && c->act == LAC_ACT_NONE)
        return LAC_OK;
    return lac_cuda_conv_finish(y, c->dtype, left, residual, c->act, n_rows(c), c->o);
}

/* n elements of the convolution's dtype into a gradient of dtype dg. */
static lac_status put(const lac_conv *c, const void *from, int64_t n, void *to, lac_dtype dg, bool add)
{
    lac_tensor source, target;
    lac_tensor_shape(&source, c->dtype, 1, &n);
    lac_tensor_shape(&target, dg, 1, &n);
    source.data = (void *)from;
    target.data = to;
    return add ? lac_cuda_add(&target, &source) : lac_cuda_convert(&target, &source);
}

static lac_status clear(void *to, int64_t n, lac_dtype dg, bool add) { return add ? LAC_OK : lac_cuda_fill_zero(to, (size_t)n * lac_dtype_size(dg)); }

lac_status lac_cuda_conv_grad_x(const lac_conv *c, const void *gy, const void *w, void *gx, lac_dtype dg, bool add, void *workspace)
{
    const size_t copy = copy_bytes(c, LAC_CONV_GRAD_X, dg, add);
    choice *how;
    if (is_empty(c))
        return clear(gx, n_x(c), dg, add);
    LAC_TRY(find(&how, c, LAC_CONV_GRAD_X, false));
    if (how->best < 0)
        return lac_cuda_patches_grad_x(c, gy, w, gx, dg, add, workspace);
    LAC_TRY(lac_cudnn_run(&how->plans, how->best, copy > 0 ? workspace : gx, w, gy, NULL, (char *)workspace + copy));
    return copy > 0 ? put(c, workspace, n_x(c), gx, dg, add) : LAC_OK;
}

static lac_status weight_gradient(const lac_conv *c, const void *x, const void *gy, void *gw, lac_dtype dg, bool add, void *workspace)
{
    const size_t copy = copy_bytes(c, LAC_CONV_GRAD_W, dg, add);
    choice *how;
    if (is_empty(c))
        return clear(gw, n_w(c), dg, add);
    LAC_TRY(find(&how, c, LAC_CONV_GRAD_W, false));
    if (how->best < 0)
        return lac_cuda_patches_grad_w(c, x, gy, gw, dg, add, workspace);
    LAC_TRY(lac_cudnn_run(&how->plans, how->best, x, copy > 0 ? workspace : gw, gy, NULL, (char *)workspace + copy));
    return copy > 0 ? put(c, workspace, n_w(c), gw, dg, add) : LAC_OK;
}

lac_status lac_cuda_conv_grad_w(const lac_conv *c, const void *x, const void *gy, void *gw, lac_dtype dg, bool add_w, float *gb, bool add_b,
                                void *workspace)
{
    if (gw != NULL)
        LAC_TRY(weight_gradient(c, x, gy, gw, dg, add_w, workspace));
    return gb != NULL ? lac_cuda_column_sums(gb, add_b, gy, c->dtype, n_rows(c), c->o, workspace) : LAC_OK;
}
