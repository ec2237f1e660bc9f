#include "data/order.h"

#include "core/philox.h"

enum { ROUNDS = 6 };

static uint32_t scramble(lac_philox *p, uint32_t round, uint64_t half)
{
    uint32_t word[4];
    p->counter[1] = round ^ (uint32_t)(half >> 32) << 8;
    lac_philox_block(p, (uint32_t)half, word);
    return word[0];
}

/* Swaps halves of `bits` each; any function of one half may be added to the other and the whole stays a bijection. */
static uint64_t feistel(lac_philox *p, int bits, uint64_t x)
{
    const uint64_t mask = ((uint64_t)1 << bits) - 1;
    uint64_t left = x >> bits, right = x & mask;
    for (uint32_t r = 0; r < ROUNDS; r++) {
        const uint64_t next = (left ^ scramble(p, r, right)) & mask;
        left = right;
        right = next;
    }
    return left << bits | right;
}

int64_t lac_permute(uint64_t seed, uint32_t purpose, uint32_t round, int64_t n, int64_t i)
{
    int bits = 1;
    while ((int64_t)1 << 2 * bits < n)
        bits++;
    lac_philox p = lac_philox_at(seed, purpose, round, 0);
    uint64_t x = (uint64_t)i;
    do
        x = feistel(&p, bits, x);
    while (x >= (uint64_t)n);
    return (int64_t)x;
}

int64_t lac_order_record(uint64_t seed, uint32_t purpose, int64_t n, int64_t position)
{
    return lac_permute(seed, purpose, (uint32_t)(position / n), n, position % n);
}

lac_status lac_mix_new(lac_mix *m, const double *weight, int n)
{
    double total = 0, sum = 0;
    if (n < 1 || n > LAC_MIX_MAX)
        return LAC_FAIL(LAC_ERR_CONFIG, "%d sources of data, expected 1 to %d", n, LAC_MIX_MAX);
    for (int k = 0; k < n; k++) {
        if (!(weight[k] > 0 && weight[k] < 1e12))
            return LAC_FAIL(LAC_ERR_CONFIG, "source %d has weight %g, expected a number above 0", k + 1, weight[k]);
        total += weight[k];
    }
    *m = (lac_mix){ .n = n };
    for (int k = 0; k < n; k++) {
        sum += weight[k];
        const int64_t wanted = (int64_t)(sum / total * LAC_MIX_BLOCK + 0.5), least = m->first[k] + 1, most = LAC_MIX_BLOCK - (n - 1 - k);
        m->first[k + 1] = LAC_MIN(LAC_MAX(wanted, least), most);
    }
    return LAC_OK;
}

int lac_mix_source(const lac_mix *m, uint64_t seed, uint32_t purpose, int64_t position, int64_t *own)
{
    if (m->n == 1) {
        *own = position;
        return 0;
    }
    const int64_t block = position / LAC_MIX_BLOCK;
    const int64_t slot = lac_permute(seed, purpose, (uint32_t)block, LAC_MIX_BLOCK, position % LAC_MIX_BLOCK);
    int k = 0;
    while (slot >= m->first[k + 1])
        k++;
    *own = block * (m->first[k + 1] - m->first[k]) + slot - m->first[k];
    return k;
}
