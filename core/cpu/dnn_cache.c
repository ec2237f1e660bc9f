#include "core/cpu/dnn_cache.h"

#include "core/memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static lac_plan *plans[LAC_PLANS];
static int64_t n_plans, clock_now;

static lac_plan *find_plan(const int64_t *key)
{
    for (int64_t i = 0; i < n_plans; i++)
        if (memcmp(plans[i]->key, key, sizeof plans[i]->key) == 0)
            return plans[i];
    return NULL;
}

/* A slot for one more plan; the plan unused for longest gives way. */
static lac_status slot_for_plan(lac_plan ***slot)
{
    if (n_plans < LAC_PLANS) {
        *slot = &plans[n_plans++];
        return LAC_OK;
    }
    int64_t oldest = -1;
    for (int64_t i = 0; i < n_plans; i++)
        if (plans[i]->users == 0 && (oldest < 0 || plans[i]->last_use < plans[oldest]->last_use))
            oldest = i;
    if (oldest < 0)
        return LAC_FAIL(LAC_ERR_STATE, "%d convolution and product plans are in use at once", LAC_PLANS);
    plans[oldest]->drop(plans[oldest]);
    *slot = &plans[oldest];
    return LAC_OK;
}

static lac_status add_plan(lac_plan **p, const int64_t *key, lac_plan_make *make)
{
    lac_plan *fresh = NULL, **slot = NULL;
    LAC_TRY(make(&fresh, key));
    memcpy(fresh->key, key, sizeof fresh->key);
    const lac_status s = slot_for_plan(&slot);
    if (s != LAC_OK) {
        fresh->drop(fresh);
        return s;
    }
    *slot = *p = fresh;
    return LAC_OK;
}

lac_status lac_plan_get(lac_plan **p, const int64_t *key, lac_plan_make *make)
{
    pthread_mutex_lock(&lock);
    lac_status s = LAC_OK;
    *p = find_plan(key);
    if (*p == NULL)
        s = add_plan(p, key, make);
    if (s == LAC_OK) {
        (*p)->users++;
        (*p)->last_use = ++clock_now;
    }
    pthread_mutex_unlock(&lock);
    return s;
}

void lac_plan_put(lac_plan *p)
{
    pthread_mutex_lock(&lock);
    p->users--;
    pthread_mutex_unlock(&lock);
}

enum { MAX_LAYOUTS = 4096 };
static lac_md_own layouts[MAX_LAYOUTS];
static uint64_t n_layouts;

/* Plans are made under the lock, which guards this table too. */
lac_status lac_md_layout(uint64_t *layout, lac_md md)
{
    for (uint64_t i = 0; i < n_layouts; i++)
        if (lac_md_same(lac_md_of(&layouts[i]), md)) {
            *layout = i + 1;
            return LAC_OK;
        }
    if (n_layouts == MAX_LAYOUTS)
        return LAC_FAIL(LAC_ERR_STATE, "more than %d layouts of packed weights", MAX_LAYOUTS);
    LAC_TRY(lac_md_copy(&layouts[n_layouts], md));
    *layout = ++n_layouts;
    return LAC_OK;
}

/* Packed weights, a list per hash of the uid. */
typedef struct packed {
    uint64_t uid, version, layout;
    int64_t first;
    bool filled;
    void *data;
    struct packed *next;
} packed;
enum { N_LISTS = 256 };
static packed *lists[N_LISTS];

static packed *find_packed(const lac_dnn_weight *w, uint64_t layout)
{
    for (packed *p = lists[w->uid % N_LISTS]; p; p = p->next)
        if (p->uid == w->uid && p->first == w->first && p->layout == layout)
            return p;
    return NULL;
}

static void drop_packed(packed *p)
{
    free(p->data);
    free(p);
}

/* Huge pages where there are several to fill: weights are read from end to end in every call. */
static lac_status room(void **p, size_t bytes)
{
    enum { HUGE_PAGE = 2 << 20 };
    if (bytes < 2 * HUGE_PAGE)
        return lac_aligned_alloc(p, bytes);
    const size_t whole = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    LAC_TRY(lac_aligned_pages(p, whole, HUGE_PAGE));
    madvise(*p, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);      /* the last ones small, so that no memory lies idle */
    return LAC_OK;
}

static lac_status new_packed(packed **p, const lac_dnn_weight *w, uint64_t layout, size_t bytes)
{
    packed *fresh = NULL;
    LAC_TRY(lac_calloc((void **)&fresh, 1, sizeof *fresh));
    const lac_status s = room(&fresh->data, bytes);
    if (s != LAC_OK) {
        drop_packed(fresh);
        return s;
    }
    fresh->uid = w->uid;
    fresh->first = w->first;
    fresh->layout = layout;
    fresh->next = lists[w->uid % N_LISTS];
    lists[w->uid % N_LISTS] = *p = fresh;
    return LAC_OK;
}

static lac_status packed_copy(const void **to, const lac_dnn_weight *w, uint64_t layout, size_t bytes, lac_packer *pack, const void *context)
{
    packed *p = find_packed(w, layout);
    if (p == NULL)
        LAC_TRY(new_packed(&p, w, layout, bytes));
    if (!p->filled || p->version != w->version)
        LAC_TRY(pack(context, w->data, p->data));
    p->filled = true;
    p->version = w->version;
    *to = p->data;
    return LAC_OK;
}

lac_status lac_dnn_packed(const void **to, const lac_dnn_weight *w, uint64_t layout, size_t bytes, lac_packer *pack, const void *context, void *into)
{
    if (w->uid == 0) {
        *to = into;
        return pack(context, w->data, into);
    }
    pthread_mutex_lock(&lock);
    const lac_status s = packed_copy(to, w, layout, bytes, pack, context);
    pthread_mutex_unlock(&lock);
    return s;
}

typedef struct reorder { const lac_prim *prim; int64_t parts; size_t step; } reorder;

static lac_status reorder_into(const void *context, const void *from, void *to)
{
    const reorder *r = context;
    return lac_prim_reorder(r->prim, r->parts, r->step, from, to);
}

lac_status lac_dnn_reordered(const void **to, const lac_dnn_weight *w, uint64_t layout, const lac_prim *prim, int64_t parts, size_t step, void *into)
{
    const reorder r = { prim, parts, step };
    return lac_dnn_packed(to, w, layout, (size_t)parts * lac_prim_reordered(prim), reorder_into, &r, into);
}

void lac_dnn_forget(uint64_t uid)
{
    pthread_mutex_lock(&lock);
    for (packed **at = &lists[uid % N_LISTS]; *at;) {
        packed *p = *at;
        if (p->uid != uid) {
            at = &p->next;
            continue;
        }
        *at = p->next;
        drop_packed(p);
    }
    pthread_mutex_unlock(&lock);
}

void lac_dnn_clear(void)
{
    pthread_mutex_lock(&lock);
    for (int i = 0; i < N_LISTS; i++)
        for (packed *p = lists[i], *next; p; p = next) {
            next = p->next;
            drop_packed(p);
        }
    memset(lists, 0, sizeof lists);
    for (int64_t i = 0; i < n_plans; i++)
        plans[i]->drop(plans[i]);
    n_plans = 0;
    pthread_mutex_unlock(&lock);
}
