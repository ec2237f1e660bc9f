/* Inputs from the file, outputs to the file, and the layouts between. */
#include "cli/probe/run.h"

#include "core/memory.h"
#include "models/network_format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static lac_role role_of(lac_layout l) { return l == LAC_LAYOUT_PLAIN ? LAC_ROLE_OTHER : LAC_ROLE_CONV; }

/* A shape as the file has it. */
static const char *border_str(const lac_tensor *x, lac_layout layout)
{
    const lac_shape ours = lac_shape_of(x), border = lac_border_shape(role_of(layout), &ours);
    return lac_dims_str(border.ndim, border.dim);
}

/* Numbers in a port's shape, "[B,3,H,W]", are dims that it must have. */
static lac_status check_dims(const lac_port *port, const lac_shape *shape, const char *name)
{
    const char *at = port->shape;
    for (int i = 0; i < shape->ndim && port->ndim == shape->ndim && *at != '\0'; i++) {
        char *end;
        const long long wanted = strtoll(at + 1, &end, 10);
        if (end > at + 1 && (*end == ',' || *end == ']') && wanted != shape->dim[i])
            return LAC_FAIL(LAC_ERR_SHAPE, "input '%s' has shape %s, expected %s", name, lac_dims_str(shape->ndim, shape->dim), port->shape);
        at += 1 + strcspn(at + 1, ",]");
    }
    return LAC_OK;
}

/* [B, C, H, W] and [B, H, W, C] differ as OIHW and [O, h, w, I] do. */
static lac_status read_f32(const lac_weights *w, int64_t at, lac_layout layout, lac_tensor **x)
{
    const lac_shape border = lac_weights_shape(w, at), ours = lac_inner_shape(role_of(layout), &border);
    float *stored;
    LAC_TRY(lac_tensor_new(x, LAC_F32, ours.ndim, ours.dim));
    LAC_TRY(lac_malloc((void **)&stored, lac_bytes(*x)));
    const lac_status s = lac_weights_read_f32(w, at, stored);
    if (s == LAC_OK)
        lac_from_border((*x)->data, stored, role_of(layout), &ours);
    free(stored);
    return s;
}

/* Exactly, whatever float it is stored as. */
static lac_status read_f64(const lac_weights *w, int64_t at, lac_tensor **x)
{
    const lac_shape shape = lac_weights_shape(w, at);
    LAC_TRY(lac_tensor_new(x, LAC_F64, shape.ndim, shape.dim));
    if (lac_weights_dtype(w, at) == LAC_F64)
        return lac_weights_read(w, at, (*x)->data, lac_bytes(*x));
    const int64_t n = lac_numel(*x);
    float *stored;
    LAC_TRY(lac_malloc((void **)&stored, (size_t)n * sizeof *stored));
    const lac_status s = lac_weights_read_f32(w, at, stored);
    for (int64_t i = 0; s == LAC_OK && i < n; i++)
        ((double *)(*x)->data)[i] = stored[i];
    free(stored);
    return s;
}

static lac_status read_integers(const lac_weights *w, int64_t at, const lac_port *port, lac_tensor **x)
{
    const lac_shape shape = lac_weights_shape(w, at);
    const lac_dtype d = lac_weights_dtype(w, at);
    if (port->flags & LAC_PORT_I64 && d == LAC_I32) {
        LAC_TRY(lac_tensor_new(x, LAC_I64, shape.ndim, shape.dim));
        LAC_TRY(lac_weights_read(w, at, (*x)->data, (size_t)lac_numel(*x) * 4));
        for (int64_t i = lac_numel(*x) - 1; i >= 0; i--)
            ((int64_t *)(*x)->data)[i] = ((int32_t *)(*x)->data)[i];
        return LAC_OK;
    }
    LAC_TRY(lac_tensor_new(x, d, shape.ndim, shape.dim));
    return lac_weights_read(w, at, (*x)->data, lac_bytes(*x));
}

static lac_status check_dtype(const lac_port *port, lac_dtype d, const char *name)
{
    const bool f = d == LAC_F32 || d == LAC_F16 || d == LAC_BF16 || d == LAC_F64;
    const char *wanted = port->flags & LAC_PORT_U8 ? "u8" : port->flags & (LAC_PORT_I64 | LAC_PORT_INTEGER) ? "i64 or i32"
                       : port->flags & LAC_PORT_F32_OR_U8 ? "u8 or f32" : port->flags & LAC_PORT_OR_U8 ? "u8, f32, f16, bf16 or f64"
                       : port->flags & LAC_PORT_NUMBER ? "i64, i32 or a float" : "f32, f16, bf16 or f64";
    const bool good = port->flags & LAC_PORT_U8 ? d == LAC_U8 : port->flags & (LAC_PORT_I64 | LAC_PORT_INTEGER) ? d == LAC_I64 || d == LAC_I32
                    : port->flags & LAC_PORT_F32_OR_U8 ? d == LAC_U8 || d == LAC_F32 : f || (port->flags & LAC_PORT_OR_U8 && d == LAC_U8) ||
                      (port->flags & LAC_PORT_NUMBER && (d == LAC_I64 || d == LAC_I32));
    return good ? LAC_OK : LAC_FAIL(LAC_ERR_DTYPE, "input '%s' is %s, expected %s", name, lac_dtype_name(d), wanted);
}

static lac_status refuse_nan(const lac_probe_value *v)
{
    const float *x = v->host->data;
    for (int64_t i = 0; i < lac_numel(v->host); i++)
        if (isnan(x[i]))
            return LAC_FAIL(LAC_ERR_FORMAT, "input '%s' holds NaN", v->name);
    return LAC_OK;
}

static lac_status read_input(lac_probe *p, const lac_port *port, const char *name, int64_t at)
{
    const lac_shape shape = lac_weights_shape(p->in, at);
    const lac_dtype d = lac_weights_dtype(p->in, at);
    LAC_TRY(check_dtype(port, d, name));
    if (port->ndim >= 0 && shape.ndim != port->ndim)
        return LAC_FAIL(LAC_ERR_SHAPE, "input '%s' has shape %s, expected %d dims: %s", name, lac_dims_str(shape.ndim, shape.dim), port->ndim, port->shape);
    LAC_TRY(check_dims(port, &shape, name));
    LAC_TRY(lac_grow((void **)&p->input, p->n_in, &p->inputs_capacity, sizeof *p->input));
    lac_probe_value *v = &p->input[p->n_in++];
    *v = (lac_probe_value){ .port = port, .layout = port->layout };
    snprintf(v->name, sizeof v->name, "%s", name);
    const bool raw = port->flags & (LAC_PORT_U8 | LAC_PORT_I64) || d == LAC_U8;
    LAC_TRY(raw ? read_integers(p->in, at, port, &v->host) : port->flags & LAC_PORT_F64 ? read_f64(p->in, at, &v->host) : read_f32(p->in, at, port->layout, &v->host));
    return port->flags & LAC_PORT_PARAMETER ? refuse_nan(v) : LAC_OK;
}

const char *lac_probe_join(const lac_port *port) { return port->name[strlen(port->name) - 1] == '.' ? "" : "_"; }

/* NAME_0, NAME_1, ... until one is missing; what lies beyond a gap is then surplus. */
static lac_status read_numbered(lac_probe *p, const lac_port *port)
{
    char name[64];
    for (int k = 0;; k++) {
        snprintf(name, sizeof name, "%s%s%d", port->name, lac_probe_join(port), k);
        const int64_t at = lac_weights_find(p->in, name);
        if (at < 0 && k == 0)
            return LAC_FAIL(LAC_ERR_KEY, "input '%s' is missing", name);
        if (at < 0)
            return LAC_OK;
        LAC_TRY(read_input(p, port, name, at));
    }
}

/* Past a gap: NAME_2 without NAME_1. */
static lac_status refuse_gap(const lac_probe *p, const char *name)
{
    for (const lac_port *port = p->kind->in; port->name != NULL; port++) {
        const size_t n = strlen(port->name);
        int read = 0;
        for (int64_t i = 0; i < p->n_in; i++)
            read += p->input[i].port == port;
        const char *join = lac_probe_join(port);
        if (port->flags & LAC_PORT_NUMBERED && strncmp(name, port->name, n) == 0 && strncmp(name + n, join, strlen(join)) == 0)
            return LAC_FAIL(LAC_ERR_KEY, "input '%s%s%d' is missing, '%s' is there", port->name, join, read, name);
    }
    return LAC_OK;
}

static bool is_input(const lac_probe *p, const char *name)
{
    for (int64_t i = 0; i < p->n_in; i++)
        if (strcmp(p->input[i].name, name) == 0)
            return true;
    return false;
}

lac_status lac_probe_read_inputs(lac_probe *p)
{
    for (const lac_port *port = p->kind->in; port->name != NULL; port++) {
        const int64_t at = lac_weights_find(p->in, port->name);
        if (port->flags & LAC_PORT_NUMBERED)
            LAC_TRY(read_numbered(p, port));
        else if (at >= 0)
            LAC_TRY(read_input(p, port, port->name, at));
        else if (!(port->flags & LAC_PORT_OPTIONAL))
            return LAC_FAIL(LAC_ERR_KEY, "input '%s' is missing", port->name);
    }
    for (int64_t i = 0; i < lac_weights_count(p->in); i++) {
        const char *name = lac_weights_name(p->in, i);
        const bool gradient = p->want_grad && strncmp(name, "grad.", 5) == 0;      /* checked when the outputs are known */
        if (gradient || is_input(p, name))
            continue;
        LAC_TRY(refuse_gap(p, name));
        return LAC_FAIL(LAC_ERR_KEY, "'%s' is not an input of %s%s", name, p->kind->name, strncmp(name, "grad.", 5) ? "" : " without --grad");
    }
    return LAC_OK;
}

static lac_status read_grad(lac_probe *p, int64_t at, const char *name)
{
    for (int i = 0; i < p->n_out; i++) {
        lac_probe_value *v = &p->output[i];
        if (strcmp(v->name, name + 5) != 0)
            continue;
        if (v->on_tape->dtype != LAC_F32 && v->on_tape->dtype != LAC_BF16)
            return LAC_FAIL(LAC_ERR_KEY, "'%s' is given, but '%s' is of integers and has no gradient", name, v->name);
        if (v->grad == NULL)
            LAC_TRY(read_f32(p->in, at, v->layout, &v->grad));
        return lac_same_shape(v->grad, v->on_tape) ? LAC_OK
             : LAC_FAIL(LAC_ERR_SHAPE, "'%s' has shape %s, the output has %s", name, border_str(v->grad, v->layout), border_str(v->on_tape, v->layout));
    }
    return LAC_FAIL(LAC_ERR_KEY, "'%s' is the gradient of no output of %s", name, p->kind->name);
}

lac_status lac_probe_read_grads(lac_probe *p)
{
    int n = 0;
    for (int64_t i = 0; i < lac_weights_count(p->in); i++) {
        const char *name = lac_weights_name(p->in, i);
        const lac_dtype d = lac_weights_dtype(p->in, i);
        if (strncmp(name, "grad.", 5) != 0)
            continue;
        n++;
        if (d == LAC_U8 || d == LAC_I32 || d == LAC_I64)
            return LAC_FAIL(LAC_ERR_DTYPE, "'%s' is %s, expected f32, f16, bf16 or f64", name, lac_dtype_name(d));
        LAC_TRY(read_grad(p, i, name));
    }
    return n > 0 ? LAC_OK : LAC_FAIL(LAC_ERR_KEY, "--grad wants 'grad.NAME' for an output among the inputs, found none");
}

static lac_probe_value *find(const lac_probe *p, const char *name)
{
    for (int64_t i = 0; i < p->n_in; i++)
        if (strcmp(p->input[i].name, name) == 0)
            return (lac_probe_value *)&p->input[i];
    return NULL;
}

lac_status lac_probe_same_shape(const lac_probe *p, const char *name, const char *as)
{
    const lac_tensor *x = lac_probe_host(p, name), *y = lac_probe_host(p, as);
    return lac_same_shape(x, y) ? LAC_OK : LAC_FAIL(LAC_ERR_SHAPE, "input '%s' has another shape than '%s'", name, as);
}

lac_tensor *lac_probe_tensor(const lac_probe *p, const char *name) { return find(p, name) ? find(p, name)->on_tape : NULL; }
const lac_tensor *lac_probe_host(const lac_probe *p, const char *name) { return find(p, name) ? find(p, name)->host : NULL; }

lac_status lac_probe_out_into(lac_probe *p, lac_tape *t, const char *name, lac_layout layout, lac_tensor *y, const lac_params *into, bool no_flow)
{
    if (y == NULL)
        return lac_tape_status(t);
    lac_probe_value *v = &p->output[p->n_out++];
    snprintf(v->name, sizeof v->name, "%s", name);
    v->layout = layout;
    v->on_tape = y;
    v->into = into;
    v->no_flow = no_flow;
    lac_tensor_free(v->host);
    return lac_keep(t, y, &v->host);
}

lac_status lac_probe_out(lac_probe *p, lac_tape *t, const char *name, lac_layout layout, lac_tensor *y)
{
    return lac_probe_out_into(p, t, name, layout, y, NULL, false);
}

lac_status lac_probe_result(lac_probe *p, const char *name, lac_dtype d, int ndim, const int64_t *dim, lac_tensor **x)
{
    lac_probe_value *v = &p->output[p->n_out++];
    snprintf(v->name, sizeof v->name, "%s", name);
    LAC_TRY(lac_tensor_new(&v->host, d, ndim, dim));
    *x = v->host;
    return LAC_OK;
}

lac_status lac_probe_numbers(lac_probe *p, int64_t n, float **x)
{
    LAC_TRY(lac_grow((void **)&p->borders, p->n_borders, &p->borders_capacity, sizeof *p->borders));
    LAC_TRY(lac_malloc((void **)x, (size_t)n * sizeof **x));
    p->borders[p->n_borders++] = *x;
    return LAC_OK;
}

static lac_status write_one(lac_probe *p, lac_weights_writer *w, const char *prefix, const char *name, lac_role role, const lac_tensor *x)
{
    char key[320];
    snprintf(key, sizeof key, "%s%s", prefix, name);
    if (role != LAC_ROLE_CONV || x->dtype != LAC_F32)
        return lac_weights_writer_add(w, key, x->dtype, x->ndim, x->dim, x->data);
    const lac_shape ours = lac_shape_of(x), border = lac_border_shape(role, &ours);
    float *swapped;
    LAC_TRY(lac_probe_numbers(p, lac_numel(x), &swapped));
    lac_to_border(swapped, x->data, role, &ours);
    return lac_weights_writer_add(w, key, LAC_F32, border.ndim, border.dim, swapped);
}

/* Of all parameters that lie in one tensor of the file, written where the first of them is. */
static lac_status write_foreign_grad(lac_probe *p, lac_weights_writer *w, int net, const lac_param *first)
{
    const lac_params *ps = p->net[net].params;
    lac_foreign there = { 0 };
    char key[LAC_FOREIGN_KEY + 8];
    float *whole;
    p->format->place(first, p->prefix[net], &there);
    if (there.from > 0)
        return LAC_OK;
    const lac_shape shape = lac_foreign_whole(&there);
    LAC_TRY(lac_probe_numbers(p, lac_shape_numel(&shape), &whole));
    memset(whole, 0, (size_t)lac_shape_numel(&shape) * sizeof *whole);
    for (int64_t i = 0; i < ps->n; i++) {
        lac_foreign other = { 0 };
        if (p->net_grad[net][i] != NULL && p->format->place(ps->param[i], p->prefix[net], &other) && strcmp(other.key, there.key) == 0)
            lac_foreign_put(whole, p->net_grad[net][i]->data, ps->param[i], &other);
    }
    snprintf(key, sizeof key, "grad.%s", there.key);
    return lac_weights_writer_add(w, key, LAC_F32, shape.ndim, shape.dim, whole);
}

/* Under the name and in the shape that the parameter has in the weights. */
static lac_status write_net_grad(lac_probe *p, lac_weights_writer *w, int net, int64_t i)
{
    const lac_param *of = p->net[net].params->param[i];
    char prefix[80];
    snprintf(prefix, sizeof prefix, "grad.%s", p->prefix[net]);
    return p->format == NULL ? write_one(p, w, prefix, of->name, of->role, p->net_grad[net][i]) : write_foreign_grad(p, w, net, of);
}

static lac_status write_net_grads(lac_probe *p, lac_weights_writer *w, int net)
{
    for (int64_t i = 0; i < p->net[net].params->n; i++)
        if (p->net_grad[net][i] != NULL)
            LAC_TRY(write_net_grad(p, w, net, i));
    return LAC_OK;
}

static lac_status collect(lac_probe *p, lac_weights_writer *w)
{
    for (int i = 0; i < p->n_out; i++)
        LAC_TRY(write_one(p, w, "", p->output[i].name, role_of(p->output[i].layout), p->output[i].host));
    for (int64_t i = 0; p->want_grad && i < p->n_in; i++)
        if (p->input[i].grad != NULL)
            LAC_TRY(write_one(p, w, "grad.", p->input[i].name, role_of(p->input[i].layout), p->input[i].grad));
    for (int i = 0; p->want_grad && i < p->n_nets; i++)
        LAC_TRY(write_net_grads(p, w, i));
    return LAC_OK;
}

lac_status lac_probe_write(lac_probe *p, const char *path)
{
    lac_weights_writer *w;
    LAC_TRY(lac_weights_writer_new(&w));
    lac_status s = collect(p, w);
    if (s == LAC_OK)
        s = lac_weights_writer_finish(w, path);
    lac_weights_writer_free(w);
    return s;
}
