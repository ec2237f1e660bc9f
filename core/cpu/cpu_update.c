/* core/cpu/cpu_update.c -- one chunk of core/update.h, in written-out fused multiply-adds. */
#include "core/cpu/level.h"
#include "core/fmath.h"
#include "core/update.h"

#include <math.h>

double LAC_CPU(lac_update_measure)(const float *g, int64_t n);
void LAC_CPU(lac_update_apply)(const lac_update *u, const lac_update_range *r, int64_t from, int64_t n, float clip);

typedef double lanes __attribute__((vector_size(64)));
typedef float narrow __attribute__((vector_size(32), aligned(4), may_alias));

static inline __attribute__((always_inline)) void add_squares(lanes *sum, const float *g)
{
    const lanes x = __builtin_convertvector(*(const narrow *)g, lanes);
    *sum += x * x;
}

/* 32 sums of their own whatever the CPU's vectors, so that every CPU gives the same bits. In double no square of an f32
 * overflows: the sum is finite if and only if every element is. */
double LAC_CPU(lac_update_measure)(const float *g, int64_t n)
{
    lanes sum[4] = { { 0 } };
    int64_t i = 0;
    for (; i + 32 <= n; i += 32) {
        add_squares(&sum[0], g + i);
        add_squares(&sum[1], g + i + 8);
        add_squares(&sum[2], g + i + 16);
        add_squares(&sum[3], g + i + 24);
    }
    sum[0] += sum[1] + (sum[2] + sum[3]);
    double total = 0;
    for (int j = 0; j < 8; j++)
        total += sum[0][j];
    for (; i < n; i++)
        total += (double)g[i] * g[i];
    return total;
}

typedef struct constants { float clip, pull, shrink, b1, a1, b2, a2, step, root, eps, keep, mix, most; } constants;

static inline __attribute__((always_inline)) void adam(const constants *c, float *restrict p, const float *restrict g, float *restrict m,
                                                       float *restrict v, float *restrict ema, uint16_t *restrict bf16, int64_t n)
{
    const constants k = *c;
    #pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        const float gi = lac_fma(k.pull, p[i], k.clip * g[i]);
        const float mi = lac_fma(k.b1, m[i], k.a1 * gi), vi = lac_fma(k.b2, v[i], k.a2 * gi * gi);
        const float free = lac_fma(-k.step, mi / lac_fma(lac_sqrt(vi), k.root, k.eps), k.shrink * p[i]), to = free > k.most ? k.most : free;
        m[i] = mi;
        v[i] = vi;
        p[i] = to;
        if (ema != NULL)
            ema[i] = lac_fma(k.keep, ema[i], k.mix * to);
        if (bf16 != NULL)
            bf16[i] = lac_f32_to_bf16(to);
    }
}

static inline void average(float *restrict ema, const float *restrict p, int64_t n, float keep, float mix)
{
    #pragma omp simd
    for (int64_t i = 0; i < n; i++)
        ema[i] = lac_fma(keep, ema[i], mix * p[i]);
}

static constants constants_of(const lac_update *u, const lac_update_range *r, float clip)
{
    const lac_update_scalars *s = u->scalars;
    return (constants){
        .clip = clip, .pull = u->decoupled ? 0.0f : r->decay, .shrink = u->decoupled ? (float)(1 - (double)s->lr * r->lr * r->decay) : 1.0f,
        .b1 = (float)u->beta1, .a1 = (float)(1 - u->beta1), .b2 = (float)u->beta2, .a2 = (float)(1 - u->beta2), .step = s->step * r->lr,
        .root = s->root, .eps = (float)u->eps, .keep = s->keep, .mix = 1.0f - s->keep,
        .most = r->bounded ? r->most : INFINITY,
    };
}

void LAC_CPU(lac_update_apply)(const lac_update *u, const lac_update_range *r, int64_t from, int64_t n, float clip)
{
    const constants c = constants_of(u, r, clip);
    const int64_t at = r->start + from, own = at - r->skipped;
    float *p = u->master + at, *m = u->m + own, *v = u->v + own, *ema = u->ema == NULL ? NULL : u->ema + own;
    const float *g = u->grad + at;
    uint16_t *bf16 = r->bf16 == NULL ? NULL : r->bf16 + from;
    if (r->idle) {
        if (ema != NULL)
            average(ema, p, n, c.keep, c.mix);
    } else if (ema != NULL && bf16 != NULL)
        adam(&c, p, g, m, v, ema, bf16, n);
    else if (ema != NULL)
        adam(&c, p, g, m, v, ema, NULL, n);
    else if (bf16 != NULL)
        adam(&c, p, g, m, v, NULL, bf16, n);
    else
        adam(&c, p, g, m, v, NULL, NULL, n);
}
