/* core/comm/lane.h -- collectives in a backend's own memory, beside its other work.
 *
 * Each begins when the work asked for before it is done and goes on beside what is asked for after it; `join` holds later work back until the
 * collectives so far are done. None of these waits on the host, so that all may be captured (core/queue.h); the host waits with `wait`, for
 * the communicator's timeout at most, before it reads what depends on a collective. In the host's memory, where there is nothing beside,
 * they are the communicator's own and done when they return.
 *
 * Every rank asks for the same in the same order. Same bits again on as many ranks; in host memory the sums are in rank order, on a device
 * in an order that its library keeps. Failures as in core/comm/comm.h. */
#pragma once

#include "core/comm/comm.h"

typedef struct lac_lane lac_lane;
struct lac_mark;

struct lac_lane {
    const char *kind;           /* "host", "nccl" */
    lac_comm *comm;
    const lac_backend *backend;
    void *state;
    lac_status (*all_reduce)(lac_lane *l, void *x, lac_dtype d, int64_t n);                             /* f32 or f64 */
    lac_status (*reduce_scatter)(lac_lane *l, float *to, const float *from, int64_t n_each);            /* places as in comm.h */
    lac_status (*all_gather)(lac_lane *l, float *to, const float *from, int64_t n_each);
    lac_status (*broadcast)(lac_lane *l, void *x, size_t bytes, int root);
    lac_status (*join)(lac_lane *l);
    /* Until the device's work before m (core/queue.h), or all so far (NULL), is done, collectives among it that were joined. */
    lac_status (*wait)(lac_lane *l, struct lac_mark *m);
    void (*give_up)(lac_lane *l);               /* the work under way is ended somehow; nothing but free comes after it */
    void (*free)(lac_lane *l);
};

/* The lane of c in b's memory; c's own, made at the first call, which all ranks make. LAC_ERR_NO_KERNEL where the backend has none.
 * One rank alone needs none: sums are there already, and nothing is to be moved. */
lac_status lac_comm_lane(lac_comm *c, const lac_backend *b, lac_lane **l);

/* For backends: a lane with nothing but what is common. */
lac_status lac_lane_new(lac_lane **l, lac_comm *c, const char *kind);
