#include "core/cpu/winograd_points.h"

/* Four results of a kernel of seven interpolate at 0, +-A, +-B, +-C, +-D and infinity, points found by search on random data among multiples of 1/16: rounding is 1.4e-6. The coefficients are those
 * of products of (x^2 - point^2), worked out in double. */
enum { RESULTS = 4, MOST_TAPS = 7, MOST_POINTS = 10, PAIRS = (MOST_POINTS - 2) / 2 };
#define A 0.4375
#define B 0.8125
#define C 1.25
#define D 2.5

/* Of prod (z - a) (z - b) (z - c), from z^0 to z^2; z^3 has 1. */
#define CUBIC(a, b, c) { -(a) * (b) * (c), (a) * (b) + (a) * (c) + (b) * (c), -(a) - (b) - (c) }
static const double point[PAIRS] = { A, B, C, D };
static const double other[PAIRS][3] = { CUBIC(B * B, C * C, D * D), CUBIC(A * A, C * C, D * D), CUBIC(A * A, B * B, D * D), CUBIC(A * A, B * B, C * C) };
static const double all[PAIRS] = {
    A * A * B * B * C * C * D * D,
    -(A * A * B * B * C * C + A * A * B * B * D * D + A * A * C * C * D * D + B * B * C * C * D * D),
    A * A * B * B + A * A * C * C + A * A * D * D + B * B * C * C + B * B * D * D + C * C * D * D,
    -(A * A + B * B + C * C + D * D),
};

/* Of the pixels under a tile: for each point the coefficients of the product of x minus the other points. */
INLINE void pixels_of_7(vec *o, const vec *d)
{
    #pragma GCC unroll 4
    for (int i = 0; i < PAIRS; i++) {
        vec even = d[8], odd = d[7];
        #pragma GCC unroll 3
        for (int k = 2; k >= 0; k--) {
            even = fma_(every((float)other[i][k]), d[2 * k + 2], even);
            odd = fma_(every((float)other[i][k]), d[2 * k + 1], odd);
        }
        o[2 * i + 1] = fma_(every((float)point[i]), odd, even);
        o[2 * i + 2] = fma_(every((float)-point[i]), odd, even);
    }
    o[0] = d[8], o[9] = d[9];
    #pragma GCC unroll 4
    for (int k = PAIRS - 1; k >= 0; k--) {
        o[0] = fma_(every((float)all[k]), d[2 * k], o[0]);
        o[9] = fma_(every((float)all[k]), d[2 * k + 1], o[9]);
    }
}

/* Results of the products p: sums of p times powers of the points. */
INLINE void results_of_7(vec *y, const vec *p)
{
    y[0] = p[0], y[1] = every(0), y[2] = every(0), y[3] = p[9];
    #pragma GCC unroll 4
    for (int i = 0; i < PAIRS; i++) {
        const double a = point[i];
        const vec even = p[2 * i + 1] + p[2 * i + 2], odd = p[2 * i + 1] - p[2 * i + 2];
        y[0] = y[0] + even;
        y[1] = fma_(every((float)a), odd, y[1]);
        y[2] = fma_(every((float)(a * a)), even, y[2]);
        y[3] = fma_(every((float)(a * a * a)), odd, y[3]);
    }
}

/* Weights as a polynomial at the points, over the product of differences to the other points. */
INLINE void weights_of_7(vec *o, const vec *g)
{
    o[0] = g[0] * every((float)(1 / all[0]));
    o[9] = g[6];
    #pragma GCC unroll 4
    for (int i = 0; i < PAIRS; i++) {
        const double z = point[i] * point[i], scale = 1 / (2 * z * (z * z * z + other[i][2] * z * z + other[i][1] * z + other[i][0]));
        const vec even = fma_(fma_(fma_(g[6], every((float)z), g[4]), every((float)z), g[2]), every((float)z), g[0]) * every((float)scale);
        const vec odd = fma_(fma_(g[5], every((float)z), g[3]), every((float)z), g[1]) * every((float)(point[i] * scale));
        o[2 * i + 1] = even + odd;
        o[2 * i + 2] = even - odd;
    }
}

INLINE void line_pixels(const int taps, vec *o, const vec *d)
{
    if (taps == 7)
        pixels_of_7(o, d);
    else
        pixels(RESULTS, o, d, 1);
}

INLINE void line_results(const int taps, vec *y, const vec *p)
{
    if (taps == 7)
        results_of_7(y, p);
    else
        results(RESULTS, y, p, 1);
}

INLINE void line_weights(const int taps, vec *o, const vec *g)
{
    if (taps == 7)
        weights_of_7(o, g);
    else
        weights(RESULTS, o, g, 1);
}

/* Index of the first of `count` pixels of a line, which of them [from, to) there are, and how far apart they lie. */
typedef struct line { int64_t at, from, to, step; } line;

static line line_of(const lac_wino *w, int64_t tile, const int64_t *size, int64_t c, int64_t base_y, int64_t base_x, int64_t count)
{
    const int64_t in_row = tile % w->tiles[1], in_map = tile / w->tiles[1] % w->tiles[0], n = tile / w->tiles[1] / w->tiles[0];
    const bool down = w->axis == 0;
    const int64_t y = base_y + in_map * (down ? RESULTS : 1), x = base_x + in_row * (down ? 1 : RESULTS), along = down ? y : x, across = down ? x : y;
    const bool beside = across < 0 || across >= size[1 - w->axis];
    return (line){ ((n * size[0] + y) * size[1] + x) * c, LAC_MAX(-along, 0), beside ? 0 : LAC_MIN(size[w->axis] - along, count), down ? size[1] * c : c };
}

INLINE void source_tile_of(const int taps, const lac_wino *w, const float *x, int64_t tile, float *v, int64_t stride)
{
    const int points = RESULTS + taps - 1;
    const line l = line_of(w, tile, w->in_size, w->in_c, w->in_base[0][0], w->in_base[1][0], points);
    for (int64_t c = 0; c < w->in_c; c += WIDTH) {
        const int64_t n = LAC_MIN(w->in_c - c, WIDTH);
        vec d[MOST_POINTS], o[MOST_POINTS];
        #pragma GCC unroll 10
        for (int i = 0; i < points; i++)
            d[i] = i >= l.from && i < l.to ? load_n(x + l.at + i * l.step + c, n) : every(0);
        line_pixels(taps, o, d);
        #pragma GCC unroll 10
        for (int i = 0; i < points; i++)
            store_n(v + i * stride + c, o[i], n);
    }
}

static void source_tile(const lac_wino *w, const float *x, int64_t tile, float *v, int64_t stride)
{
    if (w->taps == 7)
        source_tile_of(7, w, x, tile, v, stride);
    else
        source_tile_of(3, w, x, tile, v, stride);
}

/* Vectors of one tile's results from o on, as many as the panel has; the rows of `sums` are `stride` apart. */
INLINE void result_tile_of(const int taps, const lac_wino *w, const float *sums, int64_t stride, int64_t o, const line *l, const float *bias, const float *before,
                           lac_act_fn act, float *y)
{
    for (const float *end = sums + w->lanes; sums < end && o < w->o; sums += WIDTH, o += WIDTH) {
        const int64_t n = LAC_MIN(w->o - o, WIDTH);
        const vec b = bias ? load_n(bias + o, n) : every(0);
        vec p[MOST_POINTS], r[RESULTS];
        #pragma GCC unroll 10
        for (int i = 0; i < RESULTS + taps - 1; i++)
            p[i] = load(sums + i * stride);
        line_results(taps, r, p);
        #pragma GCC unroll 4
        for (int i = 0; i < RESULTS; i++) {
            const int64_t at = l->at + i * l->step + o;
            if (i < l->to)
                put(y + at, before ? before + at : NULL, r[i], b, n, act);
        }
    }
}

/* Tiles [from, to) of a panel of y. */
static void result_panel(const lac_wino *w, const float *sums, int64_t stride, int64_t panel, int64_t from, int64_t to, const float *bias, const float *before,
                         lac_act_fn act, float *y)
{
    for (int64_t t = from; t < to; t++, sums += w->lanes) {
        const line l = line_of(w, t, w->out_size, w->out_c, 0, 0, RESULTS);
        if (w->taps == 7)
            result_tile_of(7, w, sums, stride, panel * w->lanes, &l, bias, before, act, y);
        else
            result_tile_of(3, w, sums, stride, panel * w->lanes, &l, bias, before, act, y);
    }
}

static void run(const lac_wino *w, const float *x, const float *u, const float *bias, const float *before, lac_act_fn act, float *y, int64_t from, int64_t to,
                float *scratch)
{
    const int64_t tiles = to - from, rows = (tiles + 1) / 2 * 2, lanes = w->lanes, points = lac_wino_points(w), v_step = lac_wino_step(rows * w->k), m_step = lac_wino_step(rows * lanes);
    float *v = scratch, *m = scratch + points * lac_wino_step(w->block * w->k);
    for (int64_t t = from; t < to; t++)
        source_tile(w, x, t, v + (t - from) * w->k, v_step);
    for (int64_t i = 0; i < points && rows > tiles; i++)
        memset(v + i * v_step + tiles * w->k, 0, (size_t)w->k * sizeof *v);
    for (int64_t panel = 0; panel < w->panels; panel++) {
        for (int64_t i = 0; i < points; i++)
            multiply(w->vectors, rows, w->k, v + i * v_step, w->k, 1, u + lac_wino_u(w, i, panel), m + i * m_step, false);
        result_panel(w, m, m_step, panel, from, to, bias, before, act, y);
    }
}

/* One vector of U's matrices from the weights of the filters [o, o + WIDTH), those there are, at channel k. */
INLINE void pack_vector(const int taps, const lac_wino *w, const float *weight, float *u, int64_t k, int64_t o)
{
    float tap[MOST_TAPS][WIDTH] = { { 0 } };
    vec g[MOST_TAPS], e[MOST_POINTS];
    for (int64_t l = 0; l < WIDTH && o + l < w->o; l++)
        for (int i = 0; i < taps; i++)
            tap[i][l] = weight[((o + l) * taps + i) * w->w_in + k];
    #pragma GCC unroll 7
    for (int i = 0; i < taps; i++)
        g[i] = load(tap[i]);
    line_weights(taps, e, g);
    #pragma GCC unroll 10
    for (int i = 0; i < RESULTS + taps - 1; i++)
        store(u + lac_wino_u(w, i, o / w->lanes) + k * w->lanes + o % w->lanes, e[i]);
}

static void pack(const lac_wino *w, const float *weight, float *u, int64_t from, int64_t to)
{
    for (int64_t o = 0; o < w->panels * w->lanes; o += WIDTH)
        for (int64_t k = from; k < to; k++) {
            if (w->taps == 7)
                pack_vector(7, w, weight, u, k, o);
            else
                pack_vector(3, w, weight, u, k, o);
        }
}

const lac_wino_kernels LAC_CPU(lac_wino_line_kernels) = { .width = WIDTH, .most_vectors = MOST_VECTORS, .pack = pack, .run = run };
