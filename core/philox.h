/* core/philox.h -- Philox4x32-10 (Salmon et al., SC 2011), the project's only source of randomness.
 *
 *     key     = seed
 *     counter = (step, sample, element / 4, hash of the purpose)
 *
 * Every number is a function of these, so it does not depend on ranks, threads, batch size or history.
 * `sample` is the position in the global batch; evaluation puts the record's id in place of step and sample.
 * Integers, uniforms and normals are equal on all devices (core/fmath). */
#pragma once

#include "core/fmath.h"

#include <stdint.h>

typedef struct lac_philox { uint32_t key[2], counter[4]; } lac_philox;      /* counter[2] is element / 4 */

/* FNV-1a of the purpose's name: "crop", "mask", "init/generator/conv1.weight". */
static inline uint32_t lac_purpose(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 16777619u;
    return h;
}

static inline lac_philox lac_philox_at(uint64_t seed, uint32_t purpose, uint32_t step, uint32_t sample)
{
    return (lac_philox){ { (uint32_t)seed, (uint32_t)(seed >> 32) }, { step, sample, 0, purpose } };
}

/* The four words of block b (elements 4b .. 4b + 3). */
LAC_HD static inline void lac_philox_block(const lac_philox *p, uint32_t b, uint32_t out[4])
{
    uint32_t k0 = p->key[0], k1 = p->key[1], c0 = p->counter[0], c1 = p->counter[1], c2 = b, c3 = p->counter[3];
    for (int round = 0; round < 10; round++) {
        const uint64_t m0 = (uint64_t)0xD2511F53u * c0, m1 = (uint64_t)0xCD9E8D57u * c2;
        const uint32_t n0 = (uint32_t)(m1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(m0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)m1;
        c3 = (uint32_t)m0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

/* [0, 1), 24 bits. */
LAC_HD static inline float lac_uniform(uint32_t word) { return (float)(word >> 8) * 0x1p-24f; }

/* Two standard normals from two words (Box and Muller). */
LAC_HD static inline void lac_normal2(uint32_t a, uint32_t b, float *x, float *y)
{
    const float r = lac_sqrt(-2.0f * lac_log(((float)(a >> 8) + 1.0f) * 0x1p-24f));
    float s, c;
    lac_sincos2pi(lac_uniform(b), &s, &c);
    *x = r * c;
    *y = r * s;
}

/* A stream over the elements of one counter, for host code that draws a few numbers in order. */
typedef struct lac_stream { lac_philox philox; uint32_t next, word[4]; } lac_stream;

static inline lac_stream lac_stream_at(uint64_t seed, uint32_t purpose, uint32_t step, uint32_t sample)
{
    return (lac_stream){ .philox = lac_philox_at(seed, purpose, step, sample) };
}

static inline uint32_t lac_stream_word(lac_stream *s)
{
    if (s->next % 4 == 0)
        lac_philox_block(&s->philox, s->next / 4, s->word);
    return s->word[s->next++ % 4];
}

static inline float lac_stream_uniform(lac_stream *s) { return lac_uniform(lac_stream_word(s)); }

/* An integer of [0, n), n > 0, without bias: multiply-shift with rejection (Lemire 2019). */
static inline uint32_t lac_stream_below(lac_stream *s, uint32_t n)
{
    uint64_t m = (uint64_t)lac_stream_word(s) * n;
    if ((uint32_t)m < n)
        for (const uint32_t floor = (uint32_t)-n % n; (uint32_t)m < floor;)
            m = (uint64_t)lac_stream_word(s) * n;
    return (uint32_t)(m >> 32);
}

static inline float lac_stream_normal(lac_stream *s)
{
    const uint32_t a = lac_stream_word(s), b = lac_stream_word(s);
    float x, y;
    lac_normal2(a, b, &x, &y);
    return x;
}

/* n standard normals of one counter; element i is a function of the counter and i alone. */
static inline void lac_philox_normals(const lac_philox *p, float *to, int64_t n)
{
    for (int64_t i = 0; i < n; i += 4) {
        uint32_t word[4];
        float x[4];
        lac_philox_block(p, (uint32_t)(i / 4), word);
        lac_normal2(word[0], word[1], &x[0], &x[1]);
        lac_normal2(word[2], word[3], &x[2], &x[3]);
        for (int64_t k = 0; k < 4 && i + k < n; k++)
            to[i + k] = x[k];
    }
}
