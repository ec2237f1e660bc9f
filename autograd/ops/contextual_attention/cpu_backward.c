/* Backward, a sample at a time, from the saved attention A. With G_p the pieces of the upstream gradient (times the overlap share):
 *
 *     dA = G R^T      dR = A^T G      dZ = A (dA - sum_q A dA)      dS = softmax_scale dZ, unfused: columns first, then rows
 *     dQ = dS K^      dK^ = dS^T Q    dK = (dK^ - K^ <K^, dK^>) / |K|, or dK^ / 1e-4 where the norm is at its floor
 *
 * In bf16 the operands of the products are bf16, and |K| moves from the keys to the scores: with E = dS / |K| rounded to bf16,
 * dQ = E K and dK = E^T Q less its part along K. A^T and E^T are written out: the library multiplies by a transposed left side
 * without AMX.
 *
 * Masked keys have A = 0, so nothing flows into their scores in either form of the softmax. */
#include "autograd/ops/contextual_attention/cpu_patches.h"

typedef struct areas {
    float *norm;
    void *query, *key, *piece, *upstream;               /* Q, K^ (in bf16 K), R, G of all cells */
    float *score, *other;                               /* [L, L] */
    uint16_t *rounded, *turned;                         /* in bf16 [L, L]: A, later E, and its transpose */
    float *patch, *hood;                                /* dR; dQ, then dK */
    float *gf, *gb;                                     /* gradients of one sample in f32; the same when b is f */
    void *product;
} areas;

static size_t lay_out(const lac_op_ctx *c, const lac_ca *g, areas *a)
{
    const int64_t n = g->cells, map = g->height * g->width * g->n;
    size_t used = 0;
    a->norm = lac_ca_take(c, &used, n, LAC_F32);
    a->query = lac_ca_take(c, &used, n * g->key, g->dtype);
    a->key = lac_ca_take(c, &used, n * g->key, g->dtype);
    a->piece = lac_ca_take(c, &used, n * g->patch, g->dtype);
    a->upstream = lac_ca_take(c, &used, n * g->patch, g->dtype);
    a->score = lac_ca_take(c, &used, n * n, LAC_F32);
    a->other = lac_ca_take(c, &used, n * n, LAC_F32);
    a->rounded = lac_ca_take(c, &used, g->dtype == LAC_BF16 ? n * n : 0, LAC_BF16);
    a->turned = lac_ca_take(c, &used, g->dtype == LAC_BF16 ? n * n : 0, LAC_BF16);
    a->patch = lac_ca_take(c, &used, n * g->patch, LAC_F32);
    a->hood = lac_ca_take(c, &used, n * g->key, LAC_F32);
    a->gf = lac_ca_take(c, &used, map, LAC_F32);
    a->gb = c->in[1] ? lac_ca_take(c, &used, map, LAC_F32) : a->gf;
    a->product = c->workspace ? (char *)c->workspace + used : NULL;
    return used;
}

/* C [m, n] = A [m, k] B [k, n], dense, C f32; at: A lies transposed, bt: B does. */
static lac_product dense(int64_t m, int64_t n, int64_t k, bool at, bool bt, lac_dtype d)
{
    return (lac_product){ .batch = 1, .m = m, .n = n, .k = k, .a_row = at ? 1 : k, .a_col = at ? m : 1, .b_row = bt ? 1 : n, .b_col = bt ? k : 1,
                          .c_row = n, .dtype = d, .c_dtype = LAC_F32 };
}

typedef struct products { lac_product attention, piece, query, key; } products;

static products products_of(const lac_ca *g)
{
    const int64_t n = g->cells;
    const bool at = g->dtype == LAC_F32;
    return (products){ .attention = dense(n, n, g->patch, false, true, g->dtype), .piece = dense(n, g->patch, n, at, false, g->dtype),
                       .query = dense(n, g->key, n, false, false, g->dtype), .key = dense(n, g->key, n, at, false, g->dtype) };
}

lac_status LAC_CPU(contextual_attention_backward_workspace)(const lac_op_ctx *c, size_t *size);

lac_status LAC_CPU(contextual_attention_backward_workspace)(const lac_op_ctx *c, size_t *size)
{
    const lac_ca g = lac_ca_of(c);
    const products p = products_of(&g);
    const lac_product *const all[] = { &p.attention, &p.piece, &p.query, &p.key };
    lac_op_ctx sizing = *c;
    areas a;
    size_t most = 0, one;
    sizing.workspace = NULL;
    for (size_t i = 0; i < LAC_COUNT(all); i++) {
        LAC_TRY(lac_dnn_matmul_workspace(all[i], false, &one));
        most = LAC_MAX(most, one);
    }
    *size = lay_out(&sizing, &g, &a) + most;
    return LAC_OK;
}

static lac_status multiply(const lac_product *p, const void *x, const void *y, float *to, void *workspace)
{
    return lac_dnn_matmul(p, x, &(lac_dnn_weight){ .data = y }, NULL, to, workspace);
}

/* The piece of the upstream gradient at a cell, each pixel times its overlap share; zero outside. */
LAC_BODY void upstream_piece(const lac_ca *g, void *restrict to, const void *restrict gy, int64_t cell, bool exact, lac_dtype dg, lac_dtype d)
{
    const int64_t row = cell / g->w * g->rate - g->offset, col = cell % g->w * g->rate - g->offset;
    int64_t at = 0;
    for (int64_t i = row; i < row + g->side; i++)
        for (int64_t j = col; j < col + g->side; j++, at += g->n) {
            const bool inside = i >= 0 && i < g->height && j >= 0 && j < g->width;
            const int64_t from = inside ? (i * g->width + j) * g->n : 0;
            const float share = inside ? lac_ca_overlap_share(g, exact, i, j) : 0;
            #pragma omp simd
            for (int64_t k = 0; k < g->n; k++)
                lac_st(to, at + k, d, inside ? lac_ld(gy, from + k, dg) * share : 0.0f);
        }
}

static void cut_upstream(const lac_op_ctx *c, const lac_ca *g, void *to, int64_t sample)
{
    const bool exact = ((const lac_contextual_attention_attr *)c->attr)->exact_overlap;
    const lac_tensor *gy = c->gout[0];
    const void *map = lac_at(gy->data, sample * g->height * g->width * g->n, gy->dtype);
    LAC_PARALLEL_FOR(p, g->cells)
        LAC_EACH_DTYPE_2(gy->dtype, g->dtype, upstream_piece, g, lac_at(to, p * g->patch, g->dtype), map, p, exact);
}

/* dA becomes dS in place, a row at a time; in bf16 A is rounded on the way. */
static void through_softmax(const lac_ca *g, const areas *areas, const float *restrict attention, float scale)
{
    LAC_PARALLEL_FOR(p, g->cells) {
        float *restrict d = areas->score + p * g->cells, sum = 0;
        const float *restrict a = attention + p * g->cells;
        #pragma omp simd reduction(+ : sum)
        for (int64_t q = 0; q < g->cells; q++)
            sum += a[q] * d[q];
        #pragma omp simd
        for (int64_t q = 0; q < g->cells; q++)
            d[q] = scale * a[q] * (d[q] - sum);
        if (g->dtype == LAC_BF16)
            round_row(areas->rounded + p * g->cells, a, g->cells);
    }
}

/* to[q] += from[q + shift] for q in [begin, end), as far as both lie inside. */
static void add_shifted(float *restrict to, const float *restrict from, int64_t begin, int64_t end, int64_t shift, int64_t n)
{
    begin = LAC_MAX(begin, -shift);
    end = LAC_MIN(end, n - shift);
    #pragma omp simd
    for (int64_t q = begin; q < end; q++)
        to[q] += from[q + shift];
}

/* The three-term diagonal sum in columns-first order. It is its own adjoint, like the other pass. */
static void pass_columns(const lac_ca *g, float *restrict to, const float *restrict from)
{
    const int64_t n = g->cells, w = g->w;
    LAC_PARALLEL_FOR(p, n) {
        float *row = to + p * n;
        memcpy(row, from + p * n, (size_t)n * sizeof *row);
        const int64_t before = lac_ca_column_step(g, p, -1), after = lac_ca_column_step(g, p, 1);
        if (before >= 0) {
            add_shifted(row, from + before * n, w, n, -w, n);
            add_shifted(row, from + before * n, 1, w, n - w - 1, n);
        }
        if (after >= 0) {
            add_shifted(row, from + after * n, 0, n - w, w, n);
            add_shifted(row, from + after * n, n - w, n - 1, w - n + 1, n);
        }
    }
}

static void pass_rows(const lac_ca *g, float *restrict to, const float *restrict from)
{
    const int64_t n = g->cells;
    LAC_PARALLEL_FOR(p, n) {
        memcpy(to + p * n, from + p * n, (size_t)n * sizeof *to);
        if (p > 0)
            add_shifted(to + p * n, from + (p - 1) * n, 0, n, -1, n);
        if (p + 1 < n)
            add_shifted(to + p * n, from + (p + 1) * n, 0, n, 1, n);
    }
}

/* Pieces added where they were cut, into the f32 map: a row of the map at a time. */
static void paste_pieces(const lac_ca *g, float *map, const float *pieces)
{
    LAC_PARALLEL_FOR(y, g->height) {
        const int64_t last = (y + g->offset) / g->rate;
        for (int64_t i = LAC_MAX(last - 1, 0); i <= LAC_MIN(last, g->h - 1); i++)
            for (int64_t j = 0; j < g->w; j++) {
                const int64_t left = j * g->rate - g->offset, begin = LAC_MAX(left, 0), end = LAC_MIN(left + g->side, g->width);
                const float *from = pieces + (i * g->w + j) * g->patch + ((y + g->offset - i * g->rate) * g->side + begin - left) * g->n;
                add_shifted(map + (y * g->width + begin) * g->n, from, 0, (end - begin) * g->n, 0, (end - begin) * g->n);
            }
    }
}

/* Neighbourhoods added where they were cut. Cells have pixels of their own (the nearest rule skips, never repeats). */
static void paste_neighbourhoods(const lac_ca *g, float *map, const float *hoods)
{
    const int64_t half = g->ksize / 2;
    LAC_PARALLEL_FOR(cell, g->cells) {
        const int64_t row = cell / g->w, col = cell % g->w;
        float *to = map + (lac_ca_fine_row(g, row) * g->width + lac_ca_fine_col(g, col)) * g->n;
        for (int64_t i = LAC_MAX(row - half, 0); i <= LAC_MIN(row + half, g->h - 1); i++)
            for (int64_t j = LAC_MAX(col - half, 0); j <= LAC_MIN(col + half, g->w - 1); j++)
                add_shifted(to, hoods + (i * g->w + j) * g->key + ((row - i + half) * g->ksize + col - j + half) * g->n, 0, g->n, 0, g->n);
    }
}

/* dK^ becomes dK in place; in bf16 E^T Q does, which lacks the part along K alone. */
LAC_BODY void through_norm(const lac_ca *g, float *restrict d, const void *restrict key, float norm, lac_dtype t)
{
    const float inverse = 1.0f / norm;
    float along = 0;
    #pragma omp simd reduction(+ : along)
    for (int64_t i = 0; i < g->key; i++)
        along += lac_ld(key, i, t) * d[i];
    if (norm <= 1e-4f)
        along = 0;
    const float part = along * inverse * inverse;
    #pragma omp simd
    for (int64_t i = 0; i < g->key; i++)
        d[i] = t == LAC_F32 ? (d[i] - lac_ld(key, i, t) * along) * inverse : d[i] - lac_ld(key, i, t) * part;
}

static void through_norms(const lac_ca *g, const areas *a)
{
    LAC_PARALLEL_FOR(q, g->cells)
        LAC_EACH_DTYPE(g->dtype, through_norm, g, a->hood + q * g->key, lac_at(a->key, q * g->key, g->dtype), a->norm[q]);
}

/* E. */
static void round_scores(const lac_ca *g, const areas *a)
{
    const float *restrict norm = a->norm;
    LAC_PARALLEL_FOR(p, g->cells) {
        uint16_t *restrict e = a->rounded + p * g->cells;
        const float *restrict ds = a->score + p * g->cells;
        #pragma omp simd
        for (int64_t q = 0; q < g->cells; q++)
            e[q] = lac_f32_to_bf16(ds[q] / norm[q]);
    }
}

LAC_BODY void store(const lac_op_ctx *c, int which, const float *restrict from, int64_t at, int64_t begin, int64_t end, lac_dtype d)
{
    #pragma omp simd
    for (int64_t k = begin; k < end; k++)
        lac_put(c->gin[which]->data, at + k, d, from[k], c->add[which]);
}

static void store_sample(const lac_op_ctx *c, const lac_ca *g, int which, const float *from, int64_t sample)
{
    const int64_t n = g->height * g->width * g->n;
    if (c->gin[which] != NULL)
        LAC_PARALLEL_BLOCKS(b, begin, end, n)
            LAC_EACH_DTYPE(c->gin[which]->dtype, store, c, which, from, sample * n, begin, end);
}

/* dS, unfused, in a->score. */
static lac_status score_gradient(const lac_op_ctx *c, const lac_ca *g, const areas *a, const products *p, const float *attention)
{
    LAC_TRY(multiply(&p->attention, a->upstream, a->piece, a->score, a->product));
    through_softmax(g, a, attention, ((const lac_contextual_attention_attr *)c->attr)->softmax_scale);
    if (g->fuse) {
        pass_columns(g, a->other, a->score);
        pass_rows(g, a->score, a->other);
    }
    return LAC_OK;
}

enum { TILE = 32 };

/* Four rows at a time become words of four neighbours; rows past the end repeat the last one and are not copied. */
static void turn_tile(uint16_t *restrict to, const uint16_t *restrict from, int64_t rows, int64_t cols, int64_t n)
{
    uint16_t tile[TILE][TILE];
    for (int64_t i = 0; i < rows; i += 4) {
        const uint16_t *restrict a = from + i * n, *restrict b = from + LAC_MIN(i + 1, rows - 1) * n;
        const uint16_t *restrict c = from + LAC_MIN(i + 2, rows - 1) * n, *restrict d = from + LAC_MIN(i + 3, rows - 1) * n;
        uint64_t word[TILE];
        #pragma omp simd
        for (int64_t j = 0; j < cols; j++)
            word[j] = a[j] | (uint64_t)b[j] << 16 | (uint64_t)c[j] << 32 | (uint64_t)d[j] << 48;
        for (int64_t j = 0; j < cols; j++)
            memcpy(&tile[j][i], &word[j], sizeof word[j]);
    }
    for (int64_t j = 0; j < cols; j++)
        memcpy(to + j * n, tile[j], (size_t)rows * sizeof *to);
}

/* The transpose of a->rounded. */
static void turn(const lac_ca *g, const areas *a)
{
    const int64_t n = g->cells;
    LAC_PARALLEL_FOR(t, (n + TILE - 1) / TILE)
        for (int64_t p = 0; p < n; p += TILE)
            turn_tile(a->turned + t * TILE * n + p, a->rounded + p * n + t * TILE, LAC_MIN(TILE, n - p), LAC_MIN(TILE, n - t * TILE), n);
}

static void cut_all(const lac_op_ctx *c, const lac_ca *g, const areas *a, int64_t sample)
{
    const int64_t at = sample * g->height * g->width * g->n;
    const void *f = lac_at(c->in[0]->data, at, g->dtype), *b = c->in[1] ? lac_at(c->in[1]->data, at, g->dtype) : f;
    cut_neighbourhoods(g, a->query, f, 0, g->cells);
    cut_neighbourhoods(g, a->key, b, 0, g->cells);
    measure_keys(g, a->key, a->norm, g->cells);
    cut_pieces(g, a->piece, b, 0, g->cells);
    cut_upstream(c, g, a->upstream, sample);
}

static lac_status backward_sample(const lac_op_ctx *c, const lac_ca *g, const areas *a, const products *p, int64_t sample)
{
    const size_t map = (size_t)(g->height * g->width * g->n) * sizeof(float);
    const float *attention = (const float *)c->out[1]->data + sample * g->cells * g->cells;
    const bool wide = g->dtype == LAC_F32;
    memset(a->gf, 0, map);
    memset(a->gb, 0, map);
    cut_all(c, g, a, sample);
    LAC_TRY(score_gradient(c, g, a, p, attention));
    if (!wide)
        turn(g, a);
    LAC_TRY(multiply(&p->piece, wide ? (const void *)attention : a->turned, a->upstream, a->patch, a->product));
    paste_pieces(g, a->gb, a->patch);
    if (!wide) {
        round_scores(g, a);
        turn(g, a);
    }
    LAC_TRY(multiply(&p->query, wide ? (const void *)a->score : a->rounded, a->key, a->hood, a->product));
    paste_neighbourhoods(g, a->gf, a->hood);
    LAC_TRY(multiply(&p->key, wide ? (const void *)a->score : a->turned, a->query, a->hood, a->product));
    through_norms(g, a);
    paste_neighbourhoods(g, a->gb, a->hood);
    store_sample(c, g, 0, a->gf, sample);
    if (c->in[1] != NULL)
        store_sample(c, g, 1, a->gb, sample);
    return LAC_OK;
}

lac_status LAC_CPU(contextual_attention_backward)(const lac_op_ctx *c)
{
    const lac_ca g = lac_ca_of(c);
    const products p = products_of(&g);
    areas a;
    lay_out(c, &g, &a);
    if (c->gin[0] == NULL && c->gin[1] == NULL)
        return LAC_OK;
    for (int64_t sample = 0; sample < c->in[0]->dim[0]; sample++)
        LAC_TRY(backward_sample(c, &g, &a, &p, sample));
    return LAC_OK;
}
