/* core/random_state.h -- NumPy's RandomState, as far as published metrics draw from it: the same subsets and orders for the same seed.
 *
 * MT19937 (M. Matsumoto, T. Nishimura, 1998) seeded by k[0] = seed, k[i] = 1812433253 (k[i - 1] ^ (k[i - 1] >> 30)) + i. NumPy froze this generator
 * and what it makes of it (NEP 19), so these are the numbers of any version. */
#pragma once

#include <stdint.h>

typedef struct lac_random_state { uint32_t key[624]; int at; } lac_random_state;

void lac_random_state_init(lac_random_state *r, uint32_t seed);
uint32_t lac_random_state_next(lac_random_state *r);
double lac_random_state_sample(lac_random_state *r);        /* random_sample(): [0, 1), 53 bits */
/* to [n] = permutation(n); its first m are choice(n, m, replace=False). */
void lac_random_state_permutation(lac_random_state *r, int64_t n, int64_t *to);
