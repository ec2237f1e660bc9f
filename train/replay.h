/* train/replay.h -- a phase as work that is the same calls each time: made as it is the first time, captured the second time, replayed from then on
 * (core/queue.h). On a backend without a queue it is made each time.
 *
 * The first time plans memory, lets libraries choose, load and warm up: nothing of that may happen in a capture. What the calls leave behind
 * on the host, which parameters have a gradient, is noted and put back before each replay. */
#pragma once

#include "train/optim.h"

typedef struct lac_replay lac_replay;

typedef struct lac_replays {
    const lac_backend *backend;
    bool off;                   /* made each time on any backend */
    lac_replay **list;
    int64_t n, capacity;
} lac_replays;

typedef lac_status lac_replay_body(void *context);

/* signature: all that the calls depend on but for addresses; place: a number that changes when memory that they use moves. `nets` are what
 * o trains; where nothing is trained there are none, and o is NULL. */
lac_status lac_replay_run(lac_replays *r, const char *signature, uint64_t place, const lac_trained *nets, lac_optim *o, lac_replay_body *body, void *context);
void lac_replays_free(lac_replays *r);
