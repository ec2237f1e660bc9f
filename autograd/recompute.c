/* Segments that keep nothing and run again when backward reaches them. */
#include "autograd/tape_internal.h"

#include <string.h>

typedef struct segment { lac_segment *f; const void *context; int n_in; } segment;

static void record_segment(lac_tape *t, const segment *s, lac_tensor *const *in, lac_tensor *y, bool needs)
{
    node *n = needs ? tape_node(t) : NULL;
    segment *copy = n != NULL ? tape_host(t, sizeof *copy) : NULL;
    if (copy == NULL)
        return;
    *copy = *s;
    n->kind = NODE_RECOMPUTE;
    n->attr = copy;
    for (int i = 0; i < s->n_in; i++)
        n->in[i] = in[i] != NULL ? in[i]->tape_id : -1;
    n->out[0] = y->tape_id;
    t->known[y->tape_id].needs = true;
}

lac_tensor *lac_recompute(lac_tape *t, lac_segment *f, const void *context, size_t context_size, lac_tensor *const *in, int n_in)
{
    void *copy = tape_ok(t) ? tape_host(t, context_size + 1) : NULL;
    if (copy == NULL)
        return NULL;
    if (context_size > 0)
        memcpy(copy, context, context_size);
    const segment s = { f, copy, n_in };
    bool needs = false;
    if (n_in > LAC_MAX_IN)
        return lac_tape_fail(t, LAC_FAIL(LAC_ERR_ARG, "a segment has at most %d inputs, got %d", LAC_MAX_IN, n_in));
    for (int i = 0; i < n_in; i++)
        needs |= in[i] != NULL && tape_id(t, in[i]) >= 0 && t->known[in[i]->tape_id].needs;
    const bool before = t->segment_needs;
    t->segment_needs = false;
    t->unrecorded++;
    lac_tensor *y = f(t, copy, in);
    t->unrecorded--;
    needs |= t->segment_needs;
    t->segment_needs = before || needs;
    if (y != NULL && tape_ok(t) && t->unrecorded == 0)
        record_segment(t, &s, in, y, needs);
    return tape_ok(t) ? y : NULL;
}

static bool make_leaves(lac_tape *t, const walk *w, const node *n, int n_in, lac_tensor **leaf)
{
    for (int i = 0; i < n_in; i++) {
        leaf[i] = n->in[i] >= 0 ? lac_detach(t, t->known[n->in[i]].x) : NULL;
        if (leaf[i] != NULL && w->need[n->in[i]])
            lac_tape_watch(t, leaf[i]);
    }
    return tape_ok(t);
}

static void walk_again(lac_tape *t, walk *w, const node *n, int n_in, lac_tensor *const *leaf, lac_tensor *y, int64_t from)
{
    walk *inner = &t->walks[t->depth];
    const lac_root root = { .y = y, .gy = w->grad[n->out[0]] };
    if (!tape_walk_clear(t, inner, w->into_params))
        return;
    for (int i = 0; i < n_in; i++)
        if (leaf[i] != NULL)
            inner->need[leaf[i]->tape_id] = t->known[leaf[i]->tape_id].needs;
    inner->params_asked = w->params_asked;
    for (int64_t i = 0; w->params_asked && i < t->n_known; i++)
        inner->need[i] |= w->need[i] && t->known[i].x->param != NULL;
    const int64_t to = t->n_nodes;
    if (tape_walk_begin(t, inner, from, to, &root, 1))
        tape_walk(t, inner, from, to);
    for (int i = 0; i < n_in && tape_ok(t) && tape_walk_grow(t, w); i++)
        if (leaf[i] != NULL && inner->grad[leaf[i]->tape_id] != NULL)
            tape_contribute(t, w, n->in[i], inner->grad[leaf[i]->tape_id]);
    const int64_t n_known = t->n_known;
    for (int64_t i = 0; w->params_asked && tape_ok(t) && i < n_known; i++)
        if (t->known[i].x->param != NULL && inner->grad[i] != NULL)
            tape_contribute(t, w, (int32_t)i, inner->grad[i]);
}

void recompute_backward(lac_tape *t, walk *w, const node *n)
{
    const segment *s = n->attr;
    const bool deterministic = t->deterministic;
    const int64_t from = t->n_nodes;
    lac_tensor *leaf[LAC_MAX_IN] = { NULL };
    if (++t->depth == MAX_DEPTH)
        lac_tape_fail(t, LAC_FAIL(LAC_ERR_STATE, "recomputed segments nest deeper than %d", MAX_DEPTH - 1));
    t->deterministic = n->deterministic;
    lac_tensor *y = make_leaves(t, w, n, s->n_in, leaf) ? s->f(t, (void *)s->context, leaf) : NULL;
    if (y != NULL && tape_ok(t) && tape_walk_grow(t, w))
        walk_again(t, w, n, s->n_in, leaf, y, from);
    t->n_nodes = from;
    t->deterministic = deterministic;
    t->depth--;
}
