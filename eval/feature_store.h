/* eval/feature_store.h -- what a network made of pictures, in a file: pictures that many evaluations see (a reference folder) are run once.
 *
 * A folder has a file for each network and way of asking it, called by the hash of words that say all that the numbers depend on. In it:
 *
 *     "lacuna features 1\n", the hash in hex, a line's end; then records of one length: the input's key, n floats, u32 CRC-32C of both, u32 0
 *
 * in the machine's own byte order. Records are appended under a lock, so that many programs may share a folder; half a record at the end is written over,
 * one that does not sum up is not there. */
#pragma once

#include "eval/memo.h"

typedef struct lac_feature_store lac_feature_store;

/* Makes folder and file where they are not there. about: all that the numbers depend on but the input. LAC_ERR_FORMAT for a file that is no such store. */
lac_status lac_feature_store_open(lac_feature_store **s, const char *folder, const char *about, int64_t n);
void lac_feature_store_close(lac_feature_store *s);                     /* NULL is fine */

/* Whether the store has them; value [n]. */
bool lac_feature_store_get(const lac_feature_store *s, const lac_memo_key *key, float *value);
/* Where they are not there. */
lac_status lac_feature_store_put(lac_feature_store *s, const lac_memo_key *key, const float *value);
