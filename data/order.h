/* data/order.h -- which record stands where: an endless row of epochs, each a permutation of [0, n) that depends on (seed, epoch) alone.
 *
 * Position p = step * global batch + sample in the global batch. Nothing is stored: a run resumes by knowing p. The permutation is a
 * Feistel network of six rounds on Philox over the next even number of bits, walked until it lands inside [0, n). */
#pragma once

#include "core/status.h"

/* Image of i under the permutation of [0, n) that (seed, purpose, round) names; a bijection. 0 <= i < n < 2^62. */
int64_t lac_permute(uint64_t seed, uint32_t purpose, uint32_t round, int64_t n, int64_t i);

/* Record at a position: epoch = position / n, then the permutation of that epoch. */
int64_t lac_order_record(uint64_t seed, uint32_t purpose, int64_t n, int64_t position);

/* Sources mixed by weight. Every LAC_MIX_BLOCK positions hold each source by its share (rounded, at least once), shuffled; each source
 * then walks its own epochs. */
enum { LAC_MIX_BLOCK = 1024, LAC_MIX_MAX = 64 };
typedef struct lac_mix { int n; int64_t first[LAC_MIX_MAX + 1]; } lac_mix;     /* slots [first[k], first[k + 1]) are source k's */

lac_status lac_mix_new(lac_mix *m, const double *weight, int n);        /* LAC_ERR_CONFIG for a weight that is not above 0 */
/* Which source a position takes, and the position within that source's own row. */
int lac_mix_source(const lac_mix *m, uint64_t seed, uint32_t purpose, int64_t position, int64_t *own);
