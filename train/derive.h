/* train/derive.h -- a batch as the step takes it: the recipe's fields in its order, then those that the recipe derives from them on the host. */
#pragma once

#include "train/recipe.h"

typedef struct lac_derived {
    lac_batch batch[LAC_MAX_PHASES];            /* with room for this rank's share; phases of one batch use the first of them */
    uint32_t stream[LAC_MAX_PHASES];
    uint64_t seed;
    int64_t first, share;                       /* this rank's first sample of the global batch, and how many it has at most */
} lac_derived;

/* After the recipe's open. lac_derived_close ends it; safe on zeroes. */
lac_status lac_derived_open(lac_derived *d, const lac_recipe *r, const char *stage, uint64_t seed, int64_t first, int64_t share);
void lac_derived_close(lac_derived *d);

/* Samples [from, from + n) of a field, on the tape, as its definition says: pictures in [-1, 1], masks 0 or 1, both f32; what is f32 already, or
 * integers that are neither, is taken as it is. */
lac_tensor *lac_field_load(lac_tape *t, const lac_field *field, int64_t from, int64_t n);

/* The batch of n samples that a step takes, its data NULL. */
lac_status lac_derived_describe(const lac_recipe *r, int64_t n, lac_batch *batch);

/* whole[p] for every phase's batch: the loader's data, and what is derived, d's until the next call. Equal batches stay equal. LAC_ERR_STATE where one
 * has more samples than the share, or lacks a field. */
lac_status lac_derived_take(lac_derived *d, const lac_recipe *r, const lac_batch *const *batch, const lac_batch **whole);
