#include "core/random_state.h"

enum { N = 624, M = 397 };

void lac_random_state_init(lac_random_state *r, uint32_t seed)
{
    r->key[0] = seed;
    for (uint32_t i = 1; i < N; i++)
        r->key[i] = 1812433253u * (r->key[i - 1] ^ (r->key[i - 1] >> 30)) + i;
    r->at = N;
}

static void refill(lac_random_state *r)
{
    uint32_t *k = r->key;
    for (int i = 0; i < N; i++) {
        const uint32_t y = (k[i] & 0x80000000u) | (k[(i + 1) % N] & 0x7fffffffu);
        k[i] = k[(i + M) % N] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    r->at = 0;
}

uint32_t lac_random_state_next(lac_random_state *r)
{
    if (r->at == N)
        refill(r);
    uint32_t y = r->key[r->at++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

double lac_random_state_sample(lac_random_state *r)
{
    const uint32_t a = lac_random_state_next(r) >> 5, b = lac_random_state_next(r) >> 6;
    return (a * 67108864.0 + b) / 9007199254740992.0;
}

/* 0..most: draws under the smallest mask that holds most, until one is not above it. */
static uint64_t bounded(lac_random_state *r, uint64_t most)
{
    uint64_t mask = most, x;
    for (int by = 1; by < 64; by *= 2)
        mask |= mask >> by;
    do {
        x = lac_random_state_next(r);
        if (most > UINT32_MAX)
            x = x << 32 | lac_random_state_next(r);
        x &= mask;
    } while (x > most);
    return x;
}

void lac_random_state_permutation(lac_random_state *r, int64_t n, int64_t *to)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        const int64_t j = (int64_t)bounded(r, (uint64_t)i), was = to[i];
        to[i] = to[j];
        to[j] = was;
    }
}
