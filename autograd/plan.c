#include "autograd/plan.h"

#include "core/memory.h"

#include <stdlib.h>

size_t lac_plan_round(size_t bytes) { return (bytes + LAC_PLAN_ALIGN - 1) / LAC_PLAN_ALIGN * LAC_PLAN_ALIGN; }

lac_status lac_plan_add(lac_plan *p, size_t bytes, size_t guard, int64_t now, const char *op)
{
    LAC_TRY(lac_grow((void **)&p->slot, p->n, &p->capacity, sizeof *p->slot));
    p->slot[p->n++] = (lac_slot){ .bytes = bytes, .size = lac_plan_round(bytes + guard), .birth = now, .death = now, .op = op };
    return LAC_OK;
}

lac_status lac_plan_contribute(lac_plan *p, lac_param *to)
{
    LAC_TRY(lac_grow((void **)&p->completes, p->n_completes, &p->completes_capacity, sizeof *p->completes));
    for (int64_t i = 0; i < p->n_completes; i++)
        if (p->completes[i] == to)
            p->completes[i] = NULL;             /* not the last after all */
    p->completes[p->n_completes++] = to;
    return LAC_OK;
}

static bool alive_together(const lac_slot *a, const lac_slot *b) { return a->birth <= b->death && b->birth <= a->death; }

static int larger_first(const void *a, const void *b)
{
    const lac_slot *x = *(lac_slot *const *)a, *y = *(lac_slot *const *)b;
    return x->size != y->size ? (x->size < y->size ? 1 : -1) : x < y ? -1 : 1;
}

static int lower_first(const void *a, const void *b)
{
    const lac_slot *x = *(lac_slot *const *)a, *y = *(lac_slot *const *)b;
    return x->offset != y->offset ? (x->offset < y->offset ? -1 : 1) : x < y ? -1 : 1;
}

/* The lowest offset where s fits between the placed slots that live with it. `near` is scratch. */
static void place(lac_slot *s, lac_slot **placed, int64_t n_placed, lac_slot **near)
{
    int64_t n = 0;
    for (int64_t i = 0; i < n_placed; i++)
        if (alive_together(s, placed[i]))
            near[n++] = placed[i];
    qsort(near, (size_t)n, sizeof *near, lower_first);
    size_t at = 0;
    for (int64_t i = 0; i < n && near[i]->offset < at + s->size; i++)
        at = LAC_MAX(at, near[i]->offset + near[i]->size);
    s->offset = at;
}

static int64_t last_tick(const lac_plan *p)
{
    int64_t last = 0;
    for (int64_t i = 0; i < p->n; i++)
        last = LAC_MAX(last, p->slot[i].death);
    return last;
}

static lac_status find_lower_bound(lac_plan *p)
{
    const int64_t ticks = last_tick(p) + 2;
    int64_t *change, live = 0, most = 0;
    LAC_TRY(lac_calloc((void **)&change, (size_t)ticks, sizeof *change));
    for (int64_t i = 0; i < p->n; i++) {
        change[p->slot[i].birth] += (int64_t)p->slot[i].size;
        change[p->slot[i].death + 1] -= (int64_t)p->slot[i].size;
    }
    for (int64_t i = 0; i < ticks; i++) {
        live += change[i];
        most = LAC_MAX(most, live);
    }
    p->lower_bound = (size_t)most;
    free(change);
    return LAC_OK;
}

lac_status lac_plan_pack(lac_plan *p)
{
    lac_slot **order;
    LAC_TRY(lac_malloc((void **)&order, 2 * (size_t)p->n * sizeof *order));
    for (int64_t i = 0; i < p->n; i++)
        order[i] = &p->slot[i];
    qsort(order, (size_t)p->n, sizeof *order, larger_first);
    p->total = 0;
    for (int64_t i = 0; i < p->n; i++) {
        place(order[i], order, i, order + p->n);
        p->total = LAC_MAX(p->total, order[i]->offset + order[i]->size);
    }
    free(order);
    p->packed = true;
    return find_lower_bound(p);
}

void lac_plan_clear(lac_plan *p)
{
    p->n = p->flops = p->launches = p->n_completes = 0;
    p->packed = false;
}

void lac_plan_free(lac_plan *p)
{
    free(p->signature);
    free(p->slot);
    free(p->completes);
    *p = (lac_plan){ 0 };
}
