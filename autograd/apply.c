/* Calling ops, and tensors that no op makes. */
#include "autograd/tape_internal.h"

#include "core/clock.h"
#include "core/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void report(lac_tape *t, const lac_op_ctx *c, double start)
{
    char path[512];
    int64_t bytes, flops;
    tape_where(t->where, path, sizeof path);
    lac_op_cost(c, &bytes, &flops);
    t->profile(t->profile_context, path, lac_op_name(c->op), c->backward, start - t->profile_start, lac_seconds() - start, bytes, flops);
}

static lac_status check_outputs(const lac_op_ctx *c)
{
    for (int i = 0; i < LAC_MAX_IN + LAC_MAX_OUT; i++) {
        const lac_tensor *x = i < LAC_MAX_IN ? c->gin[i] : c->backward ? NULL : c->out[i - LAC_MAX_IN];
        bool finite = true;
        if (x != NULL && (x->dtype == LAC_F32 || x->dtype == LAC_BF16))
            LAC_TRY(c->backend->all_finite(x->data, x->dtype, lac_numel(x), &finite));
        if (!finite)
            return LAC_FAIL(LAC_ERR_NONFINITE, "%s %s %s has a value that is not finite", c->backward ? "gradient of" : "output",
                            i < LAC_MAX_IN ? c->def->in[i].name : c->def->out[i - LAC_MAX_IN].name, lac_shape_str(x));
    }
    return LAC_OK;
}

typedef lac_status kernel_call(const lac_op_ctx *c);

static lac_status call_kernel(lac_tape *t, const lac_op_ctx *c, kernel_call *run)
{
    const lac_queue *q = t->backend->queue;
    const bool named = t->ranges && q != NULL;
    const double start = t->profile ? lac_seconds() : 0;
    if (named) {
        tape_range(t, t->where);
        q->open_range(lac_op_name(c->op));
    }
    lac_status s = run(c);
    if (named)
        q->close_range();
    if (s == LAC_OK && t->profile != NULL && q != NULL)
        s = q->finish();
    if (s == LAC_OK && t->profile != NULL)
        report(t, c, start);
    return s;
}

lac_status tape_launch(lac_tape *t, lac_op_ctx *c)
{
    const lac_kernel *k = c->op < (unsigned)t->backend->n_kernels ? &t->backend->kernels[c->op] : NULL;
    kernel_call *run = k == NULL ? NULL : c->backward ? k->backward : k->forward;
    if (run == NULL || (c->def->workspace && k->workspace == NULL))
        return LAC_FAIL(LAC_ERR_NO_KERNEL, "no %s kernel on device %s", run ? "workspace" : c->backward ? "backward" : "forward", t->backend->name);
    size_t size = 0;
    if (c->def->workspace)
        LAC_TRY(k->workspace(c, &size));
    int32_t slot;
    if (size > 0)
        c->workspace = tape_alloc(t, size, lac_op_name(c->op), &slot);
    if (!tape_ok(t))
        return t->status;
    const int64_t flops = t->planning && c->def->flops ? c->def->flops(c) : 0;
    t->plan->flops += t->planning ? flops * (c->backward ? (c->gin[0] != NULL) + (c->gin[1] != NULL) : 1) : 0;
    t->plan->launches += t->planning;
    t->clock++;
    if (t->planning)
        return LAC_OK;
    LAC_TRY(call_kernel(t, c, run));
    if (t->guarded)
        LAC_TRY(tape_check_guards(t));
    return t->check_finite ? check_outputs(c) : LAC_OK;
}

static lac_status check_input(const lac_op_port *port, const lac_tensor *x)
{
    if (x == NULL)
        return port->flags & LAC_OPTIONAL ? LAC_OK : LAC_FAIL(LAC_ERR_ARG, "input %s is missing", port->name);
    if (!(port->flags & 1u << x->dtype))
        return LAC_FAIL(LAC_ERR_DTYPE, "input %s has dtype %s", port->name, lac_dtype_name(x->dtype));
    return LAC_OK;
}

/* Saved ones only where backward may follow. */
static lac_status make_outputs(lac_tape *t, lac_op_ctx *c, int n_out, bool recording)
{
    for (int i = 0; i < n_out; i++)
        if ((c->out[i] = tape_struct(t, LAC_F32, 0, NULL)) == NULL)
            return t->status;
    LAC_TRY(c->def->infer(c));
    for (int i = 0; i < n_out; i++) {
        if (!recording && c->def->out[i].flags & LAC_SAVED)
            c->out[i] = NULL;
        else if (c->out[i] != NULL && !tape_place(t, c->out[i], lac_op_name(c->op)))
            return t->status;
    }
    return LAC_OK;
}

/* Which inputs' gradients will be asked for; true if any. */
static bool find_wants(lac_tape *t, lac_op_ctx *c, int n_in)
{
    bool any = false;
    for (int i = 0; i < n_in; i++)
        any |= c->wants[i] = c->in[i] != NULL && !c->def->no_gradient && t->known[c->in[i]->tape_id].needs;
    return any;
}

static void record(lac_tape *t, const lac_op_ctx *c, int n_in, int n_out)
{
    node *n = tape_node(t);
    if (n == NULL)
        return;
    n->kind = NODE_OP;
    n->op = c->op;
    n->attr = c->attr;
    for (int i = 0; i < n_in; i++)
        n->in[i] = c->in[i] ? c->in[i]->tape_id : -1;
    for (int i = 0; i < n_out; i++) {
        n->out[i] = c->out[i] ? c->out[i]->tape_id : -1;
        if (c->out[i] != NULL)
            t->known[n->out[i]].needs = !(c->def->out[i].flags & LAC_SAVED);
    }
}

static lac_status call(lac_tape *t, lac_op_ctx *c, const void *attr)
{
    const int n_in = lac_op_n_in(c->def), n_out = lac_op_n_out(c->def);
    for (int i = 0; i < n_in; i++) {
        LAC_TRY(check_input(&c->def->in[i], c->in[i]));
        if (c->in[i] != NULL && tape_id(t, c->in[i]) < 0)
            return t->status;
    }
    if (c->def->attr_size > 0) {
        void *copy = tape_host(t, c->def->attr_size);
        if (copy == NULL)
            return t->status;
        c->attr = memcpy(copy, attr, c->def->attr_size);
    }
    const bool any = find_wants(t, c, n_in), recording = any && t->unrecorded == 0;
    LAC_TRY(make_outputs(t, c, n_out, recording));
    for (int i = 0; i < n_in; i++)
        tape_touch(t, c->in[i] ? c->in[i]->tape_id : -1);
    LAC_TRY(tape_launch(t, c));
    if (recording)
        record(t, c, n_in, n_out);
    t->segment_needs |= any;
    return t->status;
}

void lac_apply_n(lac_tape *t, lac_op op, const void *attr, lac_tensor *const *in, lac_tensor **out)
{
    lac_op_ctx c = { .def = lac_op_find(op), .op = op, .backend = t->backend, .deterministic = t->deterministic, .lane = t->lane };
    const int n_in = lac_op_n_in(c.def), n_out = lac_op_n_out(c.def);
    if (tape_ok(t) && !t->open)
        lac_tape_fail(t, LAC_FAIL(LAC_ERR_STATE, "%s is called outside a region", lac_op_name(op)));
    if (tape_ok(t)) {
        memcpy(c.in, in, (size_t)n_in * sizeof *in);
        tape_blame(t, call(t, &c, attr), lac_op_name(op));
    }
    for (int i = 0; i < n_out; i++)
        out[i] = tape_ok(t) ? c.out[i] : NULL;
}

lac_tensor *lac_apply(lac_tape *t, lac_op op, const void *attr, ...)
{
    lac_tensor *in[LAC_MAX_IN] = { NULL }, *out[LAC_MAX_OUT];
    va_list args;
    va_start(args, attr);
    for (int i = 0; i < lac_op_n_in(lac_op_find(op)); i++)
        in[i] = va_arg(args, lac_tensor *);
    va_end(args);
    lac_apply_n(t, op, attr, in, out);
    return out[0];
}

lac_tensor *lac_tape_tensor(lac_tape *t, lac_dtype d, int ndim, const int64_t *dim)
{
    lac_tensor *x = tape_ok(t) ? tape_struct(t, d, ndim, dim) : NULL;
    return x != NULL && tape_place(t, x, "tensor") ? x : NULL;
}

static lac_status convert_on_host(const lac_backend *b, lac_tensor *y, const lac_tensor *x)
{
    float *own;
    LAC_TRY(lac_malloc((void **)&own, (size_t)lac_numel(x) * sizeof *own));
    lac_to_f32(own, x->data, x->dtype, lac_numel(x));
    const lac_status s = lac_backend_write(b, y, own);
    free(own);
    return s;
}

lac_tensor *lac_tape_input(lac_tape *t, const lac_tensor *x, lac_dtype d)
{
    const bool integer = (LAC_INTEGERS & 1 << x->dtype) != 0;
    lac_tensor *y = lac_tape_tensor(t, integer ? x->dtype : d, x->ndim, x->dim);
    if (y == NULL || t->planning)
        return y;
    lac_status s;
    if (integer || x->dtype == d)
        s = t->backend->copy(y->data, x->data, lac_bytes(x));
    else
        s = t->backend->host ? t->backend->convert(y, x) : convert_on_host(t->backend, y, x);
    return s == LAC_OK ? y : lac_tape_fail(t, s);
}

static lac_tensor *alias(lac_tape *t, lac_tensor *x, node_kind kind, int ndim, const int64_t *dim, int64_t first_row, int64_t offset)
{
    if (!tape_ok(t) || tape_id(t, x) < 0)
        return NULL;
    lac_tensor *y = tape_struct(t, x->dtype, ndim, dim);
    const info of = t->known[x->tape_id];
    if (y == NULL || tape_know(t, y, of.slot, of.needs) < 0)
        return NULL;
    y->data = x->data != NULL ? (uint8_t *)x->data + offset : NULL;
    node *n = of.needs && t->unrecorded == 0 ? tape_node(t) : NULL;
    if (n != NULL) {
        n->kind = kind;
        n->in[0] = x->tape_id;
        n->out[0] = y->tape_id;
        n->first_row = first_row;
    }
    return tape_ok(t) ? y : NULL;
}

lac_tensor *lac_reshape(lac_tape *t, lac_tensor *x, int ndim, const int64_t *dim)
{
    int64_t n;
    if (x == NULL || !tape_ok(t))
        return NULL;
    const lac_status s = lac_numel_checked(ndim, dim, &n);
    if (s != LAC_OK || n != lac_numel(x))
        return lac_tape_fail(t, s ? s : LAC_FAIL(LAC_ERR_SHAPE, "%s seen as %s", lac_shape_str(x), lac_dims_str(ndim, dim)));
    return alias(t, x, NODE_VIEW, ndim, dim, 0, 0);
}

lac_tensor *lac_rows(lac_tape *t, lac_tensor *x, int64_t from, int64_t n)
{
    if (x == NULL || !tape_ok(t))
        return NULL;
    if (x->ndim < 1 || from < 0 || n < 0 || from > x->dim[0] - n)
        return lac_tape_fail(t, LAC_FAIL(LAC_ERR_SHAPE, "rows %lld to %lld of %s", (long long)from, (long long)(from + n), lac_shape_str(x)));
    lac_shape s = lac_shape_of(x);
    const int64_t row = s.dim[0] ? (int64_t)lac_bytes(x) / s.dim[0] : 0;
    s.dim[0] = n;
    return alias(t, x, NODE_ROWS, s.ndim, s.dim, from, from * row);
}

lac_tensor *lac_detach(lac_tape *t, lac_tensor *x)
{
    if (x == NULL || !tape_ok(t) || tape_id(t, x) < 0)
        return NULL;
    lac_tensor *y = tape_struct(t, x->dtype, x->ndim, x->dim);
    if (y == NULL || tape_know(t, y, t->known[x->tape_id].slot, false) < 0)
        return NULL;
    y->data = x->data;
    return y;
}

void lac_tape_watch(lac_tape *t, lac_tensor *x)
{
    if (x != NULL && tape_ok(t) && tape_id(t, x) >= 0)
        t->known[x->tape_id].needs = true;
}

lac_status lac_keep(lac_tape *t, const lac_tensor *x, lac_tensor **copy)
{
    *copy = NULL;
    if (!tape_ok(t) || x == NULL)
        return t->status;
    if (x->tape_mark == t->mark)
        tape_touch(t, x->tape_id);
    if (t->planning)
        return LAC_OK;
    const bool integer = (LAC_INTEGERS & 1 << x->dtype) != 0;
    LAC_TRY(lac_tensor_new(copy, integer ? x->dtype : LAC_F32, x->ndim, x->dim));
    const lac_status s = integer ? t->backend->copy((*copy)->data, x->data, lac_bytes(x)) : lac_backend_read(t->backend, x, (*copy)->data);
    if (s != LAC_OK) {
        lac_tensor_free(*copy);
        *copy = NULL;
    }
    return s;
}

void lac_tape_store(lac_tape *t, const lac_tensor *x, lac_tensor *to)
{
    if (!tape_ok(t) || x == NULL)
        return;
    tape_touch(t, x->tape_mark == t->mark ? x->tape_id : -1);
    if (!lac_same_shape(x, to) || to->backend != t->backend)
        lac_tape_fail(t, LAC_FAIL(LAC_ERR_SHAPE, "%s on %s is to be stored as %s on %s", lac_shape_str(x), t->backend->name, lac_shape_str(to), to->backend->name));
    else if (!t->planning && lac_numel(x) > 0)
        lac_tape_fail(t, t->backend->convert(to, x));
}

void lac_tape_read(lac_tape *t, const lac_tensor *x, float *to)
{
    if (!tape_ok(t) || x == NULL)
        return;
    tape_touch(t, x->tape_mark == t->mark ? x->tape_id : -1);
    if (x->dtype != LAC_F32 || lac_numel(x) != 1)
        lac_tape_fail(t, LAC_FAIL(LAC_ERR_SHAPE, "a number to read must be one f32, got %s of %s", lac_shape_str(x), lac_dtype_name(x->dtype)));
    else if (!t->planning)
        lac_tape_fail(t, t->backend->copy(to, x->data, sizeof *to));
}

static void commit(lac_tape *t, lac_param *buffer, lac_tensor *value, bool sum)
{
    if (!tape_ok(t) || value == NULL || (sum && t->depth > 0))
        return;
    const bool more = sum && buffer->pending_set;
    tape_touch(t, value->tape_mark == t->mark ? value->tape_id : -1);
    if (buffer->pending == NULL)
        lac_tape_fail(t, LAC_FAIL(LAC_ERR_STATE, "'%s' is no buffer: it takes no new value", buffer->name));
    else if (!lac_same_shape(buffer->pending, value))
        lac_tape_fail(t, LAC_FAIL(LAC_ERR_SHAPE, "new value %s for buffer '%s' %s", lac_shape_str(value), buffer->name, lac_shape_str(buffer->pending)));
    else if (buffer->pending_set && buffer->pending_sum != sum)
        lac_tape_fail(t, LAC_FAIL(LAC_ERR_STATE, "buffer '%s' is given a sum and a value", buffer->name));
    else if (!t->planning)
        lac_tape_fail(t, more ? t->backend->add(buffer->pending, value) : t->backend->convert(buffer->pending, value));
    buffer->pending_set |= tape_ok(t) && !t->planning;
    buffer->pending_sum = sum;
}

void lac_tape_commit(lac_tape *t, lac_param *buffer, lac_tensor *value) { commit(t, buffer, value, false); }
void lac_tape_commit_sum(lac_tape *t, lac_param *buffer, lac_tensor *value) { commit(t, buffer, value, true); }

void lac_tape_profile(lac_tape *t, lac_profile_sink *sink, void *context)
{
    t->profile = sink;
    t->profile_context = context;
    t->profile_start = lac_seconds();
}

bool lac_tape_profiled(const lac_tape *t) { return t->profile != NULL || t->ranges; }
