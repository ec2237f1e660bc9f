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

/* How one graph is run: plan `best` of cuDNN's, or without one (best < 0): what follows the sums in a kernel of its own (lac_cuda_conv_finish)
 * behind the choice for the sums alone, these as patches. */
typedef struct choice {
    lac_cudnn_graph graph;
    lac_cudnn_plans plans;
    int best;
    size_t workspace;
    struct choice *sums;                /* the graph without what follows; NULL where nothing does */
} choice;

#define APART "sums, then the rest"     /* the name of that way in the plan file */

static choice **known;
static int64_t n_known, room;

static size_t rounded(size_t bytes) { return (bytes + 255) / 256 * 256; }
static int64_t n_x(const lac_conv *c) { return c->n * c->h * c->w * c->c; }
static int64_t n_w(const lac_conv *c) { return c->o * c->kh * c->kw * (c->c / c->groups); }
static int64_t n_rows(const lac_conv *c) { return c->n * lac_conv_out_h(c) * lac_conv_out_w(c); }

static void name(const lac_cudnn_graph *g, char text[LAC_CUDA_PLAN_KEY])
{
    static const char *const passes[] = { "forward", "grad_x", "grad_w" }, *const acts[] = { "", " elu", " relu", " leaky" };
    const lac_conv *c = &g->conv;
    char act[32];
    snprintf(act, sizeof act, c->act.kind == LAC_ACT_LEAKY && c->act.slope != LAC_ACT_LEAKY_SLOPE ? "%s %.9g" : "%s", acts[c->act.kind], (double)c->act.slope);
    snprintf(text, LAC_CUDA_PLAN_KEY, "conv %s %s%s%s%s%s, x %" PRId64 "x%" PRId64 "x%" PRId64 "x%" PRId64 ", w %" PRId64 "x%" PRId64 "x%" PRId64
             ", groups %" PRId64 ", stride %" PRId64 " %" PRId64 ", dilation %" PRId64 " %" PRId64 ", pad %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64,
             passes[g->pass], lac_dtype_name(c->dtype), c->bias ? " + bias" : "", c->residual ? " + residual" : "", act, c->direct ? " direct" : "",
             c->n, c->h, c->w, c->c, c->o, c->kh, c->kw, c->groups, c->stride[0], c->stride[1], c->dilation[0], c->dilation[1], c->pad[0], c->pad[1],
             c->pad[2], c->pad[3]);
}

/* What a convolution reads and writes. */
typedef struct operands { const void *x, *w; void *y; const float *bias; const void *residual; void *workspace; } operands;

/* Way i of a choice: a plan, or, of a forward pass, apart (i < 0). */
static lac_status run(const choice *how, int i, const operands *o)
{
    const lac_conv *c = &how->graph.conv;
    if (i >= 0)
        return lac_cudnn_run(&how->plans, i, o->x, o->w, o->y, o->bias, o->residual, o->workspace);
    if (how->sums == NULL)
        return lac_cuda_patches_forward(c, o->x, o->w, o->y, o->workspace);
    LAC_TRY(run(how->sums, how->sums->best, o));
    return lac_cuda_conv_finish(o->y, c->dtype, o->bias, o->residual, c->act, n_rows(c), c->o);
}

typedef struct trials { const choice *how; operands o; } trials;

/* The plans, then the way apart. */
static lac_status trial(void *context, int i)
{
    const trials *t = context;
    return run(t->how, i < t->how->plans.n ? i : -1, &t->o);
}

/* All tensors in one piece of scratch: x | w | y | bias | residual | workspace. *best is the way as `run` takes it, or -2: none ran. */
static lac_status time_them(const choice *how, int *best, double *us)
{
    const lac_conv *c = &how->graph.conv;
    const size_t e = lac_dtype_size(c->dtype), x = rounded((size_t)n_x(c) * e), w = rounded((size_t)n_w(c) * e);
    const size_t y = rounded((size_t)(n_rows(c) * c->o) * e), bias = rounded((size_t)c->o * sizeof(float)), residual = c->residual ? y : 0;
    size_t workspace = how->sums != NULL ? how->sums->workspace : 0;
    char *base;
    for (int i = 0; i < how->plans.n; i++)
        workspace = LAC_MAX(workspace, how->plans.plan[i].workspace);
    const size_t all = x + w + y + bias + residual + workspace;
    LAC_TRY(lac_cuda_scratch((void **)&base, all));
    char *const at_bias = base + x + w + y, *const at_residual = at_bias + bias;
    trials t = { how, { base, base + x, base + x + w, c->bias ? (float *)(void *)at_bias : NULL, c->residual ? at_residual : NULL, at_residual + residual } };
    int first;
    const lac_status s = lac_cuda_fastest(trial, &t, how->plans.n + (how->sums != NULL), &first, us);
    *best = first < 0 ? -2 : first < how->plans.n ? first : -1;
    lac_cuda_free(base, all);
    return s;
}

/* The plan called `text`: from its kept code, or made anew. c->plans holds it, or none. */
static lac_status recall(choice *c, const char *key, const char *text)
{
    char *code = lac_cuda_plan_code(key, text);
    const lac_status s = code != NULL ? lac_cudnn_read(&c->plans, &c->graph, NULL, text, code) : LAC_ERR_LIBRARY;
    free(code);
    if (s == LAC_OK)
        return LAC_OK;
    lac_error_clear();
    return lac_cudnn_propose(&c->plans, &c->graph, NULL, text, 1);
}

static lac_status keep(const choice *c, const char *key, double us)
{
    const lac_cudnn_plan *plan = c->best >= 0 ? &c->plans.plan[c->best] : NULL;
    char *code = NULL;
    if (plan != NULL && plan->compiled && lac_cudnn_write(&c->plans, c->best, &code) == LAC_OK)
        lac_cuda_plan_keep_code(key, plan->text, code);
    free(code);
    lac_error_clear();
    return lac_cuda_plan_keep(key, plan != NULL ? plan->text : APART, us);
}

/* From the plan file, or timed now; where there is no memory to time in, cuDNN's first proposal, for this time only. */
static lac_status choose_plan(choice *c)
{
    char key[LAC_CUDA_PLAN_KEY], text[LAC_CUDNN_TEXT];
    double us;
    name(&c->graph, key);
    const char *kept = lac_cuda_plan_find(key);
    if (kept != NULL && c->sums != NULL && strcmp(kept, APART) == 0)
        return LAC_OK;
    if (kept != NULL && strlen(kept) < sizeof text) {
        snprintf(text, sizeof text, "%s", kept);
        LAC_TRY(recall(c, key, text));
        c->best = c->plans.n - 1;
        if (c->best == 0)
            return LAC_OK;
        lac_cudnn_plans_free(&c->plans);
    }
    LAC_TRY(lac_cudnn_propose(&c->plans, &c->graph, NULL, NULL, LAC_CUDNN_PLANS));
    c->best = c->plans.n > 0 ? 0 : -1;
    if (c->plans.n == 0)
        return LAC_OK;
    int fastest = -2;
    if (time_them(c, &fastest, &us) == LAC_OK && fastest >= -1) {
        c->best = fastest;
        return keep(c, key, us);
    }
    lac_error_clear();
    return LAC_OK;
}

static lac_status find(choice **c, const lac_conv *conv, lac_conv_pass pass);

static lac_status choose(choice *c)
{
    const lac_conv sums = lac_conv_sums(&c->graph.conv);
    const lac_cudnn *calls;
    c->best = -1;
    if (lac_cudnn_fuses(&c->graph))
        LAC_TRY(find(&c->sums, &sums, LAC_CONV_FORWARD));
    if (lac_cudnn_open(&calls) == LAC_OK)
        LAC_TRY(choose_plan(c));
    if (c->best >= 0)
        c->workspace = rounded(c->plans.plan[c->best].workspace);
    else if (c->sums != NULL)
        c->workspace = c->sums->workspace;
    else
        LAC_TRY(lac_cuda_patches_workspace(&c->graph.conv, c->graph.pass, &c->workspace));
    return LAC_OK;
}

static lac_status make(choice **c, const lac_cudnn_graph *g)
{
    char text[LAC_CUDA_PLAN_KEY];
    LAC_TRY(lac_calloc((void **)c, 1, sizeof **c));
    (*c)->graph = *g;
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

static lac_status find(choice **c, const lac_conv *conv, lac_conv_pass pass)
{
    const lac_cudnn_graph g = { *conv, pass, conv->dtype };
    for (int64_t i = 0; i < n_known; i++)
        if (lac_cudnn_same(&known[i]->graph, &g)) {
            *c = known[i];
            return LAC_OK;
        }
    return make(c, &g);
}

static lac_status find_gradient(choice **c, const lac_conv *conv, lac_conv_pass pass)
{
    const lac_conv sums = lac_conv_sums(conv);
    return find(c, &sums, pass);
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
    choice *how;
    *size = 0;
    if (is_empty(c))
        return LAC_OK;
    LAC_TRY(pass == LAC_CONV_FORWARD ? find(&how, c, pass) : find_gradient(&how, c, pass));
    *size = how->workspace + (pass != LAC_CONV_FORWARD && how->best >= 0 ? copy_bytes(c, pass, dg, true) : 0);
    if (pass == LAC_CONV_GRAD_W)
        *size = LAC_MAX(*size, lac_cuda_column_sums_workspace(n_rows(c), c->o));
    return LAC_OK;
}

lac_status lac_cuda_conv_forward(const lac_conv *c, const void *x, const void *w, const float *bias, const void *residual, void *y, void *workspace)
{
    choice *how;
    if (is_empty(c))
        return LAC_OK;
    LAC_TRY(find(&how, c, LAC_CONV_FORWARD));
    return run(how, how->best, &(operands){ x, w, y, bias, residual, workspace });
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
    LAC_TRY(find_gradient(&how, c, LAC_CONV_GRAD_X));
    if (how->best < 0)
        return lac_cuda_patches_grad_x(c, gy, w, gx, dg, add, workspace);
    LAC_TRY(lac_cudnn_run(&how->plans, how->best, copy > 0 ? workspace : gx, w, gy, NULL, NULL, (char *)workspace + copy));
    return copy > 0 ? put(c, workspace, n_x(c), gx, dg, add) : LAC_OK;
}

static lac_status weight_gradient(const lac_conv *c, const void *x, const void *gy, void *gw, lac_dtype dg, bool add, void *workspace)
{
    const size_t copy = copy_bytes(c, LAC_CONV_GRAD_W, dg, add);
    choice *how;
    if (is_empty(c))
        return clear(gw, n_w(c), dg, add);
    LAC_TRY(find_gradient(&how, c, LAC_CONV_GRAD_W));
    if (how->best < 0)
        return lac_cuda_patches_grad_w(c, x, gy, gw, dg, add, workspace);
    LAC_TRY(lac_cudnn_run(&how->plans, how->best, x, copy > 0 ? workspace : gw, gy, NULL, NULL, (char *)workspace + copy));
    return copy > 0 ? put(c, workspace, n_w(c), gw, dg, add) : LAC_OK;
}

lac_status lac_cuda_conv_grad_w(const lac_conv *c, const void *x, const void *gy, void *gw, lac_dtype dg, bool add_w, float *gb, bool add_b,
                                void *workspace)
{
    if (gw != NULL)
        LAC_TRY(weight_gradient(c, x, gy, gw, dg, add_w, workspace));
    return gb != NULL ? lac_cuda_column_sums(gb, add_b, gy, c->dtype, n_rows(c), c->o, workspace) : LAC_OK;
}
