#include "core/comm/lane.h"

#include "core/backend.h"
#include "core/memory.h"

#include <stdlib.h>

static lac_status all_reduce(lac_lane *l, void *x, lac_dtype d, int64_t n)
{
    return d == LAC_F64 ? l->comm->all_reduce_f64(l->comm, x, n) : l->comm->all_reduce(l->comm, x, n);
}

static lac_status reduce_scatter(lac_lane *l, float *to, const float *from, int64_t n_each)
{
    return l->comm->reduce_scatter(l->comm, to, from, n_each);
}

static lac_status all_gather(lac_lane *l, float *to, const float *from, int64_t n_each)
{
    return l->comm->all_gather(l->comm, to, from, (size_t)n_each * sizeof *to);
}

static lac_status broadcast(lac_lane *l, void *x, size_t bytes, int root) { return l->comm->broadcast(l->comm, x, bytes, root); }
static lac_status nothing(lac_lane *l) { return (void)l, LAC_OK; }
static lac_status nothing_to_wait_for(lac_lane *l, struct lac_mark *m) { return (void)l, (void)m, LAC_OK; }
static void nothing_to_end(lac_lane *l) { (void)l; }
static void end(lac_lane *l) { free(l); }

lac_status lac_lane_new(lac_lane **l, lac_comm *c, const char *kind)
{
    LAC_TRY(lac_calloc((void **)l, 1, sizeof **l));
    (*l)->kind = kind;
    (*l)->comm = c;
    return LAC_OK;
}

static lac_status host_lane(lac_lane **out, lac_comm *c)
{
    LAC_TRY(lac_lane_new(out, c, "host"));
    lac_lane *l = *out;
    l->all_reduce = all_reduce;
    l->reduce_scatter = reduce_scatter;
    l->all_gather = all_gather;
    l->broadcast = broadcast;
    l->join = nothing;
    l->wait = nothing_to_wait_for;
    l->give_up = nothing_to_end;
    l->free = end;
    return LAC_OK;
}

lac_status lac_comm_lane(lac_comm *c, const lac_backend *b, lac_lane **l)
{
    for (int i = 0; i < LAC_COMM_LANES; i++) {
        *l = c->lane[i];
        if (*l != NULL && (*l)->backend == b)
            return LAC_OK;
        if (*l != NULL)
            continue;
        const bool host = b->host || c->size == 1;
        if (!host && b->lane == NULL)
            return LAC_FAIL(LAC_ERR_NO_KERNEL, "device '%s' has no collectives: it cannot train on %d ranks", b->name, c->size);
        LAC_TRY(host ? host_lane(l, c) : b->lane(l, c));
        (*l)->backend = b;
        c->lane[i] = *l;
        return LAC_OK;
    }
    return LAC_FAIL(LAC_ERR_STATE, "ranks train on more than %d devices in one run", LAC_COMM_LANES);
}
