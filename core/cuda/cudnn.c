#include "core/cuda/cudnn.h"

#include "core/cuda/device.h"
#include "core/cuda/library.h"
#include "core/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef cudnnBackendDescriptor_t desc;
enum { UID_X = 1, UID_W, UID_Y, UID_BIAS, UID_RESIDUAL, UID_SUM, MAX_PROPOSED = 64, MAX_KNOBS = 44 };
enum { UID_Q = 1, UID_K, UID_V, UID_O, UID_LSE, UID_SCALE };

static const lac_cudnn *dnn;

static lac_status status(cudnnStatus_t s, const char *what)
{
    char detail[512] = "";
    if (s == CUDNN_STATUS_SUCCESS)
        return LAC_OK;
    dnn->cudnnGetLastErrorString(detail, sizeof detail);
    detail[strcspn(detail, "\n")] = '\0';
    return LAC_FAIL(s == CUDNN_STATUS_ALLOC_FAILED ? LAC_ERR_MEM : LAC_ERR_LIBRARY, "cuDNN: %s fails: %s%s%s", what, dnn->cudnnGetErrorString(s),
                    detail[0] != '\0' ? ": " : "", detail);
}

static lac_status set(desc d, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t n, const void *values)
{
    return status(dnn->cudnnBackendSetAttribute(d, name, type, n, values), "setting an attribute");
}

/* A descriptor that lives as long as p. */
static lac_status piece(lac_cudnn_plans *p, desc *d, cudnnBackendDescriptorType_t type)
{
    if (p->n_pieces == LAC_CUDNN_PIECES)
        return LAC_FAIL(LAC_ERR_LIBRARY, "cuDNN: a graph of more than %d descriptors", LAC_CUDNN_PIECES);
    LAC_TRY(status(dnn->cudnnBackendCreateDescriptor(type, d), "making a descriptor"));
    p->piece[p->n_pieces++] = *d;
    return LAC_OK;
}

static lac_status done(desc d, const char *what) { return status(dnn->cudnnBackendFinalize(d), what); }

static lac_status handle_of_this_gpu(cudnnHandle_t *h)
{
    static cudnnHandle_t made;
    if (made == NULL) {
        LAC_TRY(lac_cuda_start());
        LAC_TRY(status(dnn->cudnnCreate(&made), "starting on this GPU"));
        LAC_TRY(status(dnn->cudnnSetStream(made, lac_cuda_stream()), "taking the stream"));
    }
    *h = made;
    return LAC_OK;
}

/* Who plans and runs: the GPU of this process, or a described device. */
static lac_status place(desc d, void *device, cudnnBackendAttributeName_t for_handle, cudnnBackendAttributeName_t for_device)
{
    cudnnHandle_t h;
    if (device != NULL)
        return set(d, for_device, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &device);
    LAC_TRY(handle_of_this_gpu(&h));
    return set(d, for_handle, CUDNN_TYPE_HANDLE, 1, &h);
}

lac_status lac_cudnn_device_new(void **device, const char *json)
{
    desc d = NULL;
    LAC_TRY(lac_cudnn_open(&dnn));
    LAC_TRY(status(dnn->cudnnBackendCreateDescriptor(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, &d), "making a descriptor"));
    lac_status s = set(d, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, (int64_t)strlen(json), json);
    if (s == LAC_OK)
        s = done(d, "reading a device description");
    *device = d;
    if (s != LAC_OK) {
        lac_cudnn_device_free(d);
        *device = NULL;
    }
    return s;
}

void lac_cudnn_device_free(void *device)
{
    if (device != NULL)
        dnn->cudnnBackendDestroyDescriptor(device);
}

/* Where a tensor is: in memory, nowhere (between two operations), or a number that is handed over with the call. */
typedef enum { IN_MEMORY, HIDDEN, NUMBER } lies;

static lac_status tensor_at(lac_cudnn_plans *p, desc *d, int64_t uid, lac_dtype dtype, const int64_t dim[4], const int64_t step[4], lies where)
{
    const int64_t alignment = 16;
    const bool yes = true;
    const cudnnDataType_t type = dtype == LAC_BF16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    LAC_TRY(piece(p, d, CUDNN_BACKEND_TENSOR_DESCRIPTOR));
    LAC_TRY(set(*d, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type));
    LAC_TRY(set(*d, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dim));
    LAC_TRY(set(*d, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, step));
    LAC_TRY(set(*d, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &uid));
    LAC_TRY(set(*d, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment));
    if (where != IN_MEMORY)
        LAC_TRY(set(*d, where == HIDDEN ? CUDNN_ATTR_TENSOR_IS_VIRTUAL : CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, 1, &yes));
    return done(*d, "describing a tensor");
}

/* dim in cuDNN's order, [N, C, H, W], of memory that lies as [N, H, W, C]. */
static lac_status tensor(lac_cudnn_plans *p, desc *d, int64_t uid, lac_dtype dtype, const int64_t dim[4], bool hidden)
{
    const int64_t step[4] = { dim[1] * dim[2] * dim[3], 1, dim[3] * dim[1], dim[1] };
    return tensor_at(p, d, uid, dtype, dim, step, hidden ? HIDDEN : IN_MEMORY);
}

static lac_status geometry(lac_cudnn_plans *p, desc *d, const lac_conv *c)
{
    const cudnnDataType_t sums = CUDNN_DATA_FLOAT;
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    const int64_t n = 2, before[2] = { c->pad[0], c->pad[2] }, after[2] = { c->pad[1], c->pad[3] };
    LAC_TRY(piece(p, d, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR));
    LAC_TRY(set(*d, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &sums));
    LAC_TRY(set(*d, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode));
    LAC_TRY(set(*d, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &n));
    LAC_TRY(set(*d, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, before));
    LAC_TRY(set(*d, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, after));
    LAC_TRY(set(*d, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, c->stride));
    LAC_TRY(set(*d, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, c->dilation));
    return done(*d, "describing a convolution");
}

/* What the three passes call the same things. */
static const struct pass {
    cudnnBackendDescriptorType_t type;
    cudnnBackendAttributeName_t x, w, y, conv, alpha, beta;
} passes[] = {
    [LAC_CONV_FORWARD] = { CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                           CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                           CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                           CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA },
    [LAC_CONV_GRAD_X] = { CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
                          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
                          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
                          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA },
    [LAC_CONV_GRAD_W] = { CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA },
};

static lac_status convolution(lac_cudnn_plans *p, desc *op, desc x, desc w, desc y)
{
    const struct pass *of = &passes[p->graph.pass];
    const float one = 1, zero = 0;
    desc conv;
    LAC_TRY(geometry(p, &conv, &p->graph.conv));
    LAC_TRY(piece(p, op, of->type));
    LAC_TRY(set(*op, of->x, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &x));
    LAC_TRY(set(*op, of->w, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &w));
    LAC_TRY(set(*op, of->y, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &y));
    LAC_TRY(set(*op, of->conv, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &conv));
    LAC_TRY(set(*op, of->alpha, CUDNN_TYPE_FLOAT, 1, &one));
    LAC_TRY(set(*op, of->beta, CUDNN_TYPE_FLOAT, 1, &zero));
    return done(*op, "describing a convolution's operation");
}

/* One step after the sums: y = x + b, or a function of x. */
typedef struct step { cudnnPointwiseMode_t mode; desc b; } step;

static lac_status describe_step(lac_cudnn_plans *p, desc *d, cudnnPointwiseMode_t mode)
{
    const cudnnDataType_t type = CUDNN_DATA_FLOAT;
    const double slope = p->graph.conv.act.kind == LAC_ACT_LEAKY ? (double)p->graph.conv.act.slope : 0;
    LAC_TRY(piece(p, d, CUDNN_BACKEND_POINTWISE_DESCRIPTOR));
    LAC_TRY(set(*d, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode));
    LAC_TRY(set(*d, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &type));
    if (mode == CUDNN_POINTWISE_RELU_FWD && slope > 0)
        LAC_TRY(set(*d, CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP_SLOPE, CUDNN_TYPE_DOUBLE, 1, &slope));
    return done(*d, "describing an element's operation");
}

static lac_status add_step(lac_cudnn_plans *p, desc *op, const step *s, desc x, desc y)
{
    desc what;
    LAC_TRY(describe_step(p, &what, s->mode));
    LAC_TRY(piece(p, op, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR));
    LAC_TRY(set(*op, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &what));
    LAC_TRY(set(*op, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &x));
    if (s->b != NULL)
        LAC_TRY(set(*op, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &s->b));
    LAC_TRY(set(*op, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &y));
    return done(*op, "describing an element's operation");
}

/* In the order that cuDNN's ready engines know: residual, bias, activation. */
static lac_status steps_after(lac_cudnn_plans *p, step s[3], int *n, const int64_t dy[4])
{
    const lac_cudnn_graph *g = &p->graph;
    const int64_t db[4] = { 1, g->conv.o, 1, 1 };
    *n = 0;
    if (g->pass != LAC_CONV_FORWARD)
        return LAC_OK;
    if (g->conv.residual) {
        LAC_TRY(tensor(p, &s[*n].b, UID_RESIDUAL, g->conv.dtype, dy, false));
        s[(*n)++].mode = CUDNN_POINTWISE_ADD;
    }
    if (g->conv.bias) {
        LAC_TRY(tensor(p, &s[*n].b, UID_BIAS, LAC_F32, db, false));
        s[(*n)++].mode = CUDNN_POINTWISE_ADD;
    }
    if (g->conv.act.kind != LAC_ACT_NONE)
        s[(*n)++] = (step){ g->conv.act.kind == LAC_ACT_ELU ? CUDNN_POINTWISE_ELU_FWD : CUDNN_POINTWISE_RELU_FWD, NULL };
    return LAC_OK;
}

enum { MAX_OPS = 4 };

/* Tokens [n, tokens, heads * d] in cuDNN's order, [n, heads, tokens, d]. */
static lac_status heads_of(lac_cudnn_plans *p, desc *d, int64_t uid, int64_t tokens)
{
    const lac_cudnn_attention *a = &p->graph.attention;
    const int64_t dim[4] = { a->n, a->heads, tokens, a->d }, step[4] = { tokens * a->heads * a->d, a->d, a->heads * a->d, 1 };
    return tensor_at(p, d, uid, LAC_BF16, dim, step, IN_MEMORY);
}

static lac_status attention(lac_cudnn_plans *p, desc *op)
{
    static const cudnnBackendAttributeName_t name[] = { CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC, CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC, CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC,
                                                        CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC, CUDNN_ATTR_OPERATION_SDPA_FWD_STATSDESC, CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC };
    const lac_cudnn_attention *a = &p->graph.attention;
    const int64_t rows[4] = { a->n, a->heads, a->tq, 1 }, row_step[4] = { a->heads * a->tq, a->tq, 1, 1 }, one[4] = { 1, 1, 1, 1 };
    desc at[LAC_COUNT(name)];
    LAC_TRY(heads_of(p, &at[0], UID_Q, a->tq));
    LAC_TRY(heads_of(p, &at[1], UID_K, a->tk));
    LAC_TRY(heads_of(p, &at[2], UID_V, a->tk));
    LAC_TRY(heads_of(p, &at[3], UID_O, a->tq));
    LAC_TRY(tensor_at(p, &at[4], UID_LSE, LAC_F32, rows, row_step, IN_MEMORY));
    LAC_TRY(tensor_at(p, &at[5], UID_SCALE, LAC_F32, one, one, NUMBER));
    LAC_TRY(piece(p, op, CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR));
    for (size_t i = 0; i < LAC_COUNT(name); i++)
        LAC_TRY(set(*op, name[i], CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &at[i]));
    return done(*op, "describing an attention");
}

/* What lies between two operations is f32, and never in memory. */
static lac_status operations(lac_cudnn_plans *p, desc ops[MAX_OPS], int64_t *n)
{
    const lac_conv *c = &p->graph.conv;
    const lac_dtype result = p->graph.result, other = c->dtype;
    const lac_conv_pass pass = p->graph.pass;
    const int64_t dx[4] = { c->n, c->c, c->h, c->w }, dw[4] = { c->o, c->c / c->groups, c->kh, c->kw };
    const int64_t dy[4] = { c->n, c->o, lac_conv_out_h(c), lac_conv_out_w(c) };
    desc x, w, at[MAX_OPS];
    step s[MAX_OPS - 1];
    int steps;
    LAC_TRY(steps_after(p, s, &steps, dy));
    LAC_TRY(tensor(p, &x, UID_X, pass == LAC_CONV_GRAD_X ? result : other, dx, false));
    LAC_TRY(tensor(p, &w, UID_W, pass == LAC_CONV_GRAD_W ? result : other, dw, false));
    for (int i = 0; i < steps; i++)
        LAC_TRY(tensor(p, &at[i], UID_SUM + i, LAC_F32, dy, true));
    LAC_TRY(tensor(p, &at[steps], UID_Y, pass == LAC_CONV_FORWARD ? result : other, dy, false));
    LAC_TRY(convolution(p, &ops[0], x, w, at[0]));
    for (int i = 0; i < steps; i++)
        LAC_TRY(add_step(p, &ops[i + 1], &s[i], at[i], at[i + 1]));
    *n = steps + 1;
    return LAC_OK;
}

static lac_status graph(lac_cudnn_plans *p, desc *g, void *device)
{
    desc ops[MAX_OPS];
    int64_t n = 1;
    cudnnHandle_t h;
    LAC_TRY(p->graph.attention.heads > 0 ? attention(p, ops) : operations(p, ops, &n));
    LAC_TRY(piece(p, g, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR));
    LAC_TRY(set(*g, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, n, ops));
    if (device == NULL) {
        LAC_TRY(handle_of_this_gpu(&h));
        LAC_TRY(set(*g, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &h));
    }
    return done(*g, "making a graph");
}

static bool is_compiled(desc engine)
{
    cudnnBackendBehaviorNote_t note[CUDNN_BEHAVIOR_NOTE_TYPE_COUNT];
    int64_t n = 0;
    if (dnn->cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE, LAC_COUNT(note), &n, note) != CUDNN_STATUS_SUCCESS)
        return true;
    for (int64_t i = 0; i < n; i++)
        if (note[i] == CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION)
            return true;
    return false;
}

/* Same bits each time, f32 as it is, and no Winograd where direct summation is asked for. */
static bool acceptable(const lac_cudnn_graph *g, desc engine)
{
    cudnnBackendNumericalNote_t note[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
    int64_t n = 0;
    if (dnn->cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, LAC_COUNT(note), &n, note) !=
        CUDNN_STATUS_SUCCESS)
        return false;
    for (int64_t i = 0; i < n; i++) {
        const bool rounds = note[i] == CUDNN_NUMERICAL_NOTE_TENSOR_CORE || note[i] == CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS;
        const bool transforms = note[i] == CUDNN_NUMERICAL_NOTE_WINOGRAD || note[i] == CUDNN_NUMERICAL_NOTE_FFT;
        if (note[i] == CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC || note[i] == CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION ||
            note[i] == CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13 || (rounds && g->attention.heads == 0 && g->conv.dtype == LAC_F32) || (transforms && g->conv.direct))
            return false;
    }
    return true;
}

/* Knobs in words; the descriptors to read them into are made here and dropped again. */
static int append_knobs(char *text, int at, desc config)
{
    desc knob[MAX_KNOBS];
    int64_t n = 0, m, value;
    int made = 0;
    cudnnBackendKnobType_t type;
    while (made < MAX_KNOBS && dnn->cudnnBackendCreateDescriptor(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, &knob[made]) == CUDNN_STATUS_SUCCESS)
        made++;
    if (dnn->cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_TYPE_BACKEND_DESCRIPTOR, made, &n, knob) != CUDNN_STATUS_SUCCESS)
        n = 0;
    for (int64_t i = 0; i < n && at < LAC_CUDNN_TEXT; i++)
        if (dnn->cudnnBackendGetAttribute(knob[i], CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE, 1, &m, &type) == CUDNN_STATUS_SUCCESS &&
            dnn->cudnnBackendGetAttribute(knob[i], CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, CUDNN_TYPE_INT64, 1, &m, &value) == CUDNN_STATUS_SUCCESS)
            at += snprintf(text + at, (size_t)(LAC_CUDNN_TEXT - at), "%s%d:%" PRId64, i == 0 ? " knobs " : " ", (int)type, value);
    for (int i = 0; i < made; i++)
        dnn->cudnnBackendDestroyDescriptor(knob[i]);
    return at;
}

/* One of cuDNN's proposals. */
typedef struct proposal {
    desc config;
    char text[LAC_CUDNN_TEXT];
    bool compiled;
} proposal;

static bool worth_compiling(const lac_cudnn_plans *p)
{
    int n = p->n_unloaded;
    for (int i = 0; i < p->n; i++)
        n += p->plan[i].compiled;
    return (p->graph.attention.heads > 0 || (lac_cudnn_fuses(&p->graph) && p->graph.conv.dtype == LAC_BF16)) && n < LAC_CUDNN_COMPILED;
}

/* The engine of a proposal and its name; *taken false: not one that we take. */
static lac_status examine(lac_cudnn_plans *p, proposal *q, bool *taken)
{
    desc engine;
    int64_t n, number;
    LAC_TRY(piece(p, &engine, CUDNN_BACKEND_ENGINE_DESCRIPTOR));
    LAC_TRY(status(dnn->cudnnBackendGetAttribute(q->config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &n, &engine), "reading an engine"));
    LAC_TRY(status(dnn->cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &n, &number), "reading an engine's number"));
    q->compiled = is_compiled(engine);
    *taken = acceptable(&p->graph, engine) && (!q->compiled || worth_compiling(p));
    append_knobs(q->text, snprintf(q->text, LAC_CUDNN_TEXT, "engine %" PRId64, number), q->config);
    return LAC_OK;
}

/* A finished plan of the library's into the list. */
static lac_status append_plan(lac_cudnn_plans *p, desc plan, const char *text, bool compiled)
{
    lac_cudnn_plan *to = &p->plan[p->n];
    int64_t n, workspace = 0;
    LAC_TRY(status(dnn->cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &n, &workspace),
                   "reading a plan's workspace"));
    to->plan = plan;
    to->compiled = compiled;
    to->workspace = (size_t)workspace;
    snprintf(to->text, sizeof to->text, "%s", text);
    p->n++;
    return LAC_OK;
}

static lac_status begin_plan(lac_cudnn_plans *p, desc *plan, void *device)
{
    LAC_TRY(piece(p, plan, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR));
    return place(*plan, device, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP);
}

/* Plans that cuDNN does not build after all are counted, and passed over. */
static lac_status add_plan(lac_cudnn_plans *p, const proposal *q, void *device)
{
    desc plan;
    LAC_TRY(begin_plan(p, &plan, device));
    LAC_TRY(set(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &q->config));
    const cudnnStatus_t s = dnn->cudnnBackendFinalize(plan);
    if (s == CUDNN_STATUS_SUCCESS)
        return append_plan(p, plan, q->text, q->compiled);
    if (device != NULL && s == CUDNN_STATUS_EXECUTION_FAILED_CUDA_DRIVER)
        p->n_unloaded++;
    else
        p->n_failed++;
    return LAC_OK;
}

static lac_status heuristics(lac_cudnn_plans *p, desc g, void *device, cudnnBackendHeurMode_t mode, desc config[MAX_PROPOSED], int64_t *n)
{
    desc h;
    *n = 0;
    LAC_TRY(piece(p, &h, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR));
    LAC_TRY(set(h, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &g));
    LAC_TRY(set(h, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode));
    if (device != NULL)
        LAC_TRY(set(h, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &device));
    if (dnn->cudnnBackendFinalize(h) != CUDNN_STATUS_SUCCESS)
        return LAC_OK;                      /* nothing to propose for this graph */
    for (int i = 0; i < MAX_PROPOSED; i++)
        LAC_TRY(piece(p, &config[i], CUDNN_BACKEND_ENGINECFG_DESCRIPTOR));
    return status(dnn->cudnnBackendGetAttribute(h, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, MAX_PROPOSED, n, config),
                  "asking for engines");
}

static lac_status take_from(lac_cudnn_plans *p, desc g, void *device, cudnnBackendHeurMode_t mode, const char *only, int most)
{
    desc config[MAX_PROPOSED];
    int64_t n;
    LAC_TRY(heuristics(p, g, device, mode, config, &n));
    for (int64_t i = 0; i < n && i < MAX_PROPOSED && p->n + p->n_unloaded < most; i++) {
        proposal q = { .config = config[i] };
        bool taken;
        LAC_TRY(examine(p, &q, &taken));
        p->n_refused += !taken;
        for (int k = 0; k < p->n; k++)
            taken = taken && strcmp(p->plan[k].text, q.text) != 0;      /* both lists may name it */
        if (taken && (only == NULL || strcmp(only, q.text) == 0))
            LAC_TRY(add_plan(p, &q, device));
    }
    return LAC_OK;
}

static lac_status begin(lac_cudnn_plans *p, const lac_cudnn_graph *g)
{
    memset(p, 0, sizeof *p);
    p->graph = *g;
    return lac_cudnn_open(&dnn);
}

lac_status lac_cudnn_propose(lac_cudnn_plans *p, const lac_cudnn_graph *g, void *device, const char *only, int most)
{
    desc made;
    LAC_TRY(begin(p, g));
    most = LAC_MIN(most, LAC_CUDNN_PLANS);
    lac_status s = graph(p, &made, device);
    if (s == LAC_OK)
        s = take_from(p, made, device, CUDNN_HEUR_MODE_A, only, most);
    if (s == LAC_OK && p->n + p->n_unloaded < most)
        s = take_from(p, made, device, CUDNN_HEUR_MODE_FALLBACK, only, most);
    if (s != LAC_OK)
        lac_cudnn_plans_free(p);
    return s;
}

lac_status lac_cudnn_write(const lac_cudnn_plans *p, int i, char **text)
{
    const desc plan = p->plan[i].plan;
    int64_t size = 0;
    LAC_TRY(status(dnn->cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, 0, &size, NULL), "measuring a plan"));
    LAC_TRY(lac_calloc((void **)text, (size_t)size + 1, 1));
    const lac_status s = status(dnn->cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, size, &size, *text),
                                "writing a plan");
    if (s != LAC_OK) {
        free(*text);
        *text = NULL;
    }
    return s;
}

static lac_status plan_from(lac_cudnn_plans *p, void *device, const char *name, const char *text)
{
    desc plan;
    LAC_TRY(begin_plan(p, &plan, device));
    LAC_TRY(set(plan, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, (int64_t)strlen(text), text));
    LAC_TRY(done(plan, "reading a plan"));
    return append_plan(p, plan, name, true);
}

lac_status lac_cudnn_read(lac_cudnn_plans *p, const lac_cudnn_graph *g, void *device, const char *name, const char *text)
{
    LAC_TRY(begin(p, g));
    const lac_status s = plan_from(p, device, name, text);
    if (s != LAC_OK)
        lac_cudnn_plans_free(p);
    return s;
}

void lac_cudnn_plans_free(lac_cudnn_plans *p)
{
    while (p->n_pieces > 0)                 /* what stands on others goes first */
        dnn->cudnnBackendDestroyDescriptor(p->piece[--p->n_pieces]);
    p->n = 0;
}

/* n tensors in the order of their ids, from 1 on; NULL for those that the graph has not. */
static lac_status bind(desc pack, const void *const *tensors, int n, void *workspace)
{
    int64_t uid[UID_SCALE], bound = 0;
    const void *at[UID_SCALE];
    for (int i = 0; i < n; i++)
        if (tensors[i] != NULL) {
            uid[bound] = 1 + i;
            at[bound++] = tensors[i];
        }
    LAC_TRY(set(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, bound, uid));
    LAC_TRY(set(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, bound, at));
    LAC_TRY(set(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace));
    return done(pack, "binding tensors");
}

static lac_status execute(const lac_cudnn_plan *plan, const void *const *tensors, int n, void *workspace)
{
    cudnnHandle_t h;
    desc pack;
    LAC_TRY(handle_of_this_gpu(&h));
    LAC_TRY(status(dnn->cudnnBackendCreateDescriptor(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, &pack), "making a descriptor"));
    lac_status s = bind(pack, tensors, n, workspace);
    if (s == LAC_OK)
        s = status(dnn->cudnnBackendExecute(h, plan->plan, pack), plan->text);
    dnn->cudnnBackendDestroyDescriptor(pack);
    return s;
}

lac_status lac_cudnn_run(const lac_cudnn_plans *p, int i, const void *x, const void *w, const void *y, const float *bias, const void *residual, void *workspace)
{
    const void *const tensors[UID_RESIDUAL] = { x, w, y, p->graph.conv.bias ? bias : NULL, p->graph.conv.residual ? residual : NULL };
    return execute(&p->plan[i], tensors, UID_RESIDUAL, workspace);
}

lac_status lac_cudnn_run_attention(const lac_cudnn_plans *p, int i, const void *q, const void *k, const void *v, void *y, float *lse, float scale, void *workspace)
{
    const void *const tensors[UID_SCALE] = { q, k, v, y, lse, &scale };
    return execute(&p->plan[i], tensors, UID_SCALE, workspace);
}
