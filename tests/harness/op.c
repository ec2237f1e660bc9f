#include "tests/harness/op.h"

#include "autograd/ops/backend_cpu.h"
#include "autograd/params.h"
#include "core/cpu/features.h"
#include "core/file/weights.h"
#include "core/philox.h"
#include "core/threads.h"
#include "tests/harness/device.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* One run of an op: what goes in, what comes out, in host memory. */
typedef struct run {
    lac_op op;
    const void *attr;
    int calls;                                          /* on the same inputs */
    bool gradients, deterministic, rounds;     /* rounds: the run has met bf16 */
    lac_tensor *in[LAC_MAX_IN], *up[2][LAC_MAX_OUT];    /* inputs; upstream gradients per call */
    bool watch[LAC_MAX_IN];
    lac_tensor *out[LAC_MAX_OUT], *grad[LAC_MAX_IN];    /* f32, ours to free */
} run;

static bool visible(const lac_op_def *d, int k) { return d->out[k].name != NULL && !(d->out[k].flags & LAC_SAVED); }

static void free_tensors(lac_tensor **x, int n)
{
    for (int i = 0; i < n; i++) {
        lac_tensor_free(x[i]);
        x[i] = NULL;
    }
}

static void free_results(run *r)
{
    free_tensors(r->out, LAC_MAX_OUT);
    free_tensors(r->grad, LAC_MAX_IN);
}

static void free_run(run *r)
{
    free_tensors(r->in, LAC_MAX_IN);
    free_tensors(r->up[0], LAC_MAX_OUT);
    free_tensors(r->up[1], LAC_MAX_OUT);
    free_results(r);
}

/* As f32, integers too. */
static void keep(lac_tape *t, lac_tensor *x, lac_tensor **to)
{
    if (x != NULL && lac_keep(t, x, to) != LAC_OK)
        lac_tape_fail(t, LAC_ERR_MEM);
    lac_tensor *kept = x != NULL ? *to : NULL, *f = NULL;
    if (kept == NULL || kept->dtype == LAC_F32)
        return;
    LAC_CHECK_STATUS(lac_tensor_new(&f, LAC_F32, kept->ndim, kept->dim));
    lac_to_f32(f->data, kept->data, kept->dtype, lac_numel(kept));
    lac_tensor_free(kept);
    *to = f;
}

static lac_status take_gradients(lac_tape *t, run *r, const lac_root *roots, int n_roots, lac_tensor **x)
{
    lac_tensor *wanted[LAC_MAX_IN], *got[LAC_MAX_IN];
    int n = 0, from[LAC_MAX_IN];
    for (int i = 0; i < LAC_MAX_IN; i++)
        if (r->watch[i]) {
            wanted[n] = x[i];
            from[n++] = i;
        }
    LAC_TRY(lac_grad(t, roots, n_roots, wanted, n, got));
    for (int i = 0; i < n; i++)
        keep(t, got[i], &r->grad[from[i]]);
    return lac_tape_status(t);
}

static lac_status region(lac_tape *t, void *context)
{
    run *r = context;
    const lac_op_def *d = lac_op_find(r->op);
    lac_tensor *x[LAC_MAX_IN] = { NULL }, *y[LAC_MAX_OUT];
    lac_root roots[2 * LAC_MAX_OUT];
    int n_roots = 0;
    lac_tape_deterministic(t, r->deterministic);
    for (int i = 0; i < LAC_MAX_IN; i++) {
        x[i] = r->in[i] ? lac_tape_input(t, r->in[i], r->in[i]->dtype) : NULL;
        r->rounds |= x[i] != NULL && x[i]->dtype == LAC_BF16;
        if (r->watch[i])
            lac_tape_watch(t, x[i]);
    }
    for (int call = 0; call < r->calls; call++) {
        lac_apply_n(t, r->op, r->attr, x, y);
        LAC_TRY(lac_tape_status(t));
        for (int k = 0; k < LAC_MAX_OUT && d->out[k].name; k++) {
            r->rounds |= visible(d, k) && y[k] != NULL && y[k]->dtype == LAC_BF16;
            if (call == 0 && visible(d, k))
                keep(t, y[k], &r->out[k]);
            if (visible(d, k) && y[k] != NULL && r->up[call][k] != NULL)
                roots[n_roots++] = (lac_root){ .y = y[k], .gy = lac_tape_input(t, r->up[call][k], LAC_F32) };
        }
    }
    return r->gradients ? take_gradients(t, r, roots, n_roots, x) : lac_tape_status(t);
}

static lac_status go_on(run *r, const lac_backend *b)
{
    lac_tape *t = NULL;
    LAC_TRY(lac_tape_new(&t, b));
    lac_tape_guard(t, true);
    const lac_status s = lac_tape_run(t, "test", region, r);
    lac_tape_free(t);
    return s;
}

static const lac_backend *the_cpu(void)
{
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    return b;
}

static lac_status go(run *r) { return go_on(r, the_cpu()); }

/* The same inputs without results. */
static run again(const run *r)
{
    run other = *r;
    memset(other.out, 0, sizeof other.out);
    memset(other.grad, 0, sizeof other.grad);
    other.deterministic = true;
    return other;
}

/* The tensor of the largest gap of a comparison, for the message of a check that fails. */
typedef struct worst { double gap; char where[160]; } worst;

static void compare(worst *w, const char *what, const char *name, const lac_tensor *a, const lac_tensor *b)
{
    double g = lac_gap(a->data, b->data, lac_numel(a));
    g = isnan(g) ? INFINITY : g;
    if (g <= w->gap)
        return;
    w->gap = g;
    snprintf(w->where, sizeof w->where, "%s%s, %s", what, name, lac_shape_str(a));
}

static worst worst_value(const run *r, lac_tensor *const *a, lac_tensor *const *b)
{
    worst w = { 0 };
    for (int i = 0; i < LAC_MAX_OUT; i++)
        if (a[i] != NULL)
            compare(&w, "", lac_op_find(r->op)->out[i].name, a[i], b[i]);
    return w;
}

static worst worst_result(const run *a, const run *b)
{
    worst w = worst_value(a, a->out, b->out);
    for (int i = 0; i < LAC_MAX_IN; i++)
        if (a->grad[i] != NULL)
            compare(&w, "gradient of ", lac_op_find(a->op)->in[i].name, a->grad[i], b->grad[i]);
    return w;
}

/* Fails where the gap is `most` or more (0: where there is any), and says of which tensor it is and in which comparison. */
static void check_gap(const run *r, worst w, double most, const char *comparison)
{
    const bool holds = most > 0 ? w.gap < most : w.gap == 0;
    if (!holds)
        LAC_FAIL(LAC_ERR_STATE, "%s in %s, %s: %s differs by %g", lac_op_name(r->op), r->rounds ? "bf16" : "f32", comparison, w.where, w.gap);
    LAC_CHECK(holds);
}

/* Values have the same bits where no gradient is asked for: nothing is saved then, and kernels may go another way. */
static void check_unrecorded(const run *r, bool deterministic, const lac_backend *b, lac_tensor *const *out)
{
    run bare = again(r);
    bare.deterministic = deterministic;
    bare.gradients = false;
    bare.calls = 1;
    memset(bare.watch, 0, sizeof bare.watch);
    LAC_CHECK_STATUS(go_on(&bare, b));
    check_gap(r, worst_value(r, out, bare.out), 0, "a call without gradients");
    free_results(&bare);
}

/* On three threads, which divide no usual number of rows. */
static void check_threads(const run *r, const run *cpu)
{
    const int before = lac_threads();
    run more = again(r);
    lac_threads_set(before == 3 ? 1 : 3);
    LAC_CHECK_STATUS(go(&more));
    lac_threads_set(before);
    check_gap(r, worst_result(&more, cpu), 0, "three threads");
    free_results(&more);
}

/* What f32 loses between devices by the order of its sums. The sanitizers' checks keep the CPU's loops from becoming vectors: sums over a thousand terms then
 * run in one long line rather than sixteen short ones. */
#ifdef __SANITIZE_ADDRESS__
static const double OTHER_ORDER = 2e-6;
#else
static const double OTHER_ORDER = 1e-6;
#endif

/* Of a run that was made, all other ways to make it: the other device gives what the CPU does with direct sums, and the same bits whichever way its
 * threads run. */
static void check_ways(const run *r)
{
    run cpu = again(r), up = again(r), down = again(r);
    LAC_CHECK_STATUS(go(&cpu));
    LAC_CHECK_STATUS(go_on(&up, lac_test_device()));
    lac_cuda_host_downwards(true);
    LAC_CHECK_STATUS(go_on(&down, lac_test_device()));
    lac_cuda_host_downwards(false);
    check_gap(r, worst_result(&down, &up), 0, "a block's threads the other way round");
    check_gap(r, worst_result(&up, &cpu), r->rounds ? 1e-2 : OTHER_ORDER, "the other device against the CPU");
    check_threads(r, &cpu);
    check_unrecorded(r, true, the_cpu(), cpu.out);
    check_unrecorded(r, true, lac_test_device(), up.out);
    check_unrecorded(r, r->deterministic, the_cpu(), r->out);
    free_results(&cpu);
    free_results(&up);
    free_results(&down);
}

static float draw(lac_stream *s, lac_fill fill)
{
    const float u = 4.0f * lac_stream_uniform(s) - 2.0f;
    return fill == LAC_FILL_MASK ? (float)(u > 0.4f) : fill == LAC_FILL_SPARSE_MASK ? (float)(u > 1.8f) : u;
}

static lac_tensor *random_ids(lac_stream *s, const lac_shape *shape, int64_t below, lac_dtype d)
{
    lac_tensor *x;
    LAC_CHECK_STATUS(lac_tensor_new(&x, d, shape->ndim, shape->dim));
    for (int64_t i = 0; i < lac_numel(x); i++) {
        const int64_t id = (int64_t)(lac_stream_uniform(s) * (float)below);
        if (d == LAC_I32)
            ((int32_t *)x->data)[i] = (int32_t)id;
        else
            ((int64_t *)x->data)[i] = id;
    }
    return x;
}

static lac_tensor *random_tensor(lac_stream *s, lac_fill fill, const lac_shape *shape, lac_dtype d)
{
    lac_tensor *x;
    LAC_CHECK_STATUS(lac_tensor_new(&x, d, shape->ndim, shape->dim));
    for (int64_t i = 0; i < lac_numel(x); i++) {
        const float v = draw(s, fill);
        if (d == LAC_U8)
            ((uint8_t *)x->data)[i] = (uint8_t)(128 + 60 * v);
        else
            lac_from_f32((char *)x->data + (size_t)i * lac_dtype_size(d), d, &v, 1);
    }
    return x;
}

static run start(const lac_op_case *k, lac_dtype d)
{
    const lac_op_def *def = lac_op_find(k->op);
    run r = { .op = k->op, .attr = k->attr, .calls = 1 };
    lac_stream s = lac_stream_at(k->seed + 1, lac_purpose("op test"), 0, 0);
    for (int i = 0; i < LAC_MAX_IN; i++)
        if (k->in[i].fill == LAC_FILL_IDS) {
            r.in[i] = random_ids(&s, &k->in[i].shape, k->in[i].below, d == LAC_F32 ? LAC_I32 : LAC_I64);
        } else if (k->in[i].fill != LAC_FILL_NONE) {
            const unsigned flags = def->in[i].flags;
            r.in[i] = random_tensor(&s, k->in[i].fill, &k->in[i].shape, flags & 1u << d ? d : flags & LAC_F32_ONLY ? LAC_F32 : LAC_U8);
            r.watch[i] = r.in[i]->dtype != LAC_U8 && k->in[i].fill < LAC_FILL_MASK && !(k->no_gradient >> i & 1);
        }
    return r;
}

static double *doubles(const lac_tensor *x)
{
    const int64_t n = lac_numel(x);
    double *y = malloc((size_t)(n + 1) * sizeof *y);
    float *f = malloc((size_t)(n + 1) * sizeof *f);
    lac_to_f32(f, x->data, x->dtype, n);
    for (int64_t i = 0; i < n; i++)
        y[i] = f[i];
    free(f);
    return y;
}

/* Inputs of a finished run in double, and room for the outputs it has. */
static lac_ref ref_of(const run *r)
{
    lac_ref f = { .attr = r->attr };
    for (int i = 0; i < LAC_MAX_IN; i++)
        if (r->in[i] != NULL) {
            f.in[i] = doubles(r->in[i]);
            f.shape[i] = lac_shape_of(r->in[i]);
        }
    for (int k = 0; k < LAC_MAX_OUT; k++)
        if (r->out[k] != NULL) {
            f.out[k] = calloc((size_t)lac_numel(r->out[k]) + 1, sizeof(double));
            f.out_shape[k] = lac_shape_of(r->out[k]);
        }
    return f;
}

static void free_ref(lac_ref *f)
{
    for (int i = 0; i < LAC_MAX_IN; i++)
        free((void *)f->in[i]);
    for (int k = 0; k < LAC_MAX_OUT; k++)
        free(f->out[k]);
}

/* |a - b| / |b|; infinite where a is not a number, or b all 0. */
static double gap(const lac_tensor *a, const double *b)
{
    const float *x = a->data;
    double difference = 0, size = 0;
    for (int64_t i = 0; i < lac_numel(a); i++) {
        difference += (x[i] - b[i]) * (x[i] - b[i]);
        size += b[i] * b[i];
    }
    const double g = sqrt(difference / size);
    return isnan(g) ? INFINITY : g;
}

double lac_op_value_gap(const lac_op_case *k, lac_dtype d)
{
    run r = start(k, d);
    LAC_CHECK_STATUS(go(&r));
    check_ways(&r);
    lac_ref f = ref_of(&r);
    k->ref(&f);
    double worst = 0;
    for (int o = 0; o < LAC_MAX_OUT; o++)
        if (r.out[o] != NULL)
            worst = fmax(worst, gap(r.out[o], f.out[o]));
    free_ref(&f);
    free_run(&r);
    return worst;
}

/* Upstream gradients of all calls, added up: what one call would get. */
static double loss(const lac_op_case *k, const run *r, lac_ref *f)
{
    double sum = 0;
    k->ref(f);
    for (int call = 0; call < r->calls; call++)
        for (int o = 0; o < LAC_MAX_OUT; o++)
            for (int64_t i = 0; r->up[call][o] != NULL && i < lac_numel(r->up[call][o]); i++)
                sum += f->out[o][i] * ((const float *)r->up[call][o]->data)[i];
    return sum;
}

static double *differences(const lac_op_case *k, const run *r, lac_ref *f, int input)
{
    const int64_t n = lac_numel(r->in[input]);
    const double step = 1e-5;
    double *g = malloc((size_t)(n + 1) * sizeof *g), *x = (double *)f->in[input];
    for (int64_t i = 0; i < n; i++) {
        const double was = x[i];
        x[i] = was + step;
        const double above = loss(k, r, f);
        x[i] = was - step;
        g[i] = (above - loss(k, r, f)) / (2 * step);
        x[i] = was;
    }
    return g;
}

/* The outputs' shapes are known after a first run; upstream gradients are drawn for `calls` calls. */
static void draw_upstream(run *r, int calls, unsigned except)
{
    lac_stream s = lac_stream_at(7, lac_purpose("upstream"), 0, 0);
    r->calls = calls;
    r->gradients = true;
    for (int call = 0; call < calls; call++)
        for (int o = 0; o < LAC_MAX_OUT; o++)
            if (r->out[o] != NULL && !(except >> o & 1)) {
                const lac_shape shape = lac_shape_of(r->out[o]);
                r->up[call][o] = random_tensor(&s, LAC_FILL_UNIFORM, &shape, LAC_F32);
            }
}

static double gradient_gap(const lac_op_case *k, lac_dtype d, int calls)
{
    run r = start(k, d);
    LAC_CHECK_STATUS(go(&r));
    lac_ref f = ref_of(&r);
    draw_upstream(&r, calls, k->no_upstream);
    free_tensors(r.out, LAC_MAX_OUT);
    LAC_CHECK_STATUS(go(&r));
    check_ways(&r);
    double worst = 0;
    for (int i = 0; i < LAC_MAX_IN; i++)
        if (r.watch[i]) {
            double *g = differences(k, &r, &f, i);
            LAC_CHECK(r.grad[i] != NULL);
            worst = fmax(worst, gap(r.grad[i], g));
            free(g);
        }
    free_ref(&f);
    free_run(&r);
    return worst;
}

double lac_op_gradient_gap(const lac_op_case *k, lac_dtype d) { return fmax(gradient_gap(k, d, 1), gradient_gap(k, d, 2)); }

static lac_tensor *golden(const lac_weights *w, const char *prefix, const char *middle, const char *port)
{
    char name[128];
    snprintf(name, sizeof name, "%s.%s%s", prefix, middle, port);
    const int64_t i = lac_weights_find(w, name);
    if (i < 0)
        return NULL;
    const lac_shape shape = lac_weights_shape(w, i);
    lac_tensor *x;
    LAC_CHECK_STATUS(lac_tensor_new(&x, LAC_F32, shape.ndim, shape.dim));
    LAC_CHECK_STATUS(lac_weights_read_f32(w, i, x->data));
    return x;
}

static double tensor_gap(const lac_tensor *ours, const lac_tensor *theirs)
{
    LAC_CHECK(ours != NULL && lac_same_shape(ours, theirs));
    double *b = doubles(theirs);
    const double g = gap(ours, b);
    free(b);
    return g;
}

double lac_op_golden_gap(lac_op op, const void *attr, const char *file, const char *prefix)
{
    const lac_op_def *d = lac_op_find(op);
    lac_weights *w;
    run r = { .op = op, .attr = attr, .calls = 1 };
    lac_tensor *want[LAC_MAX_IN] = { NULL }, *value[LAC_MAX_OUT] = { NULL };
    double worst = 0;
    int compared = 0;
    LAC_CHECK_STATUS(lac_weights_open(&w, lac_test_golden(file)));
    for (int i = 0; i < lac_op_n_in(d); i++) {
        r.in[i] = golden(w, prefix, "", d->in[i].name);
        want[i] = golden(w, prefix, "grad.", d->in[i].name);
        r.watch[i] = want[i] != NULL;
        r.gradients |= r.watch[i];
    }
    for (int o = 0; o < lac_op_n_out(d); o++) {
        value[o] = golden(w, prefix, "", d->out[o].name);
        r.up[0][o] = golden(w, prefix, "grad.", d->out[o].name);
    }
    LAC_CHECK_STATUS(go(&r));
    check_ways(&r);
    for (int o = 0; o < LAC_MAX_OUT; o++)
        if (value[o] != NULL) {
            worst = fmax(worst, tensor_gap(r.out[o], value[o]));
            compared++;
        }
    for (int i = 0; i < LAC_MAX_IN; i++)
        if (want[i] != NULL)
            worst = fmax(worst, tensor_gap(r.grad[i], want[i]));
    LAC_CHECK(compared > 0);
    free_tensors(want, LAC_MAX_IN);
    free_tensors(value, LAC_MAX_OUT);
    free_run(&r);
    lac_weights_close(w);
    return worst;
}

lac_status lac_op_status(const lac_op_case *k)
{
    run r = start(k, LAC_F32);
    const lac_status s = go(&r);
    free_run(&r);
    return s;
}

/* Each gradient asked for alone has the bits that it has among the others. */
static void check_alone(const run *r, const lac_backend *b)
{
    run all = again(r);
    LAC_CHECK_STATUS(go_on(&all, b));
    for (int i = 0; i < LAC_MAX_IN; i++)
        if (r->watch[i]) {
            run one = again(r);
            memset(one.watch, 0, sizeof one.watch);
            one.watch[i] = true;
            LAC_CHECK_STATUS(go_on(&one, b));
            worst w = { 0 };
            if (one.grad[i] != NULL)
                compare(&w, "gradient of ", lac_op_find(all.op)->in[i].name, one.grad[i], all.grad[i]);
            check_gap(&all, w, 0, "one gradient alone");
            free_results(&one);
        }
    free_results(&all);
}

static bool watches(const run *r)
{
    for (int i = 0; i < LAC_MAX_IN; i++)
        if (r->watch[i])
            return true;
    return false;
}

/* LAC_ERR_SHAPE: the op refuses these shapes, and nothing is checked. */
static lac_status check_case(const lac_op_case *k, lac_dtype d)
{
    run r = start(k, d);
    const lac_status s = go(&r);
    LAC_CHECK(s == LAC_OK || s == LAC_ERR_SHAPE);
    if (s == LAC_OK)
        check_ways(&r);
    if (s == LAC_OK && watches(&r)) {
        draw_upstream(&r, 2, k->no_upstream);
        check_ways(&r);
        check_alone(&r, the_cpu());
        check_alone(&r, lac_test_device());
    }
    free_run(&r);
    return s;
}

static lac_status check_dtypes(const lac_op_case *k)
{
    const lac_status s = check_case(k, LAC_F32);
    if (s == LAC_OK && (!k->library || lac_cpu_has_avx512_bf16()))
        LAC_CHECK_STATUS(check_case(k, LAC_BF16));
    return s;
}

void lac_op_check(const lac_op_case *k) { LAC_CHECK_STATUS(check_dtypes(k)); }

/* Letters of LAC_N, ..., 8 bits each, counted in a negative dim. */
enum { LETTERS = 5 };

static int64_t dim_of(int64_t dim, const int64_t size[LETTERS])
{
    int64_t sum = 0;
    for (int i = 0; dim < 0 && i < LETTERS; i++)
        sum += (-dim >> 8 * i & 0xff) * size[i];
    return dim < 0 ? sum : dim;
}

void lac_op_check_sizes(const lac_op_case *k)
{
    static const int64_t size[][LETTERS] = { { 0, 3, 2, 4, 3 }, { 1, 1, 1, 1, 1 }, { 3, 5, 7, 3, 5 }, { 2, 9, 11, 37, 33 }, { 1, 40, 40, 8, 16 },
                                              { 1, 2, 3, 1304, 16 } };      /* beyond one step of a warp that walks a row */
    size_t taken = 0;
    const size_t n_sizes = LAC_COUNT(size) - k->library;        /* sums over so many channels round by more than two libraries may differ */
    for (size_t i = 0; i < n_sizes; i++) {
        lac_op_case sized = *k;
        for (int p = 0; p < LAC_MAX_IN; p++) {
            sized.in[p].below = dim_of(k->in[p].below, size[i]);
            for (int n = 0; n < k->in[p].shape.ndim; n++)
                sized.in[p].shape.dim[n] = dim_of(k->in[p].shape.dim[n], size[i]);
        }
        taken += check_dtypes(&sized) == LAC_OK;
    }
    LAC_CHECK(taken >= n_sizes - 2);
}
