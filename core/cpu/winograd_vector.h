/* core/cpu/winograd_vector.h -- vectors, the product and the end of a result, for Winograd over squares (cpu_winograd.c) and over lines (cpu_winograd_line.c),
 * which are compiled for each level. */
#pragma once

#include "core/act.h"
#include "core/cpu/level.h"
#include "core/cpu/winograd.h"

#include <string.h>
#if defined(__AVX512F__) || defined(__FMA__)
#include <immintrin.h>
#endif

#define INLINE __attribute__((always_inline)) static inline

#if defined(__AVX512F__)
enum { WIDTH = 16, MOST_VECTORS = 4 };
typedef __m512 vec;
INLINE vec load(const float *p) { return _mm512_loadu_ps(p); }
INLINE void store(float *p, vec v) { _mm512_storeu_ps(p, v); }
INLINE vec every(float f) { return _mm512_set1_ps(f); }
INLINE vec fma_(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
#elif defined(__FMA__)
enum { WIDTH = 8, MOST_VECTORS = 3 };
typedef __m256 vec;
INLINE vec load(const float *p) { return _mm256_loadu_ps(p); }
INLINE void store(float *p, vec v) { _mm256_storeu_ps(p, v); }
INLINE vec every(float f) { return _mm256_set1_ps(f); }
INLINE vec fma_(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
#else
enum { WIDTH = 4, MOST_VECTORS = 3 };
typedef float vec __attribute__((vector_size(16)));
INLINE vec load(const float *p) { vec v; memcpy(&v, p, sizeof v); return v; }
INLINE void store(float *p, vec v) { memcpy(p, &v, sizeof v); }
INLINE vec every(float f) { return (vec){ f, f, f, f }; }
INLINE vec fma_(vec a, vec b, vec c) { return a * b + c; }     /* no such instruction at this level */
#endif

#if defined(__AVX512F__)
INLINE vec load_n(const float *p, int64_t n) { return _mm512_maskz_loadu_ps((__mmask16)((n < 16 ? 1u << n : 1u << 16) - 1), p); }
INLINE void store_n(float *p, vec v, int64_t n) { _mm512_mask_storeu_ps(p, (__mmask16)((n < 16 ? 1u << n : 1u << 16) - 1), v); }
#else
INLINE vec load_n(const float *p, int64_t n)
{
    float t[WIDTH] = { 0 };
    if (n >= WIDTH)
        return load(p);
    memcpy(t, p, (size_t)n * sizeof *t);
    return load(t);
}

INLINE void store_n(float *p, vec v, int64_t n)
{
    float t[WIDTH];
    if (n >= WIDTH) {
        store(p, v);
        return;
    }
    store(t, v);
    memcpy(p, t, (size_t)n * sizeof *t);
}
#endif

enum { AHEAD = LAC_WINO_PIECE * MOST_VECTORS * WIDTH };

/* C [rows x lanes] (+)= A B: A[i, k] = a[i * a_i + k * a_k], B rows of `lanes` floats. `height` rows stay in registers. ahead: as much of what comes after B is
 * fetched. */
INLINE void product_rows(const int height, const int vectors, int64_t depth, const float *a, int64_t a_i, int64_t a_k, const float *b, float *c, bool add, const bool ahead)
{
    vec s[12][4];
    #pragma GCC unroll 24
    for (int i = 0; i < height; i++)
        #pragma GCC unroll 4
        for (int j = 0; j < vectors; j++)
            s[i][j] = every(0);
    for (int64_t k = 0; k < depth; k++, a += a_k, b += vectors * WIDTH) {
        vec row[4];
        #pragma GCC unroll 4
        for (int j = 0; j < vectors; j++)
            row[j] = load(b + j * WIDTH);
        #pragma GCC unroll 4
        for (int j = 0; ahead && j < vectors; j++)
            __builtin_prefetch(b + AHEAD + j * WIDTH, 0, 3);
        #pragma GCC unroll 24
        for (int i = 0; i < height; i++) {
            const vec e = every(a[i * a_i]);
            #pragma GCC unroll 4
            for (int j = 0; j < vectors; j++)
                s[i][j] = fma_(e, row[j], s[i][j]);
        }
    }
    #pragma GCC unroll 24
    for (int i = 0; i < height; i++)
        #pragma GCC unroll 4
        for (int j = 0; j < vectors; j++) {
            const vec before = add ? load(c + (i * vectors + j) * WIDTH) : every(0);
            store(c + (i * vectors + j) * WIDTH, before + s[i][j]);
        }
}

#if defined(__AVX512F__)
enum { HEIGHT_1 = 12, HEIGHT_2 = 12, HEIGHT_3 = 8, HEIGHT_4 = 6 };      /* 24 of 32 registers hold sums */
#else
enum { HEIGHT_1 = 8, HEIGHT_2 = 6, HEIGHT_3 = 4, HEIGHT_4 = 2 };        /* 12 of 16 */
#endif

#define SOME_ROWS(height, vectors)                                                                                  \
    for (; i + height <= rows; i += height)                                                                         \
        product_rows(height, vectors, depth, a + i * a_i, a_i, a_k, b, c + i * vectors * WIDTH, add, false)
#define ROWS(height, vectors)                                                                                       \
    do {                                                                                                            \
        int64_t i = 0;                                                                                              \
        for (; i == 0 && height <= rows; i = height)                                                                \
            product_rows(height, vectors, depth, a, a_i, a_k, b, c, add, true);                                     \
        SOME_ROWS(height, vectors);                                                                                 \
        SOME_ROWS(4, vectors);                                                                                      \
        SOME_ROWS(2, vectors);                                                                                      \
    } while (0)

static void multiply_piece(int64_t vectors, int64_t rows, int64_t depth, const float *a, int64_t a_i, int64_t a_k, const float *b, float *c, bool add)
{
    switch (vectors) {
    case 1: ROWS(HEIGHT_1, 1); break;
    case 2: ROWS(HEIGHT_2, 2); break;
    case 3: ROWS(HEIGHT_3, 3); break;
    default: ROWS(HEIGHT_4, 4); break;
    }
}

/* rows: even. In pieces of the depth, a_piece apart in A, whose rows of B stay in the first-level cache; each piece is summed by itself, which keeps rounding
 * small. */
static void multiply_pieces(int64_t vectors, int64_t rows, int64_t depth, int64_t piece, const float *a, int64_t a_i, int64_t a_k, int64_t a_piece, const float *b,
                            float *c, bool add)
{
    for (int64_t k = 0; k < depth; k += piece, a += a_piece)
        multiply_piece(vectors, rows, depth - k < piece ? depth - k : piece, a, a_i, a_k, b + k * vectors * WIDTH, c, add || k > 0);
}

static void multiply(int64_t vectors, int64_t rows, int64_t depth, const float *a, int64_t a_i, int64_t a_k, const float *b, float *c, bool add)
{
    const int64_t pieces = (depth + LAC_WINO_PIECE - 1) / LAC_WINO_PIECE, piece = (depth + pieces - 1) / pieces;
    multiply_pieces(vectors, rows, depth, piece, a, a_i, a_k, piece * a_k, b, c, add);
}

INLINE vec each_activated(vec v, lac_act_fn act)
{
    float f[WIDTH];
    store(f, v);
    #pragma omp simd
    for (int i = 0; i < WIDTH; i++)
        f[i] = lac_act_value(act, f[i]);
    return load(f);
}

INLINE vec activated(vec v, lac_act_fn act)
{
    switch (act.kind) {
    case LAC_ACT_NONE: return v;
    case LAC_ACT_LEAKY: return each_activated(v, lac_act_leaky(act.slope));
    case LAC_ACT_RELU: return each_activated(v, lac_act_of(LAC_ACT_RELU));
    default: return each_activated(v, act);
    }
}

/* Channels [o, o + n) of the result pixel: n > 0, all of one phase. */
INLINE void put(float *to, const float *before, vec v, vec bias, int64_t n, lac_act_fn act)
{
    v = v + bias;
    if (before)
        v = v + load_n(before, n);
    store_n(to, activated(v, act), n);
}
