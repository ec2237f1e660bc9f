#include "core/cpu/turn.h"
#include "core/cpu/winograd_points.h"

/* m gradients, as a polynomial at the points. */
INLINE void gradients(const int m, vec *o, const vec *g, int s)
{
    if (m == 2) {
        o[0] = g[0];
        o[1] = g[0] + g[s];
        o[2] = g[0] - g[s];
        o[3] = g[s];
        return;
    }
    const vec even_near = fma_(every(NEAR2), g[2 * s], g[0]), odd_near = fma_(every(NEAR2), g[3 * s], g[s]);
    const vec even_far = fma_(every(FAR2), g[2 * s], g[0]), odd_far = fma_(every(FAR2), g[3 * s], g[s]);
    o[0] = g[0];
    o[1] = fma_(every(NEAR), odd_near, even_near);
    o[2] = fma_(every(-NEAR), odd_near, even_near);
    o[3] = fma_(every(FAR), odd_far, even_far);
    o[4] = fma_(every(-FAR), odd_far, even_far);
    o[5] = g[3 * s];
}

/* The transpose of what is done to three weights. */
INLINE void weights_back(const int m, vec *o, const vec *p, int s)
{
    if (m == 2) {
        const vec even = (p[s] + p[2 * s]) * every(0.5f);
        o[0] = p[0] + even;
        o[1] = (p[s] - p[2 * s]) * every(0.5f);
        o[2] = even + p[3 * s];
        return;
    }
    const vec even_near = (p[s] + p[2 * s]) * every(SCALE_NEAR), odd_near = p[s] - p[2 * s];
    const vec even_far = (p[3 * s] + p[4 * s]) * every(SCALE_FAR), odd_far = p[3 * s] - p[4 * s];
    o[0] = fma_(every(SCALE_0), p[0], even_near + even_far);
    o[1] = fma_(every(NEAR * SCALE_NEAR), odd_near, odd_far * every(FAR * SCALE_FAR));
    o[2] = fma_(every(NEAR2), even_near, fma_(every(FAR2), even_far, p[5 * s]));
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

/* Where the `count` x `count` pixels of a tile of m x m results lie, NULL outside the map. */
INLINE void addresses(const float **at, int count, int64_t m, const float *map, const int64_t *size, int64_t c, const place *p, const int64_t *base, int64_t step)
{
    for (int i = 0; i < count; i++)
        for (int j = 0; j < count; j++) {
            const int64_t y = base[0] + p->grid[0] + step * (m * p->tile[0] + i), x = base[1] + p->grid[1] + step * (m * p->tile[1] + j);
            const int inside = y >= 0 && y < size[0] && x >= 0 && x < size[1];
            at[i * count + j] = inside ? map + ((p->n * size[0] + y) * size[1] + x) * c : NULL;
        }
}

INLINE vec pixel(const float *at, int64_t c, int64_t n) { return at ? load_n(at + c, n) : every(0); }

/* Channels [c, c + n) of the (m + 2)^2 pixels into v, v + stride, ... */
INLINE void transform_pixels(const int m, const float *const *at, int64_t c, int64_t n, float *v, int64_t stride)
{
    const int p = m + 2;
    vec t[36];
    #pragma GCC unroll 6
    for (int j = 0; j < p; j++) {
        vec d[6], o[6];
        #pragma GCC unroll 6
        for (int i = 0; i < p; i++)
            d[i] = pixel(at[p * i + j], c, n);
        pixels(m, o, d, 1);
        #pragma GCC unroll 6
        for (int i = 0; i < p; i++)
            t[p * i + j] = o[i];
    }
    #pragma GCC unroll 6
    for (int i = 0; i < p; i++) {
        vec o[6];
        pixels(m, o, t + p * i, 1);
        #pragma GCC unroll 6
        for (int j = 0; j < p; j++)
            store_n(v + (p * i + j) * stride, o[j], n);
    }
}

/* One tile of the source, all phases, into a row of each V, `stride` apart: channel c stands at c / 32 * piece + c % 32. */
INLINE void source_tile_of(const int m, const lac_wino *w, const float *x, int64_t tile, float *v, int64_t stride, int64_t piece)
{
    const place p = place_of(w, tile);
    for (int64_t f = 0; f < w->in_phases * w->in_phases; f++) {
        const int64_t base[2] = { w->in_base[0][f / w->in_phases], w->in_base[1][f % w->in_phases] };
        const float *at[36];
        addresses(at, m + 2, m, x, w->in_size, w->in_c, &p, base, w->step);
        for (int64_t c = 0; c < w->in_c; c += WIDTH) {
            const int64_t to = f * w->in_c + c;
            float *row = v + to / LAC_WINO_PIECE * piece + to % LAC_WINO_PIECE;
            if (c + WIDTH <= w->in_c)
                transform_pixels(m, at, c, WIDTH, row, stride);
            else
                transform_pixels(m, at, c, w->in_c - c, row, stride);
        }
    }
}

static void source_tile(const lac_wino *w, const float *x, int64_t tile, float *v, int64_t stride, int64_t piece)
{
    if (w->m == 2)
        source_tile_of(2, w, x, tile, v, stride, piece);
    else
        source_tile_of(4, w, x, tile, v, stride, piece);
}

/* Results r, m x m, of vector o of one tile go to y. */
INLINE void put_results(const int m, const lac_wino *w, const place *p, const vec *r, int64_t o, const float *bias, const float *before, lac_act_fn act, float *y)
{
    for (int64_t from = 0, n; from < WIDTH && o + from < w->o; from += n) {     /* pieces of one phase */
        const int64_t f = (o + from) / w->out_c, c = (o + from) % w->out_c;
        n = w->out_c - c < WIDTH - from ? w->out_c - c : WIDTH - from;
        const int64_t base[2] = { w->out_base[0][f / w->out_phases], w->out_base[1][f % w->out_phases] };
        const float *at[16];
        addresses(at, m, m, y, w->out_size, w->out_c, p, base, w->out_step);
        const vec b = bias ? load_n(bias + c, n) : every(0);
        for (int i = 0; i < m * m; i++) {
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

/* The results of vector o of one tile; the rows of `sums` are `stride` apart. */
INLINE void result_vector(const int m, const lac_wino *w, const place *p, const float *sums, int64_t stride, int64_t o, const float *bias, const float *before,
                          lac_act_fn act, float *y)
{
    const int points = m + 2;
    vec t[24], r[16];
    #pragma GCC unroll 6
    for (int j = 0; j < points; j++) {
        vec d[6], e[4];
        #pragma GCC unroll 6
        for (int i = 0; i < points; i++)
            d[i] = load(sums + (points * i + j) * stride);
        results(m, e, d, 1);
        #pragma GCC unroll 4
        for (int i = 0; i < m; i++)
            t[points * i + j] = e[i];
    }
    #pragma GCC unroll 4
    for (int i = 0; i < m; i++)
        results(m, r + m * i, t + points * i, 1);
    put_results(m, w, p, r, o, bias, before, act, y);
}

/* A panel of tiles [from, to). */
static void result_panel(const lac_wino *w, const float *sums, int64_t stride, int64_t panel, int64_t from, int64_t to, const float *bias, const float *before,
                         lac_act_fn act, float *y)
{
    for (int64_t t = from; t < to; t++) {
        const place p = place_of(w, t);
        const float *row = sums + (t - from) * w->lanes;
        for (int64_t at = 0, o = panel * w->lanes; at < w->lanes && o + at < w->o; at += WIDTH) {
            if (w->m == 2)
                result_vector(2, w, &p, row + at, stride, o + at, bias, before, act, y);
            else
                result_vector(4, w, &p, row + at, stride, o + at, bias, before, act, y);
        }
    }
}

static void run(const lac_wino *w, const float *x, const float *u, const float *bias, const float *before, lac_act_fn act, float *y, int64_t from, int64_t to,
                float *scratch)
{
    const int64_t rows = lac_wino_padded(to - from), lanes = w->lanes, points = lac_wino_points(w), v_step = lac_wino_step(rows * w->k), m_step = lac_wino_step(rows * lanes);
    float *v = scratch, *m = scratch + points * lac_wino_step(w->block * w->k);
    for (int64_t t = from; t < to; t++)
        source_tile(w, x, t, v + (t - from) * w->k, v_step, LAC_WINO_PIECE);
    for (int64_t xi = 0; xi < points && rows > to - from; xi++)
        memset(v + xi * v_step + (to - from) * w->k, 0, (size_t)((rows - (to - from)) * w->k) * sizeof *v);
    for (int64_t panel = 0; panel < w->panels; panel++) {
        for (int64_t xi = 0; xi < points; xi++)
            multiply(w->vectors, rows, w->k, v + xi * v_step, w->k, 1, u + lac_wino_u(w, xi, panel), m + xi * m_step, false);
        result_panel(w, m, m_step, panel, from, to, bias, before, act, y);
    }
}

static void few_source(const lac_wino *w, const float *x, float *v, int64_t tile)
{
    const int64_t rows = lac_wino_few_rows(w), piece = rows * LAC_WINO_PIECE, step = lac_wino_few_step(w);
    v += tile * LAC_WINO_PIECE;
    if (tile < w->n_tiles) {
        source_tile(w, x, tile, v, step, piece);
        return;
    }
    for (int64_t xi = 0; xi < lac_wino_points(w); xi++)
        for (int64_t k = 0; k < w->k; k += LAC_WINO_PIECE)
            memset(v + xi * step + k / LAC_WINO_PIECE * piece, 0, LAC_WINO_PIECE * sizeof *v);
}

static void few_panel(const lac_wino *w, const float *v, const float *u, const float *bias, const float *before, lac_act_fn act, float *y, int64_t panel, float *m)
{
    const int64_t rows = lac_wino_few_rows(w), m_step = lac_wino_step(rows * w->lanes);
    for (int64_t xi = 0; xi < lac_wino_points(w); xi++)
        multiply_pieces(w->vectors, rows, w->k, LAC_WINO_PIECE, v + xi * lac_wino_few_step(w), LAC_WINO_PIECE, 1, rows * LAC_WINO_PIECE,
                        u + lac_wino_u(w, xi, panel), m + xi * m_step, false);
    result_panel(w, m, m_step, panel, 0, w->n_tiles, bias, before, act, y);
}

/* Weight element of our channel pair (k, o) at place (i, j) of the 3x3 kernel; NULL where the real kernel has none. */
static const float *weight_at(const lac_wino *w, const float *weight, int64_t k, int64_t o, int i, int j)
{
    const int64_t f = w->reversed ? o / w->out_c : k / w->in_c, phases = w->reversed ? w->out_phases : w->in_phases;
    const int64_t y = w->tap[0][f / phases][i], x = w->tap[1][f % phases][j];
    const int64_t filter = w->reversed ? k : o, channel = w->reversed ? o % w->out_c : k % w->in_c;
    return y < 0 || x < 0 ? NULL : weight + ((filter * w->w_size[0] + y) * w->w_size[1] + x) * w->w_in + channel;
}

/* Squares of WIDTH x WIDTH. */
typedef float square[WIDTH][WIDTH];

static void transpose(square to, const square from)
{
    if ((int)WIDTH == (int)LAC_TURN) {
        lac_turn(to[0], WIDTH, from[0], WIDTH);
        return;
    }
    for (int i = 0; i < WIDTH; i++)
        for (int j = 0; j < WIDTH; j++)
            to[j][i] = from[i][j];
}

/* Are the square's pairs of channels all there, one phase? Then its weights stand in rows: of o when reversed, else of k. */
static bool whole_square(const lac_wino *w, int64_t k, int64_t o)
{
    return w->in_phases == 1 && w->out_phases == 1 && k + WIDTH <= w->k && o + WIDTH <= w->o;
}

/* The 3x3 weights of channels k, k + 1, ... (n of them) with o, o + 1, ...: g[tap][k][o]. */
static void read_square(const lac_wino *w, const float *weight, square *g, int64_t k, int64_t n, int64_t o)
{
    const bool whole = n == WIDTH && whole_square(w, k, o);
    for (int e = 0; e < 9; e++) {
        square rows;
        for (int64_t i = 0; i < WIDTH && whole; i++) {
            const float *from = w->reversed ? weight_at(w, weight, k + i, o, e / 3, e % 3) : weight_at(w, weight, k, o + i, e / 3, e % 3);
            __builtin_prefetch(from + WIDTH, 0, 2);
            store(rows[i], load(from));
        }
        if (whole && w->reversed)
            memcpy(g[e], rows, sizeof rows);
        else if (whole)
            transpose(g[e], rows);
        for (int64_t i = 0; i < n && !whole; i++)
            for (int64_t l = 0; l < WIDTH; l++) {
                const float *from = o + l < w->o ? weight_at(w, weight, k + i, o + l, e / 3, e % 3) : NULL;
                g[e][i][l] = from ? *from : 0;
            }
    }
}

/* Vector k of the square into U's matrices. */
INLINE void pack_vector(const int m, const square *g, int64_t k, float *u, int64_t stride)
{
    const int points = m + 2;
    vec t[18];
    #pragma GCC unroll 3
    for (int j = 0; j < 3; j++) {
        const vec column[3] = { load(g[j][k]), load(g[3 + j][k]), load(g[6 + j][k]) };
        vec o[6];
        weights(m, o, column, 1);
        #pragma GCC unroll 6
        for (int i = 0; i < points; i++)
            t[3 * i + j] = o[i];
    }
    #pragma GCC unroll 6
    for (int i = 0; i < points; i++) {
        vec o[6];
        weights(m, o, t + 3 * i, 1);
        #pragma GCC unroll 6
        for (int j = 0; j < points; j++)
            store(u + (points * i + j) * stride, o[j]);
    }
}

/* What is written once and read much later, past the caches. */
INLINE void stream(float *to, const float *from, int64_t n)
{
    for (int64_t i = 0; i < n; i += WIDTH)
#if defined(__AVX512F__)
        _mm512_stream_ps(to + i, load(from + i));
#elif defined(__FMA__)
        _mm256_stream_ps(to + i, load(from + i));
#else
        store(to + i, load(from + i));
#endif
}

/* A square of each vector of a panel at a time, by way of a buffer: what lies side by side in U is written together. */
static void pack(const lac_wino *w, const float *weight, float *u, int64_t from, int64_t to)
{
    enum { STEP = WIDTH * MOST_VECTORS * WIDTH };
    static _Thread_local float buffer[36 * STEP];
    square g[9];
    for (int64_t panel = 0; panel < w->panels; panel++)
        for (int64_t k = from, n; k < to; k += n) {
            n = to - k < WIDTH ? to - k : WIDTH;
            for (int64_t at = 0; at < w->lanes; at += WIDTH) {
                read_square(w, weight, g, k, n, panel * w->lanes + at);
                for (int64_t i = 0; i < n; i++) {
                    if (w->m == 2)
                        pack_vector(2, (const square *)g, i, buffer + i * w->lanes + at, STEP);
                    else
                        pack_vector(4, (const square *)g, i, buffer + i * w->lanes + at, STEP);
                }
            }
            for (int64_t xi = 0; xi < lac_wino_points(w); xi++)
                stream(u + lac_wino_u(w, xi, panel) + k * w->lanes, buffer + xi * STEP, n * w->lanes);
        }
#if defined(__FMA__)
    _mm_sfence();
#endif
}

/* One vector of gy, m x m pixels, into Y. */
INLINE void transform_gradient(const int m, const float *const *at, int64_t c, int64_t n, float *y, int64_t stride)
{
    const int points = m + 2;
    vec t[24];
    for (int j = 0; j < m; j++) {
        vec d[4], o[6];
        for (int i = 0; i < m; i++)
            d[i] = pixel(at[m * i + j], c, n);
        gradients(m, o, d, 1);
        for (int i = 0; i < points; i++)
            t[m * i + j] = o[i];
    }
    for (int i = 0; i < points; i++) {
        vec o[6];
        gradients(m, o, t + m * i, 1);
        for (int j = 0; j < points; j++)
            store(y + (points * i + j) * stride, o[j]);
    }
}

static void transform(const lac_wino *w, const float *x, const float *gy, float *v, float *y, int64_t tile, int64_t row, int64_t rows)
{
    const int64_t kp = lac_wino_padded(w->k), v_step = lac_wino_step(rows * kp), y_step = lac_wino_step(w->panels * rows * w->lanes);
    source_tile(w, x, tile, v + row * kp, v_step, LAC_WINO_PIECE);
    for (int64_t xi = 0; xi < lac_wino_points(w) && kp > w->k; xi++)
        memset(v + xi * v_step + row * kp + w->k, 0, (size_t)(kp - w->k) * sizeof *v);
    const place p = place_of(w, tile);
    const float *at[16];
    addresses(at, (int)w->m, w->m, gy, w->out_size, w->out_c, &p, (int64_t[]){ w->out_base[0][0], w->out_base[1][0] }, w->out_step);
    for (int64_t panel = 0; panel < w->panels; panel++)
        for (int64_t o = 0; o < w->lanes; o += WIDTH) {
            const int64_t c = panel * w->lanes + o, left = w->o - c, n = left > WIDTH ? WIDTH : left > 0 ? left : 0;
            float *to = y + (panel * rows + row) * w->lanes + o;
            if (w->m == 2)
                transform_gradient(2, at, n > 0 ? c : 0, n, to, y_step);
            else if (n == WIDTH)
                transform_gradient(4, at, c, WIDTH, to, y_step);
            else
                transform_gradient(4, at, n > 0 ? c : 0, n, to, y_step);
        }
}

static void product(const lac_wino *w, const float *v, const float *y, float *m, bool add, int64_t rows)
{
    const int64_t kp = lac_wino_padded(w->k);
    multiply(w->vectors, kp, rows, v, 1, kp, y, m, add);
}

/* Vector k of the square g from M's matrices. */
INLINE void finish_vector(const int m, square *g, int64_t k, const float *from, int64_t stride)
{
    const int points = m + 2;
    vec t[18];
    #pragma GCC unroll 6
    for (int j = 0; j < points; j++) {
        vec d[6], o[3];
        #pragma GCC unroll 6
        for (int i = 0; i < points; i++)
            d[i] = load(from + (points * i + j) * stride);
        weights_back(m, o, d, 1);
        #pragma GCC unroll 3
        for (int i = 0; i < 3; i++)
            t[points * i + j] = o[i];
    }
    #pragma GCC unroll 3
    for (int i = 0; i < 3; i++) {
        vec o[3];
        weights_back(m, o, t + points * i, 1);
        #pragma GCC unroll 3
        for (int j = 0; j < 3; j++)
            store(g[3 * i + j][k], o[j]);
    }
}

static void write_square(const lac_wino *w, const square *g, float *gw, bool add, int64_t k, int64_t n, int64_t o)
{
    const bool whole = n == WIDTH && whole_square(w, k, o);
    for (int e = 0; e < 9; e++) {
        square rows;
        if (whole)
            transpose(rows, g[e]);
        for (int64_t l = 0; l < WIDTH && o + l < w->o; l++) {
            float *to = (float *)weight_at(w, gw, k, o + l, e / 3, e % 3);
            if (whole)
                store(to, add ? (vec)(load(to) + load(rows[l])) : load(rows[l]));
            for (int64_t i = 0; i < n && !whole; i++) {
                to = (float *)weight_at(w, gw, k + i, o + l, e / 3, e % 3);
                if (to)
                    *to = add ? *to + g[e][i][l] : g[e][i][l];
            }
        }
    }
}

/* Rows [from, to) of k of a panel, m their place in the first of M's matrices, `stride` apart. */
static void finish_panel(const lac_wino *w, const float *m, int64_t stride, float *gw, bool add, int64_t panel, int64_t from, int64_t to)
{
    square g[9];
    for (int64_t k = from, n; k < to; k += n) {
        n = to - k < WIDTH ? to - k : WIDTH;
        for (int64_t at = 0; at < w->lanes; at += WIDTH) {
            const float *row = m + (k - from) * w->lanes + at;
            for (int64_t i = 0; i < n; i++, row += w->lanes) {
                if (w->m == 2)
                    finish_vector(2, g, i, row, stride);
                else
                    finish_vector(4, g, i, row, stride);
            }
            write_square(w, (const square *)g, gw, add, k, n, panel * w->lanes + at);
        }
    }
}

static void finish(const lac_wino *w, const float *m, float *gw, bool add, int64_t from, int64_t to)
{
    const int64_t kp = lac_wino_padded(w->k);
    for (int64_t panel = 0; panel < w->panels; panel++)
        finish_panel(w, m + (panel * kp + from) * w->lanes, w->panels * kp * w->lanes, gw, add, panel, from, to);
}

static void few_gradient(const lac_wino *w, const float *v, const float *y, float *gw, bool add, int64_t panel, int64_t from, int64_t to, float *m)
{
    const int64_t rows = w->n_tiles, kp = lac_wino_padded(w->k), m_step = lac_wino_step(LAC_WINO_FEW_K * w->lanes);
    for (int64_t xi = 0; xi < lac_wino_points(w); xi++)
        multiply(w->vectors, to - from, rows, v + xi * lac_wino_step(rows * kp) + from, 1, kp,
                 y + xi * lac_wino_step(w->panels * rows * w->lanes) + panel * rows * w->lanes, m + xi * m_step, false);
    finish_panel(w, m, m_step, gw, add, panel, from, to < w->k ? to : w->k);
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
    .few_source = few_source, .few_panel = few_panel, .few_gradient = few_gradient,
};
