/* train/buckets.h -- a flat arena of gradients in buckets: each is reduced when it is whole, while backward goes on.
 *
 * Over R ranks every bucket is cut into R equal pieces, and rank r's piece of each is r's to move (ZeRO-1). A rank keeps what belongs to its
 * pieces alone (moments, EMA) close together: piece k lies there at k * each. */
#pragma once

#include "core/comm/lane.h"

typedef struct lac_buckets {
    lac_lane *lane;
    int64_t n, size;            /* buckets; floats in the arena */
    int64_t length, each;       /* floats of a bucket and of a rank's piece of it; the last may be shorter */
    int64_t share;              /* floats in this rank's pieces */
    int64_t *waits, *left;      /* parameters in a bucket; those whose gradient is still to come */
    bool *begun;                /* its reduction */
} lac_buckets;

/* size, a multiple of align * ranks, is the arena's; the buckets have about `bytes` each. */
lac_status lac_buckets_cut(lac_buckets *b, lac_lane *lane, int64_t size, int64_t align, size_t bytes);
void lac_buckets_free(lac_buckets *b);          /* safe on zeroes */

/* This rank's piece of bucket k in the arena: the first float, and how many. */
int64_t lac_buckets_first(const lac_buckets *b, int64_t k);
int64_t lac_buckets_piece(const lac_buckets *b, int64_t k);

void lac_buckets_expect(lac_buckets *b, int64_t from, int64_t n);      /* a parameter's floats; once each, after the cut */

/* The gradient of the parameter at those floats is complete. Reduces the buckets that are whole by that. */
lac_status lac_buckets_complete(lac_buckets *b, float *grad, int64_t from, int64_t n);
/* Reduces the rest, each piece to its own, and joins. The next gradients may come. */
lac_status lac_buckets_reduce(lac_buckets *b, float *grad);

/* Every rank's pieces into the whole arena; own: this rank's, where they lie in `whole` (NULL) or close together. Joins. */
lac_status lac_buckets_gather(lac_buckets *b, float *whole, const float *own);
