/* The walk from roots back to what was asked for. */
#include "autograd/tape_internal.h"

#include <stdlib.h>
#include <string.h>

bool tape_walk_grow(lac_tape *t, walk *w)
{
    if (t->known_capacity <= w->capacity)
        return true;
    const size_t n = (size_t)t->known_capacity;
    lac_status s = lac_realloc((void **)&w->grad, n * sizeof *w->grad);
    if (s == LAC_OK)
        s = lac_realloc((void **)&w->contributions, n * sizeof *w->contributions);
    if (s == LAC_OK)
        s = lac_realloc((void **)&w->need, n * sizeof *w->need);
    if (s != LAC_OK)
        return lac_tape_fail(t, s), false;
    const size_t fresh = n - (size_t)w->capacity;
    memset(w->grad + w->capacity, 0, fresh * sizeof *w->grad);
    memset(w->contributions + w->capacity, 0, fresh * sizeof *w->contributions);
    memset(w->need + w->capacity, 0, fresh * sizeof *w->need);
    w->capacity = (int64_t)n;
    return true;
}

/* Needs flow from the leaves that were marked in w->need to outputs; contributions are counted on the way. */
static void spread_needs(lac_tape *t, walk *w, int64_t from, int64_t to)
{
    for (int64_t k = from; k < to; k++) {
        const node *n = &t->nodes[k];
        bool any = false;
        for (int i = 0; i < LAC_MAX_IN && !any; i++)
            any = n->in[i] >= 0 && w->need[n->in[i]];
        if (!any && n->kind == NODE_RECOMPUTE)
            any = t->known[n->out[0]].needs && (w->into_params || w->params_asked);
        for (int i = 0; i < LAC_MAX_OUT; i++)
            if (n->out[i] >= 0 && t->known[n->out[i]].needs)
                w->need[n->out[i]] |= any;
        for (int i = 0; i < LAC_MAX_IN; i++)
            w->contributions[n->in[i] >= 0 ? n->in[i] : 0] += n->in[i] >= 0 && w->need[n->in[i]];
        for (int64_t i = 0; n->kind == NODE_RECOMPUTE && w->params_asked && i < t->n_known; i++)
            w->contributions[i] += w->need[i] && t->known[i].x->param != NULL;     /* what a segment reads is not written down */
    }
}

static bool check_root(lac_tape *t, const lac_root *r)
{
    if (r->y == NULL || r->y->tape_mark != t->mark)
        return lac_tape_fail(t, LAC_FAIL(LAC_ERR_STATE, "a root that this region does not know")), false;
    if (r->gy == NULL && (r->seed == NULL || lac_numel(r->y) != 1))
        return lac_tape_fail(t, LAC_FAIL(LAC_ERR_SHAPE, "a root without its gradient must be a scalar with a seed, got %s", lac_shape_str(r->y))), false;
    if (r->gy != NULL && !lac_same_shape(r->y, r->gy))
        return lac_tape_fail(t, LAC_FAIL(LAC_ERR_SHAPE, "gradient %s for a root %s", lac_shape_str(r->gy), lac_shape_str(r->y))), false;
    return true;
}

static lac_tensor *seed_tensor(lac_tape *t, const lac_root *r)
{
    lac_tensor *g = tape_struct(t, LAC_F32, r->y->ndim, r->y->dim);
    if (g == NULL || !tape_place(t, g, "seed"))
        return NULL;
    if (!t->planning)
        lac_tape_fail(t, t->backend->copy(g->data, r->seed, sizeof(float)));
    return g;
}

bool tape_walk_begin(lac_tape *t, walk *w, int64_t from, int64_t to, const lac_root *roots, int n)
{
    spread_needs(t, w, from, to);
    for (int i = 0; i < n && tape_ok(t); i++)
        if (check_root(t, &roots[i]))
            w->contributions[roots[i].y->tape_id]++;
    for (int i = 0; i < n && tape_ok(t); i++) {
        lac_tensor *g = roots[i].gy ? roots[i].gy : seed_tensor(t, &roots[i]);
        if (g != NULL && tape_id(t, g) >= 0 && tape_walk_grow(t, w) && w->need[roots[i].y->tape_id])
            tape_contribute(t, w, roots[i].y->tape_id, g);
    }
    return tape_ok(t);
}

/* A gradient's memory: f32 for parameters and where several ops add to it, else the tensor's dtype. */
static lac_tensor *new_gradient(lac_tape *t, walk *w, int32_t id, const char *op)
{
    const lac_tensor *x = t->known[id].x;
    lac_tensor *g = tape_struct(t, w->contributions[id] > 1 || x->param ? LAC_F32 : x->dtype, x->ndim, x->dim);
    return g != NULL && tape_place(t, g, op) && tape_walk_grow(t, w) ? g : NULL;
}

/* The same as the walk's gradient of id. In two steps: making it may move w->grad. */
static lac_tensor *set_gradient(lac_tape *t, walk *w, int32_t id, const char *op)
{
    lac_tensor *g = new_gradient(t, w, id, op);
    return w->grad[id] = g;
}

/* The accumulator of a parameter in training, as a tensor; NULL for any other tensor. */
static lac_tensor *accumulator(lac_tape *t, const walk *w, int32_t id)
{
    lac_param *p = t->known[id].x->param;
    if (!w->into_params || !t->known[id].needs || !tape_in_training(t, p))
        return NULL;
    if (p->grad == NULL) {
        lac_tape_fail(t, LAC_FAIL(LAC_ERR_STATE, "parameter '%s' is trained but no optimizer holds its gradient", p->name));
        return NULL;
    }
    lac_tensor *g = tape_struct(t, LAC_F32, p->value->ndim, p->value->dim);
    if (g != NULL)
        g->data = p->grad;
    return g;
}

/* The accumulator holds something from now on; while planning only until the region ends. */
static void mark_accumulated(lac_tape *t, lac_param *p)
{
    if (p->has_grad)
        return;
    p->has_grad = true;
    const lac_status s = t->planning ? lac_grow((void **)&t->touched, t->n_touched, &t->touched_capacity, sizeof *t->touched) : LAC_OK;
    if (s != LAC_OK)
        lac_tape_fail(t, s);
    else if (t->planning)
        t->touched[t->n_touched++] = p;
}

/* After a contribution to the accumulator was asked for: planning finds out which is a parameter's last, later runs tell. */
static void tell_contribution(lac_tape *t, lac_param *p)
{
    const lac_plan *plan = t->plan;
    const int64_t i = t->n_contributions++;
    if (!tape_ok(t))
        return;
    if (t->planning)
        lac_tape_fail(t, lac_plan_contribute(t->plan, p));
    else if (t->gradient_done != NULL && i < plan->n_completes && plan->completes[i] == p)
        lac_tape_fail(t, t->gradient_done(t->gradient_done_context, p));
}

static void add_or_set(lac_tape *t, lac_tensor *sum, lac_tensor *g, bool add)
{
    tape_touch(t, g->tape_mark == t->mark ? g->tape_id : -1);
    tape_touch(t, sum->tape_mark == t->mark ? sum->tape_id : -1);
    t->clock++;
    if (!t->planning)
        lac_tape_fail(t, add ? t->backend->add(sum, g) : t->backend->convert(sum, g));
}

void tape_contribute(lac_tape *t, walk *w, int32_t id, lac_tensor *g)
{
    lac_tensor *sum = accumulator(t, w, id);
    lac_param *p = t->known[id].x->param;
    if (!tape_ok(t))
        return;
    if (sum != NULL) {
        add_or_set(t, sum, g, p->has_grad);
        mark_accumulated(t, p);
        tell_contribution(t, p);
    } else if (w->grad[id] != NULL) {
        add_or_set(t, w->grad[id], g, true);
    } else if (w->contributions[id] <= 1) {
        w->grad[id] = g;
    } else if (set_gradient(t, w, id, "gradient") != NULL) {
        add_or_set(t, w->grad[id], g, false);
    }
}

static bool duplicate(const node *n, int i)
{
    for (int k = 0; k < i; k++)
        if (n->in[k] == n->in[i])
            return true;
    return false;
}

/* Where input i's gradient goes: the accumulator, the sum so far, or fresh memory. A tensor that is two inputs of one op
 * gets its second gradient apart, added afterwards. */
static void aim(lac_tape *t, walk *w, const node *n, lac_op_ctx *c, int i)
{
    const int32_t id = n->in[i];
    lac_param *p = t->known[id].x->param;
    if (duplicate(n, i)) {
        c->gin[i] = new_gradient(t, w, id, lac_op_name(n->op));
        return;
    }
    if ((c->gin[i] = accumulator(t, w, id)) != NULL) {
        c->add[i] = p->has_grad;
        return;
    }
    c->add[i] = w->grad[id] != NULL;
    if (!c->add[i])
        set_gradient(t, w, id, lac_op_name(n->op));
    c->gin[i] = w->grad[id];
}

static void touch_kept(lac_tape *t, const node *n, const lac_op_ctx *c)
{
    const uint32_t keeps = c->def->reads ? c->def->reads(c) : c->def->keeps;
    for (int i = 0; i < LAC_MAX_IN; i++) {
        if (keeps & LAC_KEEP_IN(i))
            tape_touch(t, n->in[i]);
        if (c->gin[i] != NULL && c->gin[i]->tape_mark == t->mark)
            tape_touch(t, c->gin[i]->tape_id);
    }
    for (int i = 0; i < LAC_MAX_OUT; i++) {
        if (keeps & LAC_KEEP_OUT(i))
            tape_touch(t, n->out[i]);
        if (c->gout[i] != NULL && c->gout[i]->tape_mark == t->mark)
            tape_touch(t, c->gout[i]->tape_id);
    }
}

static void finish_inputs(lac_tape *t, walk *w, const node *n, const lac_op_ctx *c)
{
    for (int i = 0; i < LAC_MAX_IN; i++) {
        if (c->gin[i] == NULL)
            continue;
        lac_param *p = t->known[n->in[i]].x->param;
        const bool accumulated = w->into_params && tape_in_training(t, p);
        if (accumulated)
            mark_accumulated(t, p);
        if (duplicate(n, i))
            tape_contribute(t, w, n->in[i], c->gin[i]);
        else if (accumulated)
            tell_contribution(t, p);
    }
}

static void op_backward(lac_tape *t, walk *w, const node *n)
{
    lac_op_ctx c = { .def = lac_op_find(n->op), .op = n->op, .attr = n->attr, .backend = t->backend, .backward = true,
                     .deterministic = n->deterministic, .lane = t->lane };
    for (int i = 0; i < LAC_MAX_IN; i++)
        c.in[i] = n->in[i] >= 0 ? t->known[n->in[i]].x : NULL;
    for (int i = 0; i < LAC_MAX_OUT; i++) {
        c.out[i] = n->out[i] >= 0 ? t->known[n->out[i]].x : NULL;
        c.gout[i] = n->out[i] >= 0 ? w->grad[n->out[i]] : NULL;
    }
    bool any = false;
    for (int i = 0; i < LAC_MAX_IN && tape_ok(t); i++)
        if (n->in[i] >= 0 && w->need[n->in[i]]) {
            any = c.wants[i] = true;
            aim(t, w, n, &c, i);
        }
    if (!any || !tape_ok(t))            /* lac_grad asked for what this op made, for nothing before it */
        return;
    touch_kept(t, n, &c);
    tape_blame(t, tape_launch(t, &c), lac_op_name(n->op));
    if (tape_ok(t))
        finish_inputs(t, w, n, &c);
}

static void view_backward(lac_tape *t, walk *w, const node *n)
{
    const lac_tensor *g = w->grad[n->out[0]], *x = t->known[n->in[0]].x;
    lac_tensor *seen = tape_struct(t, g->dtype, x->ndim, x->dim);
    if (seen == NULL || tape_know(t, seen, t->known[g->tape_id].slot, false) < 0 || !tape_walk_grow(t, w))
        return;
    seen->data = g->data;
    tape_contribute(t, w, n->in[0], seen);
}

/* The whole tensor's gradient, zero where nobody has contributed yet: other rows may never get a contribution. */
static lac_tensor *whole_gradient(lac_tape *t, walk *w, int32_t id)
{
    lac_tensor *sum = accumulator(t, w, id);
    lac_param *p = t->known[id].x->param;
    const bool fresh = sum != NULL ? !p->has_grad : w->grad[id] == NULL;
    if (sum == NULL)
        sum = fresh ? set_gradient(t, w, id, "rows") : w->grad[id];
    else
        mark_accumulated(t, p);
    if (sum != NULL && fresh && !t->planning)
        lac_tape_fail(t, t->backend->fill_zero(sum->data, lac_bytes(sum)));
    return sum;
}

static void rows_backward(lac_tape *t, walk *w, const node *n)
{
    lac_tensor *g = w->grad[n->out[0]], *sum = whole_gradient(t, w, n->in[0]);
    if (!tape_ok(t))
        return;
    tape_touch(t, sum->tape_mark == t->mark ? sum->tape_id : -1);
    lac_tensor part = *sum;
    lac_tensor_shape(&part, sum->dtype, g->ndim, g->dim);
    if (sum->data != NULL && sum->dim[0] > 0)
        part.data = (uint8_t *)sum->data + n->first_row * (int64_t)(lac_bytes(sum) / (size_t)sum->dim[0]);
    part.tape_mark = 0;
    add_or_set(t, &part, g, true);
    if (accumulator(t, w, n->in[0]) != NULL)
        tell_contribution(t, t->known[n->in[0]].x->param);
}

static bool reached(const walk *w, const node *n)
{
    for (int i = 0; i < LAC_MAX_OUT; i++)
        if (n->out[i] >= 0 && w->grad[n->out[i]] != NULL)
            return true;
    return false;
}

void tape_walk(lac_tape *t, walk *w, int64_t from, int64_t to)
{
    const frame *where = t->where;
    for (int64_t k = to - 1; k >= from && tape_ok(t); k--) {
        const node n = t->nodes[k];             /* a copy: recomputation records more nodes */
        if (!reached(w, &n))
            continue;
        t->where = n.where;
        if (n.kind == NODE_OP)
            op_backward(t, w, &n);
        else if (n.kind == NODE_RECOMPUTE)
            recompute_backward(t, w, &n);
        else if (w->need[n.in[0]])
            n.kind == NODE_VIEW ? view_backward(t, w, &n) : rows_backward(t, w, &n);
    }
    t->where = where;
}

bool tape_walk_clear(lac_tape *t, walk *w, bool into_params)
{
    w->into_params = into_params;
    w->params_asked = false;
    if (!tape_ok(t) || !tape_walk_grow(t, w))
        return false;
    memset(w->grad, 0, (size_t)w->capacity * sizeof *w->grad);
    memset(w->contributions, 0, (size_t)w->capacity * sizeof *w->contributions);
    memset(w->need, 0, (size_t)w->capacity * sizeof *w->need);
    for (int64_t i = 0; into_params && i < t->n_known; i++)
        w->need[i] = t->known[i].needs && tape_in_training(t, t->known[i].x->param);
    return true;
}

static void check_open(lac_tape *t)
{
    if (!t->open)
        lac_tape_fail(t, LAC_FAIL(LAC_ERR_STATE, "gradients are asked for outside a region"));
}

lac_status lac_backward(lac_tape *t, const lac_root *roots, int n)
{
    check_open(t);
    walk *w = &t->walks[0];
    const int64_t n_nodes = t->n_nodes;
    if (tape_walk_clear(t, w, true) && tape_walk_begin(t, w, 0, n_nodes, roots, n))
        tape_walk(t, w, 0, n_nodes);
    return t->status;
}

lac_status lac_grad(lac_tape *t, const lac_root *roots, int n, lac_tensor *const *x, int n_x, lac_tensor **gx)
{
    check_open(t);
    for (int i = 0; i < n_x && tape_ok(t); i++)
        if (x[i] == NULL || tape_id(t, x[i]) < 0 || !t->known[x[i]->tape_id].needs)
            lac_tape_fail(t, LAC_FAIL(LAC_ERR_STATE, "gradient asked for tensor %d of %d, which was neither watched nor in training", i, n_x));
    walk *w = &t->walks[0];
    const int64_t n_nodes = t->n_nodes;
    bool ready = tape_walk_clear(t, w, false);
    for (int i = 0; ready && i < n_x; i++) {
        w->need[x[i]->tape_id] = true;
        w->params_asked |= x[i]->param != NULL;
    }
    if (ready && tape_walk_begin(t, w, 0, n_nodes, roots, n))
        tape_walk(t, w, 0, n_nodes);
    for (int i = 0; i < n_x; i++)
        gx[i] = tape_ok(t) ? w->grad[x[i]->tape_id] : NULL;
    return t->status;
}
