/* eval/memo.h -- what a network made of its last inputs, by the SHA-256 of each: an input that comes again is not run again. */
#pragma once

#include "core/sha256.h"
#include "core/status.h"

typedef struct lac_memo lac_memo;
typedef struct lac_memo_key { uint8_t digest[LAC_SHA256_SIZE]; } lac_memo_key;

/* Keeps the last `most` inputs, n numbers of each. lac_memo_free ends it, and NULL. */
lac_status lac_memo_new(lac_memo **m, int64_t most, int64_t n);
void lac_memo_free(lac_memo *m);

/* What is not remembered is looked for in a store (eval/feature_store.h) of as many numbers, and what is run goes there; the memo's own from now on. */
struct lac_feature_store;
void lac_memo_keep(lac_memo *m, struct lac_feature_store *store);

/* Runs inputs at[0 .. n), each of another key: value [n][the memo's n]. */
typedef lac_status lac_memo_run(void *context, const int64_t *at, int64_t n, float *value);

/* value [n][the memo's n] of n inputs: those that are remembered or kept, and those that run makes of the others, each of them once. run is not called where there are none. */
lac_status lac_memo_values(lac_memo *m, const lac_memo_key *key, int64_t n, lac_memo_run *run, void *context, float *value);
