#include "cli/bench_ops.h"

#include "autograd/ops/activation/activation.h"
#include "autograd/ops/contextual_attention/contextual_attention.h"
#include "autograd/ops/conv2d/conv2d.h"
#include "autograd/ops/gate/gate.h"
#include "core/memory.h"
#include "core/philox.h"
#include "core/stopwatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SETS = 32 };
#define BEYOND_CACHES (256e6)           /* an H100 caches 50 MB, a server's CPU some more */

lac_status lac_bench_machine(const lac_backend *b, lac_dtype d, lac_peaks *p)
{
    char text[512];
    LAC_TRY(lac_peaks_measure(b, d, p));
    lac_device_words(b, text, sizeof text);
    printf("%s: copies %.1f GB/s, %s %.0f GFLOP/s\n", text, p->copy_gbs, p->of, p->gflops);
    return LAC_OK;
}

void lac_bench_heading(void)
{
    printf("%-22s %-8s %-26s %10s %7s %8s %8s %9s %8s\n", "op", "", "", "ms", "share", "GB/s", "of copy", "GFLOP/s", "of peak");
}

void lac_bench_row_print(const lac_bench_row *r, const lac_peaks *p)
{
    const double gbs = 1e-9 * (double)r->bytes / r->seconds, gflops = 1e-9 * (double)r->flops / r->seconds;
    char share[16] = "";
    if (r->total > 0)
        snprintf(share, sizeof share, "%.1f%%", 100 * r->seconds / r->total);
    printf("%-22s %-8s %-26s %10.3f %7s %8.1f %7.1f%%", lac_op_name(r->op), r->backward ? "backward" : "forward", r->shape, 1e3 * r->seconds, share,
           gbs, 100 * gbs / p->copy_gbs);
    if (r->flops > 0)
        printf(" %9.1f %7.1f%%", gflops, 100 * gflops / p->gflops);
    printf("\n");
}

/* An op at one shape: inputs of random numbers, weights among them, and its attribute. */
typedef struct op_case {
    lac_op op;
    const void *attr;
    const char *about;
    int n_in;
    lac_shape in[3];
    bool mask_last;                             /* the last input is f32 and gets no gradient: a box of ones */
} op_case;

static const lac_conv2d_attr conv3 = { { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, 1, LAC_ACT_NONE }, conv5 = { { 2, 2 }, { 1, 1 }, { 1, 2, 1, 2 }, 1, LAC_ACT_NONE };
static const lac_conv2d_attr dilated = { { 1, 1 }, { 4, 4 }, { 4, 4, 4, 4 }, 1, LAC_ACT_NONE };
static const lac_gate_attr gate1 = { LAC_ACT_ELU, 1 }, gate2 = { LAC_ACT_ELU, 2 };
static const lac_activation_attr leaky = { LAC_ACT_LEAKY };
static const lac_contextual_attention_attr attention = { .ksize = 3, .rate = 2, .fuse = true, .softmax_scale = 10 };

/* As DeepFill v2 meets them: batch 4, 256x256, cnum 48. */
static const op_case cases[] = {
    { LAC_OP_conv2d, &conv3, "48->96 k3 128x128", 2, { { 4, { 4, 128, 128, 48 } }, { 4, { 96, 3, 3, 48 } } }, false },
    { LAC_OP_conv2d, &conv3, "96->192 k3 64x64", 2, { { 4, { 4, 64, 64, 96 } }, { 4, { 192, 3, 3, 96 } } }, false },
    { LAC_OP_conv2d, &dilated, "96->192 k3 64x64 dilated 4", 2, { { 4, { 4, 64, 64, 96 } }, { 4, { 192, 3, 3, 96 } } }, false },
    { LAC_OP_conv2d, &conv5, "128->256 k5 64x64 stride 2", 2, { { 4, { 8, 64, 64, 128 } }, { 4, { 256, 5, 5, 128 } } }, false },
    { LAC_OP_gate, &gate1, "48 256x256", 1, { { 4, { 4, 256, 256, 48 } } }, false },
    { LAC_OP_gate, &gate2, "96 128x128 upsampled", 1, { { 4, { 4, 128, 128, 96 } } }, false },
    { LAC_OP_activation, &leaky, "64 128x128 leaky", 1, { { 4, { 8, 128, 128, 64 } } }, false },
    { LAC_OP_contextual_attention, &attention, "96 64x64", 3, { { 4, { 4, 64, 64, 96 } }, { 0, { 0 } }, { 4, { 1, 64, 64, 1 } } }, true },
};

/* One call's tensors, in the device's memory. */
typedef struct op_set { lac_tensor in[3], out[LAC_MAX_OUT], gout, gin[3]; lac_op_ctx forward, backward; } op_set;

/* Several sets take turns, so that none finds its tensors in a cache. */
typedef struct op_bench {
    const lac_backend *b;
    const op_case *of;
    lac_dtype dtype;
    op_set set[MAX_SETS];
    int n;
    void *workspace[2];
    size_t workspace_size[2];
} op_bench;

static lac_status place(const lac_backend *b, lac_tensor *x)
{
    x->backend = b;
    return b->alloc(&x->data, LAC_MAX(lac_bytes(x), 1));
}

static void drop(const lac_backend *b, lac_tensor *x)
{
    if (x->data != NULL)
        b->free(x->data, LAC_MAX(lac_bytes(x), 1));
}

/* Random numbers in [-1, 1), or a box of ones in the middle. */
static lac_status draw(const lac_backend *b, lac_tensor *x, bool box)
{
    lac_stream s = lac_stream_at(1, lac_purpose("bench"), 0, 0);
    float *values;
    LAC_TRY(lac_malloc((void **)&values, (size_t)lac_numel(x) * sizeof *values));
    for (int64_t k = 0; k < lac_numel(x); k++) {
        const int64_t w = x->dim[2], at = k % w, row = k / w % x->dim[1];
        values[k] = box ? (float)(at >= w / 4 && at < 3 * w / 4 && row >= w / 4 && row < 3 * w / 4) : 2 * lac_stream_uniform(&s) - 1;
    }
    const lac_status status = lac_backend_write(b, x, values);
    free(values);
    return status;
}

static bool is_weight(const op_case *c, int i) { return c->op == LAC_OP_conv2d && i == 1; }

/* All gradients asked for, as in training: those of weights are f32. The gradient handed in has the output's shape. */
static lac_status make_set(const op_bench *o, op_set *s)
{
    const op_case *c = o->of;
    lac_op_ctx *f = &s->forward;
    *f = (lac_op_ctx){ .def = lac_op_find(c->op), .op = c->op, .attr = c->attr, .recording = true, .backend = o->b };
    for (int i = 0; i < c->n_in; i++) {
        const bool mask = c->mask_last && i == c->n_in - 1;
        if (c->in[i].ndim == 0)
            continue;
        lac_tensor_shape(&s->in[i], mask ? LAC_F32 : o->dtype, c->in[i].ndim, c->in[i].dim);
        LAC_TRY(place(o->b, &s->in[i]));
        LAC_TRY(draw(o->b, &s->in[i], mask));
        f->in[i] = &s->in[i];
        f->wants[i] = !mask;
    }
    for (int k = 0; k < lac_op_n_out(f->def); k++)
        f->out[k] = &s->out[k];
    LAC_TRY(f->def->infer(f));
    for (int k = 0; k < lac_op_n_out(f->def); k++)
        LAC_TRY(place(o->b, &s->out[k]));
    s->backward = *f;
    s->backward.backward = true;
    lac_tensor_like(&s->gout, &s->out[0]);
    LAC_TRY(place(o->b, &s->gout));
    LAC_TRY(draw(o->b, &s->gout, false));
    s->backward.gout[0] = &s->gout;
    for (int i = 0; i < c->n_in; i++)
        if (f->wants[i]) {
            lac_tensor_shape(&s->gin[i], is_weight(c, i) ? LAC_F32 : o->dtype, c->in[i].ndim, c->in[i].dim);
            LAC_TRY(place(o->b, &s->gin[i]));
            s->backward.gin[i] = &s->gin[i];
        }
    return LAC_OK;
}

static void drop_all(op_bench *o)
{
    for (int n = 0; n < o->n; n++) {
        op_set *s = &o->set[n];
        for (int i = 0; i < 3; i++)
            drop(o->b, &s->in[i]), drop(o->b, &s->gin[i]);
        for (int k = 0; k < LAC_MAX_OUT; k++)
            drop(o->b, &s->out[k]);
        drop(o->b, &s->gout);
    }
    for (int i = 0; i < 2; i++)
        if (o->workspace[i] != NULL)
            o->b->free(o->workspace[i], o->workspace_size[i]);
}

static lac_status make_all(op_bench *o)
{
    const lac_kernel *k = &o->b->kernels[o->of->op];
    do {
        memset(&o->set[o->n], 0, sizeof o->set[o->n]);
        LAC_TRY(make_set(o, &o->set[o->n++]));
    } while (o->n < MAX_SETS && o->n * (double)(lac_bytes(&o->set[0].in[0]) + lac_bytes(&o->set[0].out[0])) < BEYOND_CACHES);
    for (int i = 0; i < 2; i++) {
        if (k->workspace != NULL)
            LAC_TRY(k->workspace(i ? &o->set[0].backward : &o->set[0].forward, &o->workspace_size[i]));
        if (o->workspace_size[i] > 0)
            LAC_TRY(o->b->alloc(&o->workspace[i], o->workspace_size[i]));
        for (int n = 0; n < o->n; n++)
            (i ? &o->set[n].backward : &o->set[n].forward)->workspace = o->workspace[i];
    }
    return LAC_OK;
}

static lac_status forward(void *context)
{
    const op_bench *o = context;
    for (int n = 0; n < o->n; n++)
        LAC_TRY(o->b->kernels[o->of->op].forward(&o->set[n].forward));
    return LAC_OK;
}

static lac_status backward(void *context)
{
    const op_bench *o = context;
    for (int n = 0; n < o->n; n++)
        LAC_TRY(o->b->kernels[o->of->op].backward(&o->set[n].backward));
    return LAC_OK;
}

static lac_status time_both(op_bench *o, const lac_peaks *p, int64_t samples)
{
    char shape[64];
    LAC_TRY(make_all(o));
    snprintf(shape, sizeof shape, "%s %s", o->of->about, lac_dtype_name(o->dtype));
    for (int way = 0; way < 2; way++) {
        lac_bench_row row = { .op = o->of->op, .backward = way, .shape = shape };
        LAC_TRY(lac_stopwatch(o->b, way ? backward : forward, o, samples, &row.seconds));
        row.seconds /= o->n;
        lac_op_cost(way ? &o->set[0].backward : &o->set[0].forward, &row.bytes, &row.flops);
        lac_bench_row_print(&row, p);
    }
    return LAC_OK;
}

lac_status lac_bench_ops(const lac_backend *b, lac_dtype d, const char *only, int64_t samples)
{
    lac_peaks peaks;
    static op_bench o;
    bool any = false;
    for (size_t i = 0; i < LAC_COUNT(cases); i++)
        any |= only == NULL || strcmp(only, lac_op_name(cases[i].op)) == 0;
    if (!any)
        return LAC_FAIL(LAC_ERR_ARG, "no benchmark of op '%s': there are conv2d, gate, activation and contextual_attention", only);
    LAC_TRY(lac_bench_machine(b, d, &peaks));
    lac_bench_heading();
    for (size_t i = 0; i < LAC_COUNT(cases); i++) {
        if (only != NULL && strcmp(only, lac_op_name(cases[i].op)) != 0)
            continue;
        o = (op_bench){ .b = b, .of = &cases[i], .dtype = d };
        const lac_status s = lac_context(time_both(&o, &peaks, samples), "%s %s", lac_op_name(cases[i].op), cases[i].about);
        drop_all(&o);
        LAC_TRY(s);
    }
    return LAC_OK;
}
