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

/* Interpolation points 0, +-NEAR, +-FAR and infinity. 5/8 and 3/2 lose 2.4 times less to rounding than the usual 1 and 2 (found by
 * search on random data); all constants but the two reciprocals are exact in f32. */
#define NEAR 0.625f
#define FAR 1.5f
#define NEAR2 (NEAR * NEAR)
#define FAR2 (FAR * FAR)
#define SCALE_0 (1.0f / (NEAR2 * FAR2))                         /* one over the product of differences to the other points */
#define SCALE_NEAR (1.0f / (2 * NEAR2 * (NEAR2 - FAR2)))
#define SCALE_FAR (1.0f / (2 * FAR2 * (FAR2 - NEAR2)))

/* The one-dimensional transforms. Of six pixels: the coefficients of prod (x - other points). */
INLINE void pixels(vec *o, const vec *d, int s)
{
    const vec even_near = fma_(every(-FAR2), d[2 * s], d[4 * s]), odd_near = fma_(every(-FAR2), d[s], d[3 * s]);
    const vec even_far = fma_(every(-NEAR2), d[2 * s], d[4 * s]), odd_far = fma_(every(-NEAR2), d[s], d[3 * s]);
    o[0] = fma_(every(NEAR2 * FAR2), d[0], fma_(every(-NEAR2 - FAR2), d[2 * s], d[4 * s]));
    o[1] = fma_(every(NEAR), odd_near, even_near);
    o[2] = fma_(every(-NEAR), odd_near, even_near);
    o[3] = fma_(every(FAR), odd_far, even_far);
    o[4] = fma_(every(-FAR), odd_far, even_far);
    o[5] = fma_(every(NEAR2 * FAR2), d[s], fma_(every(-NEAR2 - FAR2), d[3 * s], d[5 * s]));
}

/* Four results of six products: sums of m times powers of the points. */
INLINE void results(vec *y, const vec *m, int s)
{
    const vec even_near = m[s] + m[2 * s], odd_near = m[s] - m[2 * s], even_far = m[3 * s] + m[4 * s], odd_far = m[3 * s] - m[4 * s];
    y[0] = m[0] + even_near + even_far;
    y[1] = fma_(every(NEAR), odd_near, odd_far * every(FAR));
    y[2] = fma_(every(NEAR2), even_near, even_far * every(FAR2));
    y[3] = fma_(every(NEAR2 * NEAR), odd_near, fma_(every(FAR2 * FAR), odd_far, m[5 * s]));
}

/* Four gradients, as a polynomial at the points. */
INLINE void gradients(vec *o, const vec *g, int s)
{
    const vec even_near = fma_(every(NEAR2), g[2 * s], g[0]), odd_near = fma_(every(NEAR2), g[3 * s], g[s]);
    const vec even_far = fma_(every(FAR2), g[2 * s], g[0]), odd_far = fma_(every(FAR2), g[3 * s], g[s]);
    o[0] = g[0];
    o[1] = fma_(every(NEAR), odd_near, even_near);
    o[2] = fma_(every(-NEAR), odd_near, even_near);
    o[3] = fma_(every(FAR), odd_far, even_far);
    o[4] = fma_(every(-FAR), odd_far, even_far);
    o[5] = g[3 * s];
}

/* Three weights, as a scaled polynomial at the points. */
INLINE void weights(vec *o, const vec *g, int s)
{
    const vec even_near = fma_(every(NEAR2), g[2 * s], g[0]) * every(SCALE_NEAR), odd_near = g[s] * every(NEAR * SCALE_NEAR);
    const vec even_far = fma_(every(FAR2), g[2 * s], g[0]) * every(SCALE_FAR), odd_far = g[s] * every(FAR * SCALE_FAR);
    o[0] = g[0] * every(SCALE_0);
    o[1] = even_near + odd_near;
    o[2] = even_near - odd_near;
    o[3] = even_far + odd_far;
    o[4] = even_far - odd_far;
    o[5] = g[2 * s];
}

/* The transpose of that. */
INLINE void weights_back(vec *o, const vec *m, int s)
{
    const vec even_near = (m[s] + m[2 * s]) * every(SCALE_NEAR), odd_near = m[s] - m[2 * s];
    const vec even_far = (m[3 * s] + m[4 * s]) * every(SCALE_FAR), odd_far = m[3 * s] - m[4 * s];
    o[0] = fma_(every(SCALE_0), m[0], even_near + even_far);
    o[1] = fma_(every(NEAR * SCALE_NEAR), odd_near, odd_far * every(FAR * SCALE_FAR));
    o[2] = fma_(every(NEAR2), even_near, fma_(every(FAR2), even_far, m[5 * s]));
}

typedef struct place { int64_t n, grid[2], tile[2]; } place;

static place place_of(const lac_wino *w, int64_t t)
{
    place p;
    p.tile[1] = t % w->tiles[1], t /= w->tiles[1];
    p.tile[0] = t % w->tiles[0], t /= w->tiles[0];
    p.grid[1] = t % w->grids, t /= w->grids;
    p.grid[0] = t % w->grids;
    p.n = t / w->grids;
    return p;
}

/* Where the `count` x `count` pixels of a tile lie, NULL outside the map. */
INLINE void addresses(const float **at, int count, const float *map, const int64_t *size, int64_t c, const place *p, const int64_t *base, int64_t step)
{
    for (int i = 0; i < count; i++)
        for (int j = 0; j < count; j++) {
            const int64_t y = base[0] + p->grid[0] + step * (4 * p->tile[0] + i), x = base[1] + p->grid[1] + step * (4 * p->tile[1] + j);
            const int inside = y >= 0 && y < size[0] && x >= 0 && x < size[1];
            at[i * count + j] = inside ? map + ((p->n * size[0] + y) * size[1] + x) * c : NULL;
        }
}

INLINE vec pixel(const float *at, int64_t c, int64_t n) { return at ? load_n(at + c, n) : every(0); }

/* Channels [c, c + n) of the 36 pixels into v, v + stride, ... */
INLINE void transform_pixels(const float *const *at, int64_t c, int64_t n, float *v, int64_t stride)
{
    vec t[36];
    #pragma GCC unroll 6
    for (int j = 0; j < 6; j++) {
        vec d[6], o[6];
        #pragma GCC unroll 6
        for (int i = 0; i < 6; i++)
            d[i] = pixel(at[6 * i + j], c, n);
        pixels(o, d, 1);
        #pragma GCC unroll 6
        for (int i = 0; i < 6; i++)
            t[6 * i + j] = o[i];
    }
    #pragma GCC unroll 6
    for (int i = 0; i < 6; i++) {
        vec o[6];
        pixels(o, t + 6 * i, 1);
        #pragma GCC unroll 6
        for (int j = 0; j < 6; j++)
            store_n(v + (6 * i + j) * stride, o[j], n);
    }
}

/* One tile of the source, all phases: v [36] rows of k floats, `stride` apart. */
static void source_tile(const lac_wino *w, const float *x, int64_t tile, float *v, int64_t stride)
{
    const place p = place_of(w, tile);
    for (int64_t f = 0; f < w->in_phases * w->in_phases; f++) {
        const int64_t base[2] = { w->in_base[0][f / w->in_phases], w->in_base[1][f % w->in_phases] };
        const float *at[36];
        addresses(at, 6, x, w->in_size, w->in_c, &p, base, w->step);
        int64_t c = 0;
        for (; c + WIDTH <= w->in_c; c += WIDTH)
            transform_pixels(at, c, WIDTH, v + f * w->in_c + c, stride);
        if (c < w->in_c)
            transform_pixels(at, c, w->in_c - c, v + f * w->in_c + c, stride);
    }
}

/* C [rows x lanes] (+)= A B: A[i, k] = a[i * a_i + k * a_k], B rows of `lanes` floats. `height` rows stay in registers. */
INLINE void product_rows(const int height, const int vectors, int64_t depth, const float *a, int64_t a_i, int64_t a_k, const float *b, float *c, bool add)
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

#define ROWS(height, vectors)                                                                                       \
    for (int64_t i = 0; i < rows; i += height)                                                                      \
        product_rows(height, vectors, depth, a + i * a_i, a_i, a_k, b, c + i * vectors * WIDTH, add)

static void multiply_piece(int64_t vectors, int64_t rows, int64_t depth, const float *a, int64_t a_i, int64_t a_k, const float *b, float *c, bool add)
{
    switch (vectors) {
    case 1: ROWS(HEIGHT_1, 1); break;
    case 2: ROWS(HEIGHT_2, 2); break;
    case 3: ROWS(HEIGHT_3, 3); break;
    default: ROWS(HEIGHT_4, 4); break;
    }
}

/* rows: a multiple of LAC_WINO_ROWS. In pieces of the depth whose rows of B stay in the first-level cache; each piece is summed by itself,
 * which keeps rounding small. */
static void multiply(int64_t vectors, int64_t rows, int64_t depth, const float *a, int64_t a_i, int64_t a_k, const float *b, float *c, bool add)
{
    const int64_t pieces = (depth + 31) / 32, piece = (depth + pieces - 1) / pieces;
    for (int64_t k = 0; k < depth; k += piece)
        multiply_piece(vectors, rows, depth - k < piece ? depth - k : piece, a + k * a_k, a_i, a_k, b + k * vectors * WIDTH, c, add || k > 0);
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

/* The 4x4 results of vector o of one tile; m rows are `stride` apart. */
static void result_vector(const lac_wino *w, const place *p, const float *m, int64_t stride, int64_t o, const float *bias, const float *before, lac_act_fn act,
                          float *y)
{
    vec t[24], r[16];
    #pragma GCC unroll 6
    for (int j = 0; j < 6; j++) {
        vec d[6], e[4];
        #pragma GCC unroll 6
        for (int i = 0; i < 6; i++)
            d[i] = load(m + (6 * i + j) * stride);
        results(e, d, 1);
        #pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
            t[6 * i + j] = e[i];
    }
    #pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        results(r + 4 * i, t + 6 * i, 1);
    for (int64_t from = 0, n; from < WIDTH && o + from < w->o; from += n) {     /* pieces of one phase */
        const int64_t f = (o + from) / w->out_c, c = (o + from) % w->out_c;
        n = w->out_c - c < WIDTH - from ? w->out_c - c : WIDTH - from;
        const int64_t base[2] = { w->out_base[0][f / w->out_phases], w->out_base[1][f % w->out_phases] };
        const float *at[16];
        addresses(at, 4, y, w->out_size, w->out_c, p, base, w->out_step);
        const vec b = bias ? load_n(bias + c, n) : every(0);
        for (int i = 0; i < 16; i++) {
            float moved[2 * WIDTH];
            if (at[i] == NULL)
                continue;
            float *to = (float *)at[i] + c;
            const float *add = before ? before + (to - y) : NULL;
            if (from > 0) {
                store(moved, r[i]);
                put(to, add, load_n(moved + from, n), b, n, act);
            } else {
                put(to, add, r[i], b, n, act);
            }
        }
    }
}

static void run(const lac_wino *w, const float *x, const float *u, const float *bias, const float *before, lac_act_fn act, float *y, int64_t from, int64_t to,
                float *scratch)
{
    const int64_t rows = lac_wino_padded(to - from), lanes = w->lanes, v_step = lac_wino_step(rows * w->k), m_step = lac_wino_step(rows * lanes);
    float *v = scratch, *m = scratch + 36 * lac_wino_step(w->block * w->k);
    for (int64_t t = from; t < to; t++)
        source_tile(w, x, t, v + (t - from) * w->k, v_step);
    for (int64_t xi = 0; xi < 36 && rows > to - from; xi++)
        memset(v + xi * v_step + (to - from) * w->k, 0, (size_t)((rows - (to - from)) * w->k) * sizeof *v);
    for (int64_t panel = 0; panel < w->panels; panel++) {
        for (int64_t xi = 0; xi < 36; xi++)
            multiply(w->vectors, rows, w->k, v + xi * v_step, w->k, 1, u + (xi * w->panels + panel) * w->k * lanes, m + xi * m_step, false);
        for (int64_t t = from; t < to; t++) {
            const place p = place_of(w, t);
            for (int64_t o = 0; o < lanes && panel * lanes + o < w->o; o += WIDTH)
                result_vector(w, &p, m + (t - from) * lanes + o, m_step, panel * lanes + o, bias, before, act, y);
        }
    }
}

/* Weight element of our channel pair (k, o) at place (i, j) of the 3x3 kernel; NULL where the real kernel has none. */
static const float *weight_at(const lac_wino *w, const float *weight, int64_t k, int64_t o, int i, int j)
{
    const int64_t f = w->reversed ? o / w->out_c : k / w->in_c, phases = w->reversed ? w->out_phases : w->in_phases;
    const int64_t y = w->tap[0][f / phases][i], x = w->tap[1][f % phases][j];
    const int64_t filter = w->reversed ? k : o, channel = w->reversed ? o % w->out_c : k % w->in_c;
    return y < 0 || x < 0 ? NULL : weight + ((filter * w->w_size[0] + y) * w->w_size[1] + x) * w->w_in + channel;
}

static void pack_vector(const lac_wino *w, const float *weight, float *u, int64_t k, int64_t panel, int64_t at)
{
    float g[9][WIDTH] = { { 0 } };
    for (int64_t l = 0; l < WIDTH && panel * w->lanes + at + l < w->o; l++)
        for (int e = 0; e < 9; e++) {
            const float *from = weight_at(w, weight, k, panel * w->lanes + at + l, e / 3, e % 3);
            g[e][l] = from ? *from : 0;
        }
    vec t[18];
    for (int j = 0; j < 3; j++) {
        const vec column[3] = { load(g[j]), load(g[3 + j]), load(g[6 + j]) };
        vec o[6];
        weights(o, column, 1);
        for (int i = 0; i < 6; i++)
            t[3 * i + j] = o[i];
    }
    for (int i = 0; i < 6; i++) {
        vec o[6];
        weights(o, t + 3 * i, 1);
        for (int j = 0; j < 6; j++)
            store(u + (((6 * i + j) * w->panels + panel) * w->k + k) * w->lanes + at, o[j]);
    }
}

static void pack(const lac_wino *w, const float *weight, float *u, int64_t from, int64_t to)
{
    for (int64_t k = from; k < to; k++)
        for (int64_t panel = 0; panel < w->panels; panel++)
            for (int64_t at = 0; at < w->lanes; at += WIDTH)
                pack_vector(w, weight, u, k, panel, at);
}

/* One vector of gy, 4x4 pixels, into Y. */
INLINE void transform_gradient(const float *const *at, int64_t c, int64_t n, float *y, int64_t stride)
{
    vec t[24];
    for (int j = 0; j < 4; j++) {
        vec d[4], o[6];
        for (int i = 0; i < 4; i++)
            d[i] = pixel(at[4 * i + j], c, n);
        gradients(o, d, 1);
        for (int i = 0; i < 6; i++)
            t[4 * i + j] = o[i];
    }
    for (int i = 0; i < 6; i++) {
        vec o[6];
        gradients(o, t + 4 * i, 1);
        for (int j = 0; j < 6; j++)
            store(y + (6 * i + j) * stride, o[j]);
    }
}

static void transform(const lac_wino *w, const float *x, const float *gy, float *v, float *y, int64_t tile, int64_t row, int64_t rows)
{
    const int64_t kp = lac_wino_padded(w->k), v_step = lac_wino_step(rows * kp), y_step = lac_wino_step(w->panels * rows * w->lanes);
    source_tile(w, x, tile, v + row * kp, v_step);
    for (int64_t xi = 0; xi < 36 && kp > w->k; xi++)
        memset(v + xi * v_step + row * kp + w->k, 0, (size_t)(kp - w->k) * sizeof *v);
    const place p = place_of(w, tile);
    const float *at[16];
    addresses(at, 4, gy, w->out_size, w->out_c, &p, (int64_t[]){ w->out_base[0][0], w->out_base[1][0] }, w->out_step);
    for (int64_t panel = 0; panel < w->panels; panel++)
        for (int64_t o = 0; o < w->lanes; o += WIDTH) {
            const int64_t c = panel * w->lanes + o, left = w->o - c;
            float *to = y + (panel * rows + row) * w->lanes + o;
            if (left >= WIDTH)
                transform_gradient(at, c, WIDTH, to, y_step);
            else
                transform_gradient(at, left > 0 ? c : 0, left > 0 ? left : 0, to, y_step);
        }
}

static void product(const lac_wino *w, const float *v, const float *y, float *m, bool add, int64_t rows)
{
    const int64_t kp = lac_wino_padded(w->k);
    multiply(w->vectors, kp, rows, v, 1, kp, y, m, add);
}

static void finish_vector(const lac_wino *w, const float *m, float *gw, bool add, int64_t k, int64_t panel, int64_t at)
{
    const int64_t kp = lac_wino_padded(w->k), stride = w->panels * kp * w->lanes;
    const float *from = m + (panel * kp + k) * w->lanes + at;
    vec t[18];
    float g[9][WIDTH];
    for (int j = 0; j < 6; j++) {
        vec d[6], o[3];
        for (int i = 0; i < 6; i++)
            d[i] = load(from + (6 * i + j) * stride);
        weights_back(o, d, 1);
        for (int i = 0; i < 3; i++)
            t[6 * i + j] = o[i];
    }
    for (int i = 0; i < 3; i++) {
        vec o[3];
        weights_back(o, t + 6 * i, 1);
        for (int j = 0; j < 3; j++)
            store(g[3 * i + j], o[j]);
    }
    for (int64_t l = 0; l < WIDTH && panel * w->lanes + at + l < w->o; l++)
        for (int e = 0; e < 9; e++) {
            float *to = (float *)weight_at(w, gw, k, panel * w->lanes + at + l, e / 3, e % 3);
            if (to)
                *to = add ? *to + g[e][l] : g[e][l];
        }
}

static void finish(const lac_wino *w, const float *m, float *gw, bool add, int64_t from, int64_t to)
{
    for (int64_t k = from; k < to; k++)
        for (int64_t panel = 0; panel < w->panels; panel++)
            for (int64_t at = 0; at < w->lanes; at += WIDTH)
                finish_vector(w, m, gw, add, k, panel, at);
}

static void bias_sums(const lac_wino *w, const float *gy, float *gb, int64_t from, int64_t to)
{
    memset(gb, 0, (size_t)w->out_c * sizeof *gb);
    for (int64_t p = from; p < to; p++) {
        const float *g = gy + p * w->out_c;
        #pragma omp simd
        for (int64_t c = 0; c < w->out_c; c++)
            gb[c] += g[c];
    }
}

const lac_wino_kernels LAC_CPU(lac_wino_kernels) = {
    .width = WIDTH, .most_vectors = MOST_VECTORS, .pack = pack, .run = run, .transform = transform, .product = product, .finish = finish, .bias = bias_sums,
};
