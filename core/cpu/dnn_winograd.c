#include "core/cpu/dnn_winograd.h"

#include "core/cpu/dnn_cache.h"
#include "core/cpu/features.h"
#include "core/threads.h"

#include <omp.h>
#include <string.h>

extern const lac_wino_kernels lac_wino_kernels_base, lac_wino_line_kernels_base;
#ifdef __x86_64__
extern const lac_wino_kernels lac_wino_kernels_v3, lac_wino_kernels_v4, lac_wino_line_kernels_v3, lac_wino_line_kernels_v4;
#endif

static const lac_wino_kernels *kernels_of(const lac_wino *w)
{
#ifdef __x86_64__
    switch (lac_cpu_level_here()) {
    case LAC_LEVEL_V4: return w->line ? &lac_wino_line_kernels_v4 : &lac_wino_kernels_v4;
    case LAC_LEVEL_V3: return w->line ? &lac_wino_line_kernels_v3 : &lac_wino_kernels_v3;
    case LAC_LEVEL_BASE: break;
    }
#endif
    return w->line ? &lac_wino_line_kernels_base : &lac_wino_kernels_base;
}

static int64_t ceil_div(int64_t a, int64_t b) { return a > 0 ? (a + b - 1) / b : -(-a / b); }

/* y[a + d i] reads x[a - pad + d (i + tap)]; reversed: gx[a + d i] reads gy[a + pad - 2 d + d (i + place)], tap = 2 - place. */
static void dilated_axis(lac_wino *w, int axis, int64_t pad, int64_t dilation)
{
    w->in_base[axis][0] = w->reversed ? pad - 2 * dilation : -pad;
    for (int i = 0; i < 3; i++)
        w->tap[axis][0][i] = w->reversed ? 2 - i : i;
}

/* y[i] reads x[2 (i + q) + p - pad] with tap 2 q + p, p the phase. */
static void strided_axis(lac_wino *w, int axis, int64_t pad)
{
    for (int p = 0; p < 2; p++) {
        w->in_base[axis][p] = p - pad;
        for (int q = 0; q < 3; q++)
            w->tap[axis][p][q] = 2 * q + p < 5 ? 2 * q + p : -1;
    }
}

/* y[i] reads x[i + 3 p + q - pad] with tap 3 p + q: a kernel of five is two of three, one behind the other. */
static void split_axis(lac_wino *w, int axis, int64_t pad)
{
    for (int p = 0; p < 2; p++) {
        w->in_base[axis][p] = 3 * p - pad;
        for (int q = 0; q < 3; q++)
            w->tap[axis][p][q] = 3 * p + q < 5 ? 3 * p + q : -1;
    }
}

/* gx[2 s + p - pad] reads gy[s - q] with tap 2 q + p. s begins at first[p] for each phase, so that no tile is lost; the three pixels
 * of gy begin at the least first[p] - q. */
static bool strided_axis_back(lac_wino *w, int axis, int64_t pad)
{
    int64_t first[2], least = INT64_MAX, most = INT64_MIN;
    for (int p = 0; p < 2; p++) {
        first[p] = ceil_div(pad - p, 2);
        w->out_base[axis][p] = 2 * first[p] + p - pad;
        least = LAC_MIN(least, first[p] - (4 - p) / 2);
        most = LAC_MAX(most, first[p]);
    }
    w->in_base[axis][0] = least;
    for (int p = 0; p < 2; p++)
        for (int i = 0; i < 3; i++) {
            const int64_t q = first[p] - least - i;
            w->tap[axis][p][i] = q >= 0 && 2 * q + p < 5 ? 2 * q + p : -1;
        }
    return most - least <= 2;
}

static bool geometry(lac_wino *w, const lac_conv *c, lac_conv_pass pass)
{
    const bool strided = c->stride[0] == 2, split = !strided && c->kh == 5;
    const int64_t x[] = { c->h, c->w }, y[] = { lac_conv_out_h(c), lac_conv_out_w(c) };
    memset(w, 0, sizeof *w);
    w->reversed = pass == LAC_CONV_GRAD_X;
    w->taps = 3;
    w->n = c->n;
    w->in_c = w->reversed ? c->o : c->c;
    w->out_c = w->reversed ? c->c : c->o;
    w->grids = c->dilation[0];
    w->step = strided && !w->reversed ? 2 : c->dilation[0];
    w->out_step = strided && w->reversed ? 2 : c->dilation[0];
    w->in_phases = split || (strided && !w->reversed) ? 2 : 1;
    w->out_phases = strided && w->reversed ? 2 : 1;
    w->w_size[0] = c->kh;
    w->w_size[1] = c->kw;
    w->w_in = c->c;
    for (int axis = 0; axis < 2; axis++) {
        const int64_t pad = c->pad[2 * axis];
        w->in_size[axis] = w->reversed ? y[axis] : x[axis];
        w->out_size[axis] = w->reversed ? x[axis] : y[axis];
        if (split)
            split_axis(w, axis, pad);
        else if (!strided)
            dilated_axis(w, axis, pad, c->dilation[0]);
        else if (!w->reversed)
            strided_axis(w, axis, pad);
        else if (!strided_axis_back(w, axis, pad))
            return false;
    }
    return true;
}

static void count_tiles(lac_wino *w, int64_t m)
{
    w->m = m;
    for (int axis = 0; axis < 2; axis++)
        w->tiles[axis] = ceil_div(ceil_div(w->out_size[axis], w->out_step), m);
    w->n_tiles = w->n * w->grids * w->grids * w->tiles[0] * w->tiles[1];
}

/* Transformed tiles and one panel of results in half of a second-level cache of 2 MiB or so, but enough of them to read U seldom, and eight blocks where that leaves 48 tiles each.
 * Of lines, whose tiles are small, equal blocks: eight, four or at least two. */
static int64_t tiles_at_once(const lac_wino *w)
{
    const int64_t in_cache = (1400 << 10) / (lac_wino_points(w) * (int64_t)sizeof(float) * (w->k + w->lanes)), most = LAC_MAX(LAC_MIN(in_cache, 96), 48);
    if (!w->line)
        return lac_wino_padded(LAC_MIN(most, LAC_MAX(ceil_div(w->n_tiles, 8), LAC_WINO_ROWS)));
    const int64_t equal = w->n_tiles >= 8 * 32 ? 8 : w->n_tiles >= 4 * 32 ? 4 : 2, blocks = LAC_MAX(ceil_div(w->n_tiles, equal * most), 1) * equal;
    return (ceil_div(w->n_tiles, blocks) + 1) / 2 * 2;
}

/* Vectors per panel: least padding of o, then the widest. */
static void blocking(lac_wino *w)
{
    const lac_wino_kernels *kernels = kernels_of(w);
    w->k = w->in_phases * w->in_phases * w->in_c;
    w->o = w->out_phases * w->out_phases * w->out_c;
    int64_t least = INT64_MAX;
    for (int64_t v = 1; v <= kernels->most_vectors; v++) {
        const int64_t padded = ceil_div(w->o, v * kernels->width) * v * kernels->width;
        if (padded > least)
            continue;
        least = padded;
        w->vectors = v;
    }
    w->lanes = w->vectors * kernels->width;
    w->panels = ceil_div(w->o, w->lanes);
    w->block = tiles_at_once(w);
}

static int64_t u_floats(const lac_wino *w) { return lac_wino_u(w, lac_wino_points(w), 0); }

/* Few tiles and a large U: is the product of all of them with U still worth it? Tiles of 2x2 where 4x4 leaves less than 32 of them, as U is then read for little; gw
 * is then made faster as a product. */
static bool few_fit(lac_wino *w, lac_conv_pass pass)
{
    if (w->k < 128 || w->o < 256 || w->grids > 1)
        return false;
    w->few = true;
    if (w->n_tiles < 32)
        count_tiles(w, 2);
    return w->n_tiles >= 16 && (w->m == 4 || pass != LAC_CONV_GRAD_W);
}

/* A kernel of three or seven along one axis. By the map of one sample alone, so that each has the bits that it has beside others. */
static bool line_fits(lac_wino *w, const lac_conv *c, lac_conv_pass pass)
{
    const int64_t out[] = { lac_conv_out_h(c), lac_conv_out_w(c) }, taps = c->kh * c->kw;
    const int axis = c->kh == 1;
    const bool dense = c->stride[0] == 1 && c->stride[1] == 1 && c->dilation[0] == 1 && c->dilation[1] == 1;
    if (pass != LAC_CONV_FORWARD || (c->kh != 1 && c->kw != 1) || (taps != 3 && taps != 7) || !dense)
        return false;
    if (c->c < 32 || c->o < 32 || out[axis] < 8 || out[0] * out[1] < 64)
        return false;
    *w = (lac_wino){ .n = c->n, .in_size = { c->h, c->w }, .in_c = c->c, .out_size = { out[0], out[1] }, .out_c = c->o, .grids = 1, .step = 1, .out_step = 1,
                     .in_phases = 1, .out_phases = 1, .in_base = { { -c->pad[0] }, { -c->pad[2] } }, .m = 4, .line = true, .axis = axis, .taps = taps,
                     .w_size = { c->kh, c->kw }, .w_in = c->c };
    for (int i = 0; i < 2; i++)
        w->tiles[i] = i == axis ? ceil_div(out[i], w->m) : out[i];
    w->n_tiles = w->n * w->tiles[0] * w->tiles[1];
    blocking(w);
    return true;
}

bool lac_wino_fits(lac_wino *w, const lac_conv *c, lac_conv_pass pass, lac_dtype dx)
{
    const bool square = c->kh == c->kw && c->stride[0] == c->stride[1] && c->dilation[0] == c->dilation[1];
    const bool three = c->kh == 3 && c->stride[0] == 1;
    const bool five = c->kh == 5 && c->dilation[0] == 1 && (c->stride[0] == 2 || (c->stride[0] == 1 && pass == LAC_CONV_FORWARD));
    if (c->dtype != LAC_F32 || dx != LAC_F32 || c->direct || c->groups != 1)
        return false;
    if (!square || (!three && !five))
        return line_fits(w, c, pass);
    const int64_t map = LAC_MIN(lac_conv_out_h(c), lac_conv_out_w(c)) / c->dilation[0];
    const int64_t least_c = three ? 16 : pass == LAC_CONV_GRAD_X ? 4 : 32, least_o = three ? 16 : 32;     /* phases quadruple the c of gx */
    if (map < (three ? 4 : 16) || c->c < least_c || c->o < least_o)
        return false;
    if (!geometry(w, c, pass))
        return false;
    count_tiles(w, 4);
    blocking(w);
    if (w->n_tiles >= (three ? 96 : 256) || u_floats(w) < 1 << 20)          /* making and reading a large U has to pay */
        return true;
    return three && few_fit(w, pass);
}

static int64_t n_blocks(const lac_wino *w) { return ceil_div(w->n_tiles, w->block); }
static int64_t n_workers(const lac_wino *w) { return LAC_MIN(lac_threads(), n_blocks(w)); }

static int64_t m_floats(const lac_wino *w) { return lac_wino_points(w) * w->panels * lac_wino_padded(w->k) * w->lanes; }

/* Weight gradient: tiles transformed before they are multiplied. Few enough to stay in the second-level cache where M is small; so
 * many that reading and writing M does not count where it is large. */
static int64_t chunk_rows(const lac_wino *w)
{
    if (w->few)
        return w->n_tiles;
    const int64_t row = lac_wino_points(w) * (lac_wino_padded(w->k) + w->panels * w->lanes) * (int64_t)sizeof(float);
    const int64_t bytes = LAC_MIN(LAC_MAX(1 << 20, 2 * m_floats(w) * (int64_t)sizeof(float)), 6 << 20);
    return LAC_MIN(LAC_MAX(bytes / row, 96), w->n_tiles);
}
static int64_t v_floats(const lac_wino *w) { return lac_wino_points(w) * lac_wino_step(chunk_rows(w) * lac_wino_padded(w->k)); }
static int64_t y_floats(const lac_wino *w) { return lac_wino_points(w) * lac_wino_step(chunk_rows(w) * w->panels * w->lanes); }

size_t lac_wino_workspace(const lac_wino *w, lac_conv_pass pass, bool packed)
{
    const int64_t u = packed ? 0 : u_floats(w), m = w->few ? lac_threads() * lac_wino_few_m(w) : m_floats(w);
    const int64_t floats = pass == LAC_CONV_GRAD_W ? v_floats(w) + y_floats(w) + m + LAC_BLOCKS * w->out_c
                           : w->few                ? u + lac_wino_points(w) * lac_wino_few_step(w) + m
                                                   : u + n_workers(w) * lac_wino_scratch(w);
    return (size_t)floats * sizeof(float);
}

static lac_status pack(const void *context, const void *from, void *to)
{
    const lac_wino *w = context;
    const lac_wino_kernels *kernels = kernels_of(w);
    LAC_PARALLEL_BLOCKS(b, first, end, ceil_div(w->k, LAC_WINO_SQUARE)) {
        (void)b;
        kernels->pack(w, from, to, first * LAC_WINO_SQUARE, LAC_MIN(end * LAC_WINO_SQUARE, w->k));
    }
    return LAC_OK;
}

/* U of one weight differs by direction and by where the phases begin. */
static uint64_t layout(const lac_wino *w)
{
    const uint64_t first = w->in_phases * w->out_phases > 1 ? (uint64_t)((w->in_base[0][0] + 8) << 4 | (w->in_base[1][0] + 8)) : 0;
    return 1ull << 40 | (uint64_t)w->line << 35 | (uint64_t)(w->in_phases == 2 && w->step == 1) << 34 | (uint64_t)(w->m == 2) << 33 | (uint64_t)w->reversed << 32 | first;
}

static void run_few(const lac_wino *w, const float *x, const float *u, const float *bias, const float *before, lac_act_fn act, float *y, float *v)
{
    const lac_wino_kernels *kernels = kernels_of(w);
    float *m = v + lac_wino_points(w) * lac_wino_few_step(w);
    #pragma omp parallel for schedule(dynamic, 1)
    for (int64_t t = 0; t < lac_wino_few_rows(w); t++)
        kernels->few_source(w, x, v, t);
    #pragma omp parallel for schedule(dynamic, 1)
    for (int64_t panel = 0; panel < w->panels; panel++)
        kernels->few_panel(w, v, u, bias, before, act, y, panel, m + omp_get_thread_num() * lac_wino_few_m(w));
}

lac_status lac_wino_run(const lac_wino *w, const float *x, const lac_dnn_weight *weight, const float *bias, const float *before, lac_act_fn act, float *y,
                        void *workspace)
{
    const lac_wino_kernels *kernels = kernels_of(w);
    const void *u;
    LAC_TRY(lac_dnn_packed(&u, weight, layout(w), (size_t)u_floats(w) * sizeof(float), pack, w, workspace));
    float *scratch = (float *)workspace + (weight->uid ? 0 : u_floats(w));
    if (w->few) {
        run_few(w, x, u, bias, before, act, y, scratch);
        return LAC_OK;
    }
    const int workers = (int)n_workers(w);
    #pragma omp parallel for schedule(dynamic, 1) num_threads(workers)
    for (int64_t b = 0; b < n_blocks(w); b++)
        kernels->run(w, x, u, bias, before, act, y, b * w->block, LAC_MIN((b + 1) * w->block, w->n_tiles),
                     scratch + omp_get_thread_num() * lac_wino_scratch(w));
    return LAC_OK;
}

/* All tiles transformed, then every part of gw by itself: its products stay in the second-level cache. */
static void few_gradient(const lac_wino *w, const float *x, const float *gy, float *gw, bool add, float *v)
{
    const lac_wino_kernels *kernels = kernels_of(w);
    float *y = v + v_floats(w), *m = y + y_floats(w);
    #pragma omp parallel for schedule(dynamic, 1)
    for (int64_t t = 0; t < w->n_tiles; t++)
        kernels->transform(w, x, gy, v, y, t, t, w->n_tiles);
    const int64_t kp = lac_wino_padded(w->k), parts = ceil_div(kp, LAC_WINO_FEW_K);
    #pragma omp parallel for schedule(dynamic, 1)
    for (int64_t i = 0; i < w->panels * parts; i++) {
        const int64_t from = i % parts * LAC_WINO_FEW_K, to = LAC_MIN(from + LAC_WINO_FEW_K, kp);
        kernels->few_gradient(w, v, y, gw, add, i / parts, from, to, m + omp_get_thread_num() * lac_wino_few_m(w));
    }
}

static void weight_gradient(const lac_wino *w, const float *x, const float *gy, float *gw, bool add, float *v)
{
    const lac_wino_kernels *kernels = kernels_of(w);
    float *y = v + v_floats(w), *m = y + y_floats(w);
    const int64_t kp = lac_wino_padded(w->k), most = chunk_rows(w);
    for (int64_t from = 0; from < w->n_tiles; from += most) {
        const int64_t rows = LAC_MIN(most, w->n_tiles - from);
        #pragma omp parallel for schedule(dynamic, 8)
        for (int64_t t = 0; t < rows; t++)
            kernels->transform(w, x, gy, v, y, from + t, t, rows);
        #pragma omp parallel for schedule(static)
        for (int64_t i = 0; i < lac_wino_points(w) * w->panels; i++)
            kernels->product(w, v + i / w->panels * lac_wino_step(rows * kp),
                             y + i / w->panels * lac_wino_step(rows * w->panels * w->lanes) + i % w->panels * rows * w->lanes, m + i * kp * w->lanes, from > 0, rows);
    }
    LAC_PARALLEL_BLOCKS(b, first, end, ceil_div(w->k, LAC_WINO_SQUARE)) {
        (void)b;
        kernels->finish(w, m, gw, add, first * LAC_WINO_SQUARE, LAC_MIN(end * LAC_WINO_SQUARE, w->k));
    }
}

static void bias_gradient(const lac_wino *w, const float *gy, float *gb, bool add, float *part)
{
    const lac_wino_kernels *kernels = kernels_of(w);
    LAC_PARALLEL_BLOCKS(b, first, end, w->n * w->out_size[0] * w->out_size[1])
        kernels->bias(w, gy, part + b * w->out_c, first, end);
    lac_sum_blocks(gb, add, part, w->out_c);
}

lac_status lac_wino_grad_w(const lac_wino *w, const float *x, const float *gy, float *gw, bool add_w, float *gb, bool add_b, void *workspace)
{
    float *v = workspace;
    if (gw && w->few)
        few_gradient(w, x, gy, gw, add_w, v);
    else if (gw)
        weight_gradient(w, x, gy, gw, add_w, v);
    if (gb)
        bias_gradient(w, gy, gb, add_b, v + v_floats(w) + y_floats(w) + (w->few ? lac_threads() * lac_wino_few_m(w) : m_floats(w)));
    return LAC_OK;
}
