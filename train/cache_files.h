/* train/cache_files.h -- the files of a cache (data/latent_cache.h) that are not there yet, made by all ranks together.
 *
 * Each rank makes every n-th of them, and all keep pace batch by batch, so that none waits long for another; who is stopped or killed goes on behind the files that are whole. */
#pragma once

#include "autograd/params.h"
#include "autograd/tape.h"
#include "core/comm/comm.h"
#include "core/sha256.h"
#include "data/latent_cache.h"
#include "train/progress.h"

/* Who wants to know, and who may want it to stop; members may be NULL. */
typedef struct lac_cache_watch {
    void *context;
    bool (*stop)(void *context);
    void (*progress)(void *context, const lac_progress *p);
} lac_cache_watch;

typedef struct lac_cache_maker {
    lac_latent_cache *cache;
    const lac_latent_layout *layout;
    const char *what;                           /* "latents of picture": is counted */
    lac_comm *comm;
    int64_t batch;                              /* records at once; files hold whole batches of them, but for the last */
    lac_cache_watch watch;
    void *context;                              /* of these: */
    /* Records [place, place + n) in one view: of each kind that the layout has, what is made of the i-th becomes row `first` + i * `by` of rows[kind]. */
    lac_status (*make)(void *context, int64_t view, int64_t place, int64_t n, char *const rows[LAC_LATENT_KINDS], int64_t first, int64_t by);
    lac_status (*whole)(void *context, char *to);       /* where pictures with holes are kept */
} lac_cache_maker;

/* Every rank calls it. Afterwards the cache is complete. LAC_ERR_STOPPED. */
lac_status lac_cache_make(const lac_cache_maker *m);

/* Rows of a host tensor, f32, as row `first` + i * `by` of `to` in dtype d, which is what they were computed in: nothing is lost. */
void lac_cache_put_rows(const lac_tensor *made, lac_dtype d, char *to, int64_t first, int64_t by);

/* What ops make of one sample: without the batch's dim, in which dtype, of how many FLOP. Plans, runs nothing. */
typedef struct lac_cache_row { lac_shape one; lac_dtype dtype; int64_t flops; } lac_cache_row;
lac_status lac_cache_plan(lac_cache_row *row, const lac_backend *b, lac_tensor *(*make)(lac_tape *t, void *context), void *context);

/* What a cache costs. */
typedef struct lac_cache_cost {
    int64_t records, missing;                   /* to encode in all, each as often as it is seen otherwise, and of those not there yet */
    int64_t bytes, flops;                       /* of the files; of one way through the encoder */
    char folder[512];                           /* of the first source's */
} lac_cache_cost;

/* One more cache's, of whose records each is encoded `each` times. */
void lac_cache_add_cost(lac_cache_cost *cost, const lac_latent_cache *cache, int64_t each);
