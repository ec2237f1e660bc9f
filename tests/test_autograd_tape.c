/* The tape on small networks of real ops: gradients against values by hand in double, and what must not change them. */
#include "autograd/ops/activation/activation.h"
#include "autograd/ops/backend_cpu.h"
#include "autograd/ops/concat/concat.h"
#include "autograd/ops/gan_loss/gan_loss.h"
#include "autograd/ops/linear/linear.h"
#include "autograd/params.h"
#include "autograd/tape.h"
#include "core/memory.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdlib.h>

enum { ROWS = 4, IN = 3, OUT = 2 };

/* sum of tanh(x W^T + b), twice through the same W, on ROWS rows. */
typedef struct net {
    lac_tape *tape;
    lac_params *params, *frozen;
    lac_param *w, *v, *b;               /* [IN, IN], [OUT, IN] frozen, [IN] */
    lac_tensor x;
    float x_data[ROWS * IN], gw[IN * IN], gb[IN], loss, seed;
} net;

static float value(int i, int salt) { return (float)((i * 37 + salt * 101) % 29) / 14.5f - 0.93f; }

static void set(lac_param *p, int salt)
{
    float x[16];
    for (int i = 0; i < lac_numel(p->value); i++)
        x[i] = value(i, salt);
    LAC_CHECK_STATUS(lac_param_set(p, x));
}

static void open_net(net *n)
{
    const lac_backend *b;
    *n = (net){ .seed = 1 };
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_STATUS(lac_tape_new(&n->tape, b));
    LAC_CHECK_STATUS(lac_params_new(&n->params, "net", b, LAC_F32));
    LAC_CHECK_STATUS(lac_params_new(&n->frozen, "judge", b, LAC_F32));
    n->frozen->frozen = true;
    LAC_CHECK_STATUS(lac_param_new(n->params, &n->w, LAC_ROLE_LINEAR, 2, (int64_t[]){ IN, IN }, LAC_INIT_ZERO, 0, "w"));
    LAC_CHECK_STATUS(lac_param_new(n->params, &n->b, LAC_ROLE_BIAS, 1, (int64_t[]){ IN }, LAC_INIT_ZERO, 0, "b"));
    LAC_CHECK_STATUS(lac_param_new(n->frozen, &n->v, LAC_ROLE_LINEAR, 2, (int64_t[]){ OUT, IN }, LAC_INIT_ZERO, 0, "v"));
    LAC_CHECK_STATUS(lac_params_init(n->params, 1));
    LAC_CHECK_STATUS(lac_params_init(n->frozen, 1));
    set(n->w, 1), set(n->b, 2), set(n->v, 3);
    n->w->grad = n->gw, n->b->grad = n->gb;
    for (int i = 0; i < ROWS * IN; i++)
        n->x_data[i] = value(i, 4);
    lac_tensor_shape(&n->x, LAC_F32, 2, (int64_t[]){ ROWS, IN });
    n->x.data = n->x_data;
}

static void close_net(net *n)
{
    lac_tape_free(n->tape);
    lac_params_free(n->params);
    lac_params_free(n->frozen);
}

static lac_tensor *layer(lac_tape *t, void *context, lac_tensor *const *in)
{
    const net *n = *(net *const *)context;
    return lac_activation(t, lac_linear(t, in[0], n->w->value, n->b->value), LAC_ACT_TANH);
}

static lac_tensor *two_layers(lac_tape *t, void *context, lac_tensor *const *in)
{
    lac_tensor *y = lac_recompute(t, layer, context, sizeof(net *), in, 1);
    return layer(t, context, &y);
}

/* loss = sum over rows and outputs of V tanh(W tanh(W x + b) + b), in double. */
static double loss_by_hand(const double *x, const double *w, const double *b, const double *v, int rows)
{
    double sum = 0;
    for (int r = 0; r < rows; r++) {
        double h[2][IN];
        for (int l = 0; l < 2; l++)
            for (int o = 0; o < IN; o++) {
                double a = b[o];
                for (int i = 0; i < IN; i++)
                    a += w[o * IN + i] * (l ? h[0][i] : x[r * IN + i]);
                h[l][o] = tanh(a);
            }
        for (int o = 0; o < OUT; o++)
            for (int i = 0; i < IN; i++)
                sum += v[o * IN + i] * h[1][i];
    }
    return sum;
}

typedef struct numbers { double x[ROWS * IN], w[IN * IN], b[IN], v[OUT * IN]; } numbers;

static numbers numbers_of(const net *n)
{
    numbers a;
    for (int i = 0; i < ROWS * IN; i++) a.x[i] = n->x_data[i];
    for (int i = 0; i < IN * IN; i++) a.w[i] = ((const float *)n->w->value->data)[i];
    for (int i = 0; i < IN; i++) a.b[i] = ((const float *)n->b->value->data)[i];
    for (int i = 0; i < OUT * IN; i++) a.v[i] = ((const float *)n->v->value->data)[i];
    return a;
}

/* Central differences of loss_by_hand in `at`, a part of *a, against g. 1e-5: f32 sums of a dozen terms of size 1. */
static void check_gradient(numbers *a, double *at, int n, const float *g, int rows)
{
    for (int i = 0; i < n; i++) {
        const double was = at[i], step = 1e-5;
        at[i] = was + step;
        const double above = loss_by_hand(a->x, a->w, a->b, a->v, rows);
        at[i] = was - step;
        const double slope = (above - loss_by_hand(a->x, a->w, a->b, a->v, rows)) / (2 * step);
        at[i] = was;
        if (!(fabs(slope - g[i]) < 1e-5))
            fail_msg("gradient %d is %.8g, by differences %.8g", i, g[i], slope);
    }
}

typedef enum { PLAIN, ONE_SEGMENT, NESTED } form;

/* Parameters whose gradient was told to be complete, and what it was then. */
typedef struct done { int n; lac_param *param[4]; float grad[4][IN * IN]; } done;

static lac_status note_done(void *context, lac_param *p)
{
    done *d = context;
    LAC_CHECK(d->n < 4);
    d->param[d->n] = p;
    memcpy(d->grad[d->n++], p->grad, (size_t)lac_numel(p->value) * sizeof(float));
    return LAC_OK;
}

typedef struct job {
    net *n;
    form form;
    int from, rows;
    bool watch, ask;                    /* lac_grad for x, W and the middle, twice, before lac_backward */
    lac_tensor *gx[2], *gw[2], *gm;
    done *done;                         /* of a single run; NULL: nobody asks */
} job;

static lac_tensor *forward(lac_tape *t, const job *j, lac_tensor *x, lac_tensor **middle)
{
    net *n = j->n;
    *middle = NULL;
    lac_tensor *h = j->form == NESTED ? lac_recompute(t, two_layers, &n, sizeof n, &x, 1)
                  : j->form == ONE_SEGMENT ? lac_recompute(t, layer, &n, sizeof n, &x, 1) : layer(t, &n, &x);
    if (j->form != NESTED) {
        *middle = h;
        h = layer(t, &n, &h);
    }
    lac_tensor *y = lac_linear(t, h, n->v->value, NULL);
    return lac_gan_loss(t, y, LAC_LOGIT_PLUS);
}

static lac_status run_job(lac_tape *t, void *context)
{
    job *j = context;
    lac_tensor *middle, *g[3];
    lac_tape_train(t, j->n->params);
    lac_tape_train(t, j->n->frozen);            /* named, and still left alone */
    if (j->done != NULL)
        lac_tape_when_done(t, note_done, j->done);
    lac_tensor *x = lac_rows(t, lac_tape_input(t, &j->n->x, LAC_F32), j->from, j->rows);
    if (j->watch)
        lac_tape_watch(t, x);
    lac_tensor *loss = forward(t, j, x, &middle);
    const lac_root root = { .y = loss, .seed = &j->n->seed };
    lac_tape_read(t, loss, &j->n->loss);
    for (int i = 0; j->ask && i < 2; i++) {
        LAC_TRY(lac_grad(t, &root, 1, (lac_tensor *[]){ x, j->n->w->value, middle ? middle : x }, 3, g));
        LAC_TRY(lac_keep(t, g[0], &j->gx[i]));
        LAC_TRY(lac_keep(t, g[1], &j->gw[i]));
        if (i == 1)
            LAC_TRY(lac_keep(t, g[2], &j->gm));
    }
    return lac_backward(t, &root, 1);
}

static void free_kept(job *j)
{
    for (int i = 0; i < 2; i++) {
        lac_tensor_free(j->gx[i]);
        lac_tensor_free(j->gw[i]);
    }
    lac_tensor_free(j->gm);
}

static void go(job *j, const char *signature) { LAC_CHECK_STATUS(lac_tape_run(j->n->tape, signature, run_job, j)); }

LAC_TEST(gradients_are_slopes)
{
    net n;
    open_net(&n);
    job j = { .n = &n, .rows = ROWS };
    go(&j, "all");
    numbers a = numbers_of(&n);
    LAC_CHECK(fabs(n.loss - loss_by_hand(a.x, a.w, a.b, a.v, ROWS)) < 1e-5);
    check_gradient(&a, a.w, IN * IN, n.gw, ROWS);
    check_gradient(&a, a.b, IN, n.gb, ROWS);
    LAC_CHECK(n.w->has_grad && n.b->has_grad && !n.v->has_grad && n.v->grad == NULL);
    close_net(&n);
}

LAC_TEST(gradients_add_up_until_they_are_cleared)
{
    net n;
    float once[IN * IN];
    open_net(&n);
    job j = { .n = &n, .rows = ROWS };
    go(&j, "all");
    memcpy(once, n.gw, sizeof once);
    lac_params_clear_grad(n.params);
    LAC_CHECK(!n.w->has_grad);
    j.rows = 3;
    go(&j, "three");
    LAC_CHECK(n.w->has_grad);
    j.rows = 1, j.from = 3;
    go(&j, "one");
    LAC_CHECK(lac_gap(n.gw, once, IN * IN) < 1e-6);         /* sums of f32 in another order */
    lac_params_clear_grad(n.params);
    j.rows = ROWS, j.from = 0;
    go(&j, "all");
    LAC_CHECK(memcmp(n.gw, once, sizeof once) == 0);
    close_net(&n);
}

LAC_TEST(planning_marks_no_accumulator)
{
    net n;
    open_net(&n);
    job j = { .n = &n, .rows = ROWS };
    LAC_CHECK_STATUS(lac_tape_begin(n.tape, "plan", true));
    LAC_CHECK_STATUS(run_job(n.tape, &j));
    LAC_CHECK(n.w->has_grad);
    LAC_CHECK_STATUS(lac_tape_end(n.tape));
    LAC_CHECK(!n.w->has_grad && !n.b->has_grad && n.gw[0] == 0);
    close_net(&n);
}

LAC_TEST(grad_leaves_accumulators_and_tape_alone)
{
    net n;
    float plain[IN * IN];
    for (form f = PLAIN; f <= NESTED; f++) {
        open_net(&n);
        job j = { .n = &n, .rows = ROWS, .form = f };
        go(&j, "plain");
        memcpy(plain, n.gw, sizeof plain);
        lac_params_clear_grad(n.params);
        j.watch = j.ask = true;
        go(&j, "asked");
        numbers a = numbers_of(&n);
        LAC_CHECK(memcmp(n.gw, plain, sizeof plain) == 0);
        check_gradient(&a, a.x, ROWS * IN, j.gx[0]->data, ROWS);
        check_gradient(&a, a.w, IN * IN, j.gw[0]->data, ROWS);
        LAC_CHECK(memcmp(j.gx[0]->data, j.gx[1]->data, lac_bytes(j.gx[0])) == 0);
        LAC_CHECK(memcmp(j.gw[0]->data, j.gw[1]->data, lac_bytes(j.gw[0])) == 0);
        LAC_CHECK(j.gm->dim[0] == ROWS && j.gm->dim[1] == IN);
        free_kept(&j);
        close_net(&n);
    }
}

LAC_TEST(recomputed_segments_change_no_bit)
{
    net n[3];
    for (form f = PLAIN; f <= NESTED; f++) {
        open_net(&n[f]);
        job j = { .n = &n[f], .rows = ROWS, .form = f };
        go(&j, "all");
        LAC_CHECK(n[f].loss == n[0].loss);
        LAC_CHECK(lac_gap(n[f].gw, n[0].gw, IN * IN) == 0 && lac_gap(n[f].gb, n[0].gb, IN) == 0);
    }
    for (int i = 0; i < 3; i++)
        close_net(&n[i]);
}

/* Both are read by two layers: only the second contribution is the last, and then nothing is added any more. */
LAC_TEST(a_gradient_is_told_complete_when_it_is)
{
    for (form f = PLAIN; f <= NESTED; f++) {
        net n;
        done d = { 0 };
        open_net(&n);
        job j = { .n = &n, .rows = ROWS, .form = f, .done = &d };
        go(&j, "all");
        LAC_CHECK(d.n == 2 && d.param[0] != d.param[1]);
        for (int i = 0; i < 2; i++)
            LAC_CHECK(memcmp(d.grad[i], d.param[i]->grad, (size_t)lac_numel(d.param[i]->value) * sizeof(float)) == 0);
        close_net(&n);
    }
}

typedef struct small { lac_tensor x; lac_dtype d; int which; const float *seed; lac_tensor *g; float out; } small;

/* Gradients known without a formula: sums of x in several ways. */
static lac_status sums(lac_tape *t, void *context)
{
    small *s = context;
    lac_tensor *x = lac_tape_input(t, &s->x, s->d), *g, *loss = NULL, *y;
    lac_root root[2];
    int n = 1;
    lac_tape_watch(t, x);
    switch (s->which) {
    case 0:         /* the same tensor twice in one op: 2 */
        loss = lac_gan_loss(t, lac_concat(t, (lac_tensor *[]){ x, x }, 2, 0), LAC_LOGIT_PLUS);
        break;
    case 1:         /* the first half of the rows: 1, then 0 */
        loss = lac_gan_loss(t, lac_rows(t, x, 0, x->dim[0] / 2), LAC_LOGIT_PLUS);
        break;
    case 2:         /* both halves, the second with the other sign: 1, then -1 */
        loss = lac_gan_loss(t, lac_rows(t, x, 0, x->dim[0] / 2), LAC_LOGIT_PLUS);
        root[n++] = (lac_root){ .y = lac_gan_loss(t, lac_rows(t, x, x->dim[0] / 2, x->dim[0] / 2), LAC_LOGIT_MINUS), .seed = s->seed };
        break;
    case 3:         /* reshaped, and once more without its history: 1 */
        y = lac_reshape(t, x, 1, (int64_t[]){ lac_numel(x) });
        loss = lac_gan_loss(t, lac_concat(t, (lac_tensor *[]){ y, lac_detach(t, y) }, 2, 0), LAC_LOGIT_PLUS);
        break;
    case 4:         /* a root that is x itself with a gradient of its own beside an op: 1 + x */
        loss = lac_gan_loss(t, x, LAC_LOGIT_PLUS);
        root[n++] = (lac_root){ .y = x, .gy = lac_tape_input(t, &s->x, LAC_F32) };
        break;
    }
    root[0] = (lac_root){ .y = loss, .seed = s->seed };
    lac_tape_read(t, loss, &s->out);
    LAC_TRY(lac_grad(t, root, n, &x, 1, &g));
    if (g->dtype != LAC_F32 && s->which != 1 && s->which != 3)
        return LAC_FAIL(LAC_ERR_DTYPE, "several readers, but the gradient is %s", lac_dtype_name(g->dtype));
    return lac_keep(t, g, &s->g);
}

LAC_TEST(a_tensor_of_several_readers_gets_the_sum)
{
    net n;
    const float seed = 1;
    const float wanted[5][2] = { { 2, 2 }, { 1, 0 }, { 1, -1 }, { 1, 1 }, { 1, 1 } };
    open_net(&n);
    for (lac_dtype d = LAC_F32; d <= LAC_BF16; d++)
        for (int which = 0; which < 5; which++) {
            char signature[16] = { 's', (char)('0' + which), (char)('0' + d), 0 };
            small s = { .x = n.x, .d = d, .which = which, .seed = &seed };
            LAC_CHECK_STATUS(lac_tape_run(n.tape, signature, sums, &s));
            for (int i = 0; i < ROWS * IN; i++)
                LAC_CHECK(((float *)s.g->data)[i] == wanted[which][i >= ROWS * IN / 2] + (which == 4 ? n.x_data[i] : 0));
            lac_tensor_free(s.g);
        }
    close_net(&n);
}

static lac_status wrong_shape(lac_tape *t, void *context)
{
    net *n = context;
    lac_tape_enter(t, "generator");
    lac_tape_enter(t, "conv4");
    lac_linear(t, lac_tape_tensor(t, LAC_F32, 2, (int64_t[]){ 1, IN + 1 }), n->w->value, NULL);
    lac_tape_leave(t);
    lac_tape_leave(t);
    return lac_tape_status(t);
}

static lac_status wrong_rows(lac_tape *t, void *context)
{
    net *n = context;
    lac_tape_enter(t, "judge");
    lac_rows(t, lac_tape_input(t, &n->x, LAC_F32), 2, ROWS);
    lac_tape_leave(t);
    return LAC_OK;
}

static lac_status not_finite(lac_tape *t, void *context)
{
    net *n = context;
    lac_tape_enter(t, "first");
    lac_tensor *x = lac_activation(t, lac_tape_input(t, &n->x, LAC_F32), LAC_ACT_ELU);
    lac_tape_leave(t);
    lac_tape_enter(t, "second");
    lac_linear(t, x, n->w->value, NULL);
    lac_tape_leave(t);
    return LAC_OK;
}

static lac_status unknown_roots(lac_tape *t, void *context)
{
    net *n = context;
    lac_tensor *x = lac_tape_input(t, &n->x, LAC_F32), *g;
    return lac_grad(t, &(lac_root){ .y = x, .gy = x }, 1, &n->v->value, 1, &g);
}

static lac_status two_errors(lac_tape *t, void *context)
{
    wrong_shape(t, context);
    lac_tape_enter(t, "later");
    LAC_CHECK(lac_tape_fail(t, LAC_FAIL(LAC_ERR_ARG, "a second thing")) == NULL);
    lac_tape_leave(t);
    return LAC_OK;
}

LAC_TEST(errors_say_where)
{
    net n;
    open_net(&n);
    LAC_CHECK_FAILS(lac_tape_run(n.tape, "shape", wrong_shape, &n), LAC_ERR_SHAPE, "/generator/conv4: linear");
    LAC_CHECK_FAILS(lac_tape_run(n.tape, "first", two_errors, &n), LAC_ERR_SHAPE, "/generator/conv4: linear");
    LAC_CHECK_FAILS(lac_tape_run(n.tape, "rows", wrong_rows, &n), LAC_ERR_SHAPE, "/judge: rows 2 to 6 of [4,3]");
    LAC_CHECK_FAILS(lac_tape_run(n.tape, "roots", unknown_roots, &n), LAC_ERR_STATE, "neither watched nor in training");
    LAC_CHECK_STATUS(lac_tape_run(n.tape, "finite", not_finite, &n));
    ((float *)n.w->value->data)[2] = INFINITY;
    lac_param_changed(n.w);
    LAC_CHECK_STATUS(lac_tape_run(n.tape, "finite", not_finite, &n));
    lac_tape_check_finite(n.tape, true);
    LAC_CHECK_FAILS(lac_tape_run(n.tape, "finite", not_finite, &n), LAC_ERR_NONFINITE, "/second: linear: output");
    close_net(&n);
}

typedef struct change { lac_param *buffer; float to; } change;

static lac_status commit(lac_tape *t, void *context)
{
    change *c = context;
    lac_tensor x;
    lac_tensor_shape(&x, LAC_F32, 1, (int64_t[]){ 1 });
    x.data = &c->to;
    lac_tape_commit(t, c->buffer, lac_tape_input(t, &x, LAC_F32));
    return LAC_OK;
}

LAC_TEST(buffers_change_when_committed)
{
    net n;
    lac_params *ps;
    change c = { NULL, 5 };
    open_net(&n);
    LAC_CHECK_STATUS(lac_params_new(&ps, "norm", n.params->backend, LAC_F32));
    LAC_CHECK_STATUS(lac_param_new(ps, &c.buffer, LAC_ROLE_BUFFER, 1, (int64_t[]){ 1 }, LAC_INIT_ONE, 0, "mean"));
    LAC_CHECK_STATUS(lac_params_init(ps, 1));
    const float *value = c.buffer->value->data;
    LAC_CHECK_STATUS(lac_tape_run(n.tape, "commit", commit, &c));
    LAC_CHECK(value[0] == 1);
    lac_params_drop(ps);
    LAC_CHECK_STATUS(lac_params_commit(ps, &(uint32_t){ 0 }));
    LAC_CHECK(value[0] == 1);
    LAC_CHECK_STATUS(lac_tape_run(n.tape, "commit", commit, &c));
    const uint64_t version = c.buffer->value->version;
    LAC_CHECK_STATUS(lac_params_commit(ps, &(uint32_t){ 0 }));
    LAC_CHECK(value[0] == 5 && c.buffer->value->version == version + 1);
    c.buffer = n.b;
    LAC_CHECK_FAILS(lac_tape_run(n.tape, "no buffer", commit, &c), LAC_ERR_STATE, "'b' is no buffer");
    lac_params_free(ps);
    close_net(&n);
}

static lac_tensor *sum_in_segment(lac_tape *t, void *context, lac_tensor *const *in)
{
    lac_tape_commit_sum(t, *(lac_param **)context, lac_detach(t, in[0]));
    return lac_reshape(t, in[0], 1, (int64_t[]){ 1 });
}

/* A segment's own call counts once, though backward runs the segment again. */
static lac_status commit_sums(lac_tape *t, void *context)
{
    change *c = context;
    const float seed = 1;
    lac_tensor *x = lac_tape_tensor(t, LAC_F32, 1, (int64_t[]){ 1 }), *gx;
    if (x != NULL && x->data != NULL)
        *(float *)x->data = c->to;
    lac_tape_watch(t, x);
    lac_tape_commit_sum(t, c->buffer, x);
    lac_tensor *y = lac_recompute(t, sum_in_segment, &c->buffer, sizeof c->buffer, &x, 1);
    LAC_TRY(lac_tape_status(t));
    return lac_grad(t, &(lac_root){ .y = y, .seed = &seed }, 1, &x, 1, &gx);
}

LAC_TEST(sums_of_buffers_add_up_until_they_are_committed)
{
    net n;
    lac_params *ps;
    change c = { NULL, 5 };
    open_net(&n);
    LAC_CHECK_STATUS(lac_params_new(&ps, "norm", n.params->backend, LAC_F32));
    LAC_CHECK_STATUS(lac_param_new(ps, &c.buffer, LAC_ROLE_BUFFER, 1, (int64_t[]){ 1 }, LAC_INIT_ONE, 0, "count"));
    LAC_CHECK_STATUS(lac_params_init(ps, 1));
    const float *value = c.buffer->value->data;
    for (int round = 0; round < 2; round++) {
        LAC_CHECK_STATUS(lac_tape_run(n.tape, "sums", commit_sums, &c));
        LAC_CHECK_STATUS(lac_tape_run(n.tape, "sums", commit_sums, &c));
        LAC_CHECK_STATUS(lac_params_commit(ps, &(uint32_t){ 0 }));
        LAC_CHECK(value[0] == 20);
    }
    LAC_CHECK_STATUS(lac_tape_run(n.tape, "sums", commit_sums, &c));
    LAC_CHECK_FAILS(lac_tape_run(n.tape, "commit", commit, &c), LAC_ERR_STATE, "buffer 'count' is given a sum and a value");
    lac_params_drop(ps);
    lac_params_free(ps);
    close_net(&n);
}

LAC_TEST(a_warm_region_asks_for_no_memory)
{
    net n;
    open_net(&n);
    job j = { .n = &n, .rows = ROWS, .form = NESTED };
    go(&j, "all");
    go(&j, "all");
    const uint64_t before = lac_alloc_count();
    for (int i = 0; i < 5; i++)
        go(&j, "all");
    LAC_CHECK(lac_alloc_count() == before);
    close_net(&n);
}
