/* Running a kind on the tape, and the gradients of its outputs. */
#include "cli/probe/run.h"

#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TARGETS = 4096 };

static bool has_gradient(const lac_probe_value *v)
{
    return !(v->port->flags & (LAC_PORT_NO_GRAD | LAC_PORT_U8 | LAC_PORT_I64)) && v->host->dtype != LAC_U8;
}

static lac_status put_on_tape(lac_probe *p, lac_tape *t)
{
    for (int64_t i = 0; i < p->n_in; i++) {
        lac_probe_value *v = &p->input[i];
        const bool f32 = (v->port->flags & (LAC_PORT_NO_GRAD | LAC_PORT_F32)) != 0;
        v->on_tape = lac_tape_input(t, v->host, f32 ? LAC_F32 : p->dtype);
        if (p->want_grad && has_gradient(v))
            lac_tape_watch(t, v->on_tape);
    }
    for (int i = 0; p->want_grad && i < p->n_nets; i++)
        lac_tape_train(t, p->net[i].params);
    lac_tape_deterministic(t, p->deterministic);
    return lac_tape_status(t);
}

/* The roots that reach `into`'s parameters (NULL: inputs). */
static lac_status collect_roots(lac_probe *p, lac_tape *t, const lac_params *into, lac_root *roots, int *n)
{
    *n = 0;
    for (int i = 0; i < p->n_out; i++) {
        const lac_probe_value *v = &p->output[i];
        if (v->grad == NULL || v->no_flow || (v->into != NULL && v->into != into))
            continue;
        roots[(*n)++] = (lac_root){ .y = v->on_tape, .gy = lac_tape_input(t, v->grad, LAC_F32) };
    }
    return lac_tape_status(t);
}

static lac_status keep_gradients(lac_probe *p, lac_tape *t, lac_tensor *const *x, lac_tensor **gx, int n, lac_tensor ***to)
{
    for (int i = 0; i < n; i++) {
        if (gx[i] != NULL)
            LAC_TRY(lac_keep(t, gx[i], to[i]));
        else if (!lac_tape_planning(t))
            LAC_TRY(lac_tensor_new(to[i], LAC_F32, x[i]->ndim, x[i]->dim));
    }
    return (void)p, LAC_OK;
}

static lac_status gradients_of(lac_probe *p, lac_tape *t, const lac_params *into, lac_tensor **x, lac_tensor ***to, int n)
{
    lac_root roots[LAC_PROBE_MAX_OUT];
    lac_tensor *gx[LAC_PROBE_MAX_PORTS + MAX_TARGETS] = { NULL };
    int n_roots;
    LAC_TRY(collect_roots(p, t, into, roots, &n_roots));
    if (n_roots > 0 && n > 0)
        LAC_TRY(lac_grad(t, roots, n_roots, x, n, gx));
    return keep_gradients(p, t, x, gx, n, to);
}

static lac_status input_gradients(lac_probe *p, lac_tape *t)
{
    lac_tensor *x[LAC_PROBE_MAX_PORTS], **to[LAC_PROBE_MAX_PORTS];
    int n = 0;
    for (int64_t i = 0; i < p->n_in && n < LAC_PROBE_MAX_PORTS; i++) {
        if (!has_gradient(&p->input[i]))
            continue;
        x[n] = p->input[i].on_tape;
        to[n++] = &p->input[i].grad;
    }
    return gradients_of(p, t, NULL, x, to, n);
}

static lac_status net_gradients(lac_probe *p, lac_tape *t, int net)
{
    lac_params *ps = p->net[net].params;
    lac_tensor *x[MAX_TARGETS], **to[MAX_TARGETS];
    int n = 0;
    for (int64_t i = 0; i < ps->n && n < MAX_TARGETS; i++) {
        if (!lac_param_trained(ps->param[i]))
            continue;
        x[n] = ps->param[i]->value;
        to[n++] = &p->net_grad[net][i];
    }
    return gradients_of(p, t, ps, x, to, n);
}

static lac_status region(lac_tape *t, void *context)
{
    lac_probe *p = context;
    p->n_out = 0;
    LAC_TRY(put_on_tape(p, t));
    LAC_TRY(p->kind->forward(p, t));
    LAC_TRY(lac_tape_status(t));
    if (!p->want_grad)
        return LAC_OK;
    LAC_TRY(lac_probe_read_grads(p));
    LAC_TRY(input_gradients(p, t));
    for (int i = 0; i < p->n_nets; i++)
        LAC_TRY(net_gradients(p, t, i));
    return LAC_OK;
}

static bool has_images(const lac_probe *p)
{
    for (int64_t i = 0; i < p->n_in; i++)
        if (p->input[i].layout == LAC_LAYOUT_IMAGE)
            return true;
    return false;
}

lac_status lac_probe_run_tape(lac_probe *p)
{
    lac_tape *t;
    LAC_TRY(lac_tape_new(&t, p->backend));
    lac_status s = lac_tape_run(t, "probe", region, p);
    lac_tape_free(t);
    if (s == LAC_ERR_SHAPE && has_images(p))
        s = lac_context(s, "inside, where images are [N,H,W,C]");
    return s;
}
