/* Regions, memory and the module path. */
#include "autograd/tape_internal.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_SIZE = 256 << 10 };

lac_status lac_tape_new(lac_tape **t, const lac_backend *b)
{
    LAC_TRY(lac_calloc((void **)t, 1, sizeof **t));
    (*t)->backend = b;
#ifdef LAC_POISON
    (*t)->guarded = b->host;
#endif
    return LAC_OK;
}

void lac_tape_free(lac_tape *t)
{
    if (t == NULL)
        return;
    for (int64_t i = 0; i < t->n_plans; i++) {
        lac_plan_free(t->plans[i]);
        free(t->plans[i]);
    }
    free(t->plans);
    for (chunk *c = t->chunks; c != NULL;) {
        chunk *next = c->next;
        free(c);
        c = next;
    }
    for (size_t i = 0; i < LAC_COUNT(t->walks); i++) {
        free(t->walks[i].grad);
        free(t->walks[i].contributions);
        free(t->walks[i].need);
    }
    if (t->block != NULL)
        t->backend->free(t->block, t->block_size);
    free(t->touched);
    free(t->known);
    free(t->nodes);
    free(t);
}

lac_status lac_tape_status(const lac_tape *t) { return t->status; }
const lac_backend *lac_tape_backend(const lac_tape *t) { return t->backend; }
bool lac_tape_planning(const lac_tape *t) { return t->planning; }
uint64_t lac_tape_moves(const lac_tape *t) { return t->moves; }
bool tape_ok(const lac_tape *t) { return t->status == LAC_OK; }

static lac_plan *find_plan(const lac_tape *t, const char *signature)
{
    for (int64_t i = 0; i < t->n_plans; i++)
        if (strcmp(t->plans[i]->signature, signature) == 0)
            return t->plans[i];
    return NULL;
}

bool lac_tape_planned(const lac_tape *t, const char *signature)
{
    const lac_plan *p = find_plan(t, signature);
    return p != NULL && p->packed;
}

static lac_status new_plan(lac_tape *t, const char *signature, lac_plan **p)
{
    LAC_TRY(lac_grow((void **)&t->plans, t->n_plans, &t->plans_capacity, sizeof *t->plans));
    LAC_TRY(lac_calloc((void **)p, 1, sizeof **p));
    const lac_status s = lac_strdup(&(*p)->signature, signature);
    if (s != LAC_OK)
        free(*p);
    else
        t->plans[t->n_plans++] = *p;
    return s;
}

static lac_status make_room(lac_tape *t, size_t size)
{
    if (size <= t->block_size)
        return LAC_OK;
    if (t->block != NULL)
        t->backend->free(t->block, t->block_size);
    t->block = NULL;
    t->block_size = 0;
    t->moves++;
    LAC_TRY(lac_context(t->backend->alloc((void **)&t->block, size), "memory for '%s'", t->plan->signature));
    t->block_size = size;
    return LAC_OK;
}

static void forget_recording(lac_tape *t)
{
    static atomic_uint_fast64_t marks;
    t->mark = atomic_fetch_add(&marks, 1) + 1;
    t->n_known = t->n_nodes = 0;
    t->next_slot = t->n_contributions = 0;
    t->gradient_done = NULL;
    t->clock = 1;
    t->where = NULL;
    t->n_trained = t->unrecorded = t->depth = 0;
    for (chunk *c = t->chunks; c != NULL; c = c->next)
        c->used = 0;
    t->filling = t->chunks;
}

lac_status lac_tape_begin(lac_tape *t, const char *signature, bool plan)
{
    if (t->open)
        return LAC_FAIL(LAC_ERR_STATE, "region '%s' begins inside region '%s'", signature, t->plan->signature);
    lac_plan *p = find_plan(t, signature);
    if (!plan && (p == NULL || !p->packed))
        return LAC_FAIL(LAC_ERR_STATE, "region '%s' runs before it was planned", signature);
    if (p == NULL)
        LAC_TRY(new_plan(t, signature, &p));
    if (plan)
        lac_plan_clear(p);
    t->plan = p;
    t->planning = plan;
    if (!plan)
        LAC_TRY(make_room(t, p->total));
    t->status = LAC_OK;
    forget_recording(t);
    t->open = true;
    return LAC_OK;
}

lac_status lac_tape_end(lac_tape *t)
{
    if (!t->open)
        return LAC_FAIL(LAC_ERR_STATE, "a region ends that never began");
    tape_range(t, NULL);
    lac_status s = t->status;
    if (s == LAC_OK && t->planning)
        s = lac_plan_pack(t->plan);
    if (s == LAC_OK && !t->planning && t->next_slot != t->plan->n)
        s = LAC_FAIL(LAC_ERR_STATE, "region '%s' made %lld allocations, its plan has %lld", t->plan->signature,
                     (long long)t->next_slot, (long long)t->plan->n);
    for (int64_t i = 0; i < t->n_touched; i++)
        t->touched[i]->has_grad = false;
    t->n_touched = 0;
    t->open = t->planning = false;
    t->status = LAC_OK;
    return s;
}

lac_status lac_tape_plan_stats(const lac_tape *t, const char *signature, lac_plan_stats *stats)
{
    const lac_plan *p = find_plan(t, signature);
    if (p == NULL || !p->packed)
        return LAC_FAIL(LAC_ERR_STATE, "region '%s' has no plan", signature);
    *stats = (lac_plan_stats){ (int64_t)p->total, (int64_t)p->lower_bound, p->flops, p->launches };
    return LAC_OK;
}

lac_status lac_tape_run(lac_tape *t, const char *signature, lac_body *f, void *context)
{
    for (int pass = lac_tape_planned(t, signature) ? 1 : 0; pass < 2; pass++) {
        LAC_TRY(lac_tape_begin(t, signature, pass == 0));
        const lac_status s = f(t, context), end = lac_tape_end(t);
        if (s != LAC_OK || end != LAC_OK)
            return s != LAC_OK ? s : end;
    }
    return LAC_OK;
}

void lac_tape_train(lac_tape *t, const lac_params *params)
{
    if (t->n_trained == MAX_TRAINED)
        lac_tape_fail(t, LAC_FAIL(LAC_ERR_STATE, "a phase trains at most %d networks", MAX_TRAINED));
    else
        t->trained[t->n_trained++] = params;
}

void lac_tape_when_done(lac_tape *t, lac_gradient_done *f, void *context)
{
    t->gradient_done = f;
    t->gradient_done_context = context;
}

void lac_tape_deterministic(lac_tape *t, bool on) { t->deterministic = on; }
void lac_tape_lane(lac_tape *t, struct lac_lane *lane) { t->lane = lane; }
void lac_tape_check_finite(lac_tape *t, bool on) { t->check_finite = on; }
void lac_tape_guard(lac_tape *t, bool on) { t->guarded = on; }

static chunk *next_chunk(lac_tape *t, size_t size)
{
    chunk *c = t->filling;
    while (c != NULL && c->size - c->used < size)
        c = c->next;
    if (c != NULL)
        return c;
    const size_t room = LAC_MAX(size, (size_t)CHUNK_SIZE);
    const lac_status s = lac_malloc((void **)&c, sizeof *c + room);
    if (s != LAC_OK) {
        lac_tape_fail(t, s);
        return NULL;
    }
    *c = (chunk){ .size = room };
    chunk **end = &t->chunks;
    while (*end != NULL)
        end = &(*end)->next;
    *end = c;
    return c;
}

void *tape_host(lac_tape *t, size_t size)
{
    size = (size + 15) / 16 * 16;
    chunk *c = next_chunk(t, size);
    if (c == NULL)
        return NULL;
    t->filling = c;
    void *p = (uint8_t *)(c + 1) + c->used;
    c->used += size;
    return memset(p, 0, size);
}

lac_tensor *tape_struct(lac_tape *t, lac_dtype d, int ndim, const int64_t *dim)
{
    lac_tensor *x = tape_host(t, sizeof *x);
    if (x != NULL) {
        lac_tensor_shape(x, d, ndim, dim);
        x->backend = t->backend;
    }
    return x;
}

void *tape_alloc(lac_tape *t, size_t size, const char *op, int32_t *slot)
{
    if (!t->open) {
        lac_tape_fail(t, LAC_FAIL(LAC_ERR_STATE, "memory for %s is asked for outside a region", op));
        return NULL;
    }
    *slot = (int32_t)t->next_slot++;
    if (t->planning) {
        const lac_status s = lac_plan_add(t->plan, size, t->guarded ? LAC_PLAN_ALIGN : 0, t->clock, op);
        if (s != LAC_OK)
            lac_tape_fail(t, s);
        return NULL;
    }
    lac_slot *p = *slot < t->plan->n ? &t->plan->slot[*slot] : NULL;
    if (p == NULL || strcmp(p->op, op) != 0 || lac_plan_round(p->bytes) != lac_plan_round(size)) {
        lac_tape_fail(t, LAC_FAIL(LAC_ERR_STATE, "region '%s' left its plan: allocation %d is %zu bytes for %s, planned were %zu for %s",
                                  t->plan->signature, *slot, size, op, p ? p->bytes : 0, p ? p->op : "nothing"));
        return NULL;
    }
    p->bytes = size;
    if (t->guarded)
        lac_tape_fail(t, tape_poison(t, p));
    return t->block + p->offset;
}

int32_t tape_know(lac_tape *t, lac_tensor *x, int32_t slot, bool needs)
{
    const lac_status s = lac_grow((void **)&t->known, t->n_known, &t->known_capacity, sizeof *t->known);
    if (s != LAC_OK) {
        lac_tape_fail(t, s);
        return -1;
    }
    x->tape_mark = t->mark;
    x->tape_id = (int32_t)t->n_known;
    t->known[t->n_known] = (info){ x, slot, needs };
    return (int32_t)t->n_known++;
}

bool tape_in_training(const lac_tape *t, const lac_param *p)
{
    for (int i = 0; p != NULL && i < t->n_trained; i++)
        if (p->of == t->trained[i])
            return lac_param_trained(p);
    return false;
}

int32_t tape_id(lac_tape *t, lac_tensor *x)
{
    return x->tape_mark == t->mark ? x->tape_id : tape_know(t, x, -1, tape_in_training(t, x->param));
}

/* No elements, no data: a kernel that takes an empty tensor for one with room meets NULL, not its neighbour. */
bool tape_place(lac_tape *t, lac_tensor *x, const char *op)
{
    int32_t slot;
    void *memory = tape_alloc(t, lac_bytes(x), op, &slot);
    x->data = lac_numel(x) > 0 ? memory : NULL;
    return tape_ok(t) && tape_know(t, x, slot, false) >= 0;
}

void tape_touch(lac_tape *t, int32_t id)
{
    lac_slot *s = id >= 0 && t->known[id].slot >= 0 ? &t->plan->slot[t->known[id].slot] : NULL;
    if (s != NULL && t->planning)
        s->death = LAC_MAX(s->death, t->clock);
    else if (s != NULL && t->clock > s->death)
        lac_tape_fail(t, LAC_FAIL(LAC_ERR_STATE, "region '%s' left its plan: what %s made is read after its last planned reader",
                                  t->plan->signature, s->op));
}

node *tape_node(lac_tape *t)
{
    const lac_status s = lac_grow((void **)&t->nodes, t->n_nodes, &t->nodes_capacity, sizeof *t->nodes);
    if (s != LAC_OK) {
        lac_tape_fail(t, s);
        return NULL;
    }
    node *n = &t->nodes[t->n_nodes++];
    memset(n, 0, sizeof *n);
    memset(n->in, -1, sizeof n->in);
    memset(n->out, -1, sizeof n->out);
    n->where = t->where;
    n->deterministic = t->deterministic;
    return n;
}

void lac_tape_enter(lac_tape *t, const char *name)
{
    frame *f = tape_host(t, sizeof *f);
    if (f == NULL)
        return;
    *f = (frame){ name, t->where };
    t->where = f;
}

void lac_tape_leave(lac_tape *t) { t->where = t->where != NULL ? t->where->parent : NULL; }

void tape_where(const frame *f, char *to, size_t size)
{
    to[0] = '\0';
    if (f == NULL)
        return;
    tape_where(f->parent, to, size);
    const size_t n = strlen(to);
    snprintf(to + n, size - n, "/%s", f->name);
}

void tape_blame(lac_tape *t, lac_status s, const char *op)
{
    const size_t n = strlen(op);
    if (s == LAC_OK || !tape_ok(t))
        return;
    const bool named = strncmp(lac_error_message(), op, n) == 0 && strchr(": ", lac_error_message()[n]) != NULL;
    lac_tape_fail(t, named ? s : lac_context(s, "%s", op));
}

lac_tensor *lac_tape_fail(lac_tape *t, lac_status s)
{
    char path[512];
    if (s == LAC_OK)
        return NULL;
    if (!tape_ok(t)) {                  /* whoever failed now wrote a message of his own */
        (void)LAC_FAIL(t->status, "%s", t->why);
        return NULL;
    }
    tape_where(t->where, path, sizeof path);
    t->status = path[0] ? lac_context(s, "%s", path) : s;
    lac_error_copy(t->why, sizeof t->why);
    return NULL;
}
