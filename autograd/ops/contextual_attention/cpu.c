/* Forward: strips of query rows through scores, fusing, softmax and paste. */
#include "autograd/ops/contextual_attention/cpu_patches.h"

typedef struct areas {
    float *valid, *norm;            /* per key */
    void *query, *key, *piece;      /* a strip's queries, a chunk's keys and pieces */
    float *score, *attention;       /* ring of score rows; a strip's attention unless it is saved */
    uint16_t *rounded;              /* a strip's attention in bf16, for the paste; nothing in f32 */
    float *pasted;                  /* pieces of a strip, one grid row of the strip before in front of them */
    void *product;
} areas;

static lac_product score_product(const lac_ca *g, int64_t keys)
{
    return (lac_product){ .batch = 1, .m = g->strip, .n = keys, .k = g->key, .a_row = g->key, .a_col = 1, .b_row = 1, .b_col = g->key,
                          .c_row = g->cells, .dtype = g->dtype, .c_dtype = LAC_F32 };
}

static lac_product paste_product(const lac_ca *g, int64_t queries, int64_t keys, bool add)
{
    return (lac_product){ .batch = 1, .m = queries, .n = g->patch, .k = keys, .a_row = g->cells, .a_col = 1, .b_row = g->patch, .b_col = 1,
                          .c_row = g->patch, .dtype = g->dtype, .c_dtype = LAC_F32, .add = add };
}

static lac_status largest_workspace(const lac_product *p, int n, size_t *most)
{
    size_t size;
    for (int i = 0; i < n; i++) {
        LAC_TRY(lac_dnn_matmul_workspace(&p[i], false, &size));
        *most = LAC_MAX(*most, size);
    }
    return LAC_OK;
}

static lac_status product_workspace(const lac_ca *g, size_t *size)
{
    const int64_t last = g->cells - (g->cells - 1) / g->keys * g->keys, end = g->cells - (g->cells - 1) / g->strip * g->strip;
    const lac_product p[] = {
        score_product(g, g->keys), score_product(g, last),
        paste_product(g, g->strip, g->keys, false), paste_product(g, g->strip, last, false),
        paste_product(g, end, g->keys, false), paste_product(g, end, last, false),
        paste_product(g, g->strip, g->keys, true), paste_product(g, g->strip, last, true),
        paste_product(g, end, g->keys, true), paste_product(g, end, last, true),
    };
    return largest_workspace(p, (int)LAC_COUNT(p), size);
}

static size_t lay_out(const lac_op_ctx *c, const lac_ca *g, areas *a)
{
    size_t used = 0;
    a->valid = lac_ca_take(c, &used, g->cells, LAC_F32);
    a->norm = lac_ca_take(c, &used, g->keys, LAC_F32);
    a->query = lac_ca_take(c, &used, g->strip * g->key, g->dtype);
    a->key = lac_ca_take(c, &used, g->keys * g->key, g->dtype);
    a->piece = lac_ca_take(c, &used, g->keys * g->patch, g->dtype);
    a->score = lac_ca_take(c, &used, g->window * g->cells, LAC_F32);
    a->attention = lac_ca_take(c, &used, c->out[1] != NULL ? 0 : g->strip * g->cells, LAC_F32);
    a->rounded = lac_ca_take(c, &used, g->dtype == LAC_BF16 ? g->strip * g->cells : 0, LAC_BF16);
    a->pasted = lac_ca_take(c, &used, (g->strip + g->w) * g->patch, LAC_F32);
    a->product = c->workspace ? (char *)c->workspace + used : NULL;
    return used;
}

lac_status LAC_CPU(contextual_attention_backward_workspace)(const lac_op_ctx *c, size_t *size);

lac_status LAC_CPU(contextual_attention_workspace)(const lac_op_ctx *c, size_t *size)
{
    if (c->backward)
        return LAC_CPU(contextual_attention_backward_workspace)(c, size);
    const lac_ca g = lac_ca_of(c);
    lac_op_ctx sizing = *c;
    areas a;
    sizing.workspace = NULL;
    LAC_TRY(product_workspace(&g, size));
    *size += lay_out(&sizing, &g, &a);
    return LAC_OK;
}

/* 1 where no hole lies in the rate x rate block (max), or at the nearest pixel. */
static float known(const lac_op_ctx *c, const lac_ca *g, const float *mask, int64_t i, int64_t j)
{
    if (!((const lac_contextual_attention_attr *)c->attr)->mask_max)
        return mask[lac_ca_fine_row(g, i) * g->width + lac_ca_fine_col(g, j)] == 0;
    for (int64_t y = i * g->rate; y < (i + 1) * g->rate; y++)
        for (int64_t x = j * g->rate; x < (j + 1) * g->rate; x++)
            if (mask[y * g->width + x] != 0)
                return 0;
    return 1;
}

static void find_valid(const lac_op_ctx *c, const lac_ca *g, int64_t sample, float *valid)
{
    const float *mask = (const float *)c->in[2]->data + (c->in[2]->dim[0] == 1 ? 0 : sample * g->height * g->width);
    const int64_t half = g->ksize / 2;
    LAC_PARALLEL_FOR(q, g->cells) {
        valid[q] = 1;
        for (int64_t i = LAC_MAX(q / g->w - half, 0); i <= LAC_MIN(q / g->w + half, g->h - 1); i++)
            for (int64_t j = LAC_MAX(q % g->w - half, 0); j <= LAC_MIN(q % g->w + half, g->w - 1); j++)
                valid[q] *= known(c, g, mask, i, j);
    }
}

/* Scores of keys as they lie become scores of keys of length 1. */
static void divide_by_norms(const lac_ca *g, float *score, const float *restrict norm, int64_t keys)
{
    LAC_PARALLEL_FOR(p, g->strip) {
        float *restrict s = score + p * g->cells;
        #pragma omp simd
        for (int64_t q = 0; q < keys; q++)
            s[q] /= norm[q];
    }
}

/* Scores of the next strip of virtual rows, from `row`, into the ring. */
static lac_status score_rows(const lac_ca *g, const areas *a, const void *f, const void *b, int64_t row)
{
    float *to = a->score + (row - g->first) % g->window * g->cells;
    cut_neighbourhoods(g, a->query, f, row, g->strip);
    for (int64_t q = 0; q < g->cells; q += g->keys) {
        const int64_t count = LAC_MIN(g->keys, g->cells - q);
        const lac_product p = score_product(g, count);
        cut_neighbourhoods(g, a->key, b, q, count);
        measure_keys(g, a->key, a->norm, count);
        LAC_TRY(lac_dnn_matmul(&p, a->query, &(lac_dnn_weight){ .data = a->key }, NULL, to + q, a->product));
        if (g->dtype == LAC_BF16)
            divide_by_norms(g, to + q, a->norm, count);
    }
    return LAC_OK;
}

static const float *score_at(const lac_ca *g, const areas *a, int64_t row)
{
    return a->score + (g->whole ? (row + g->cells) % g->cells : (row - g->first) % g->window) * g->cells;
}

/* s[q] += row[q + shift] wherever both lie inside. */
static void add_shifted(float *restrict s, const float *restrict row, int64_t from, int64_t to, int64_t shift, int64_t cells)
{
    from = LAC_MAX(from, -shift);
    to = LAC_MIN(to, cells - shift);
    #pragma omp simd
    for (int64_t q = from; q < to; q++)
        s[q] += row[q + shift];
}

/* s += the scores of `row` seen from e steps along the columns: keys step likewise, wrapping at the ends of their columns. */
static void add_row(const lac_ca *g, float *s, const float *row, int64_t e, int64_t d)
{
    const int64_t n = g->cells, w = g->w;
    if (e == 0) {
        add_shifted(s, row, 0, n, d, n);
    } else if (e < 0) {
        add_shifted(s, row, w, n, d - w, n);
        add_shifted(s, row, 1, w, n - w - 1 + d, n);
    } else {
        add_shifted(s, row, 0, n - w, d + w, n);
        add_shifted(s, row, n - w, n - 1, w - n + 1 + d, n);
    }
}

/* Both passes at once: the sum over column steps e of the sum over row steps d. */
static void fuse(const lac_ca *g, const areas *a, float *s, int64_t p)
{
    memset(s, 0, (size_t)g->cells * sizeof *s);
    for (int64_t e = -1; e <= 1; e++) {
        int64_t row;
        if (!lac_ca_column_row(g, p, e, &row))
            continue;
        const int64_t cell = (row + g->cells) % g->cells;
        for (int64_t d = -1; d <= 1; d++)
            if (cell + d >= 0 && cell + d < g->cells)
                add_row(g, s, score_at(g, a, row + d), e, d);
    }
}

/* A = softmax(scale v S) v in place. Masked keys weigh in with score 0, or (exclude) not at all. */
static void softmax(float *restrict s, const float *restrict valid, float scale, bool exclude, int64_t n)
{
    float most = -INFINITY, sum = 0;
    #pragma omp simd reduction(max : most)
    for (int64_t q = 0; q < n; q++) {
        s[q] = scale * s[q] * valid[q];
        const float seen = exclude && valid[q] == 0 ? -INFINITY : s[q];
        most = seen > most ? seen : most;
    }
    #pragma omp simd reduction(+ : sum)
    for (int64_t q = 0; q < n; q++) {
        const float e = exclude && valid[q] == 0 ? 0.0f : lac_exp_negative(s[q] - most);
        sum += e;
        s[q] = e * valid[q];
    }
    const float inverse = sum > 0 ? 1.0f / sum : 0.0f;
    #pragma omp simd
    for (int64_t q = 0; q < n; q++)
        s[q] *= inverse;
}

static void attend(const lac_op_ctx *c, const lac_ca *g, const areas *a, float *attention, int64_t from, int64_t to)
{
    const lac_contextual_attention_attr *t = c->attr;
    LAC_PARALLEL_FOR(i, to - from) {
        float *s = attention + i * g->cells;
        if (g->fuse)
            fuse(g, a, s, from + i);
        else
            memcpy(s, score_at(g, a, from + i), (size_t)g->cells * sizeof *s);
        softmax(s, a->valid, t->softmax_scale, t->exclude_masked, g->cells);
        if (g->dtype == LAC_BF16)
            round_row(a->rounded + i * g->cells, s, g->cells);
    }
}

/* The pixel of output column x from the `count` pieces over it. */
LAC_BODY void paste_pixel(void *restrict y, int64_t at, const float *const *from, int count, float share, int64_t n, lac_dtype d)
{
    const float *restrict p = from[0], *restrict q = from[count > 1], *restrict r = from[count > 2 ? 2 : 0], *restrict s = from[count > 2 ? 3 : 0];
    if (count == 4) {
        #pragma omp simd
        for (int64_t k = 0; k < n; k++)
            lac_st(y, at + k, d, (p[k] + q[k] + r[k] + s[k]) * share);
    } else {
        #pragma omp simd
        for (int64_t k = 0; k < n; k++)
            lac_st(y, at + k, d, (count == 2 ? p[k] + q[k] : p[k]) * share);
    }
}

/* Pixels of output row y from the pieces over it, one or two along either axis; grid row i lies at pasted[(i - base) w]. */
LAC_BODY void paste_row(const lac_op_ctx *c, const lac_ca *g, const float *pasted, int64_t base, int64_t sample, int64_t y, lac_dtype d)
{
    const bool exact = ((const lac_contextual_attention_attr *)c->attr)->exact_overlap;
    const int64_t i1 = (y + g->offset) / g->rate;
    for (int64_t x = 0; x < g->width; x++) {
        const int64_t j1 = (x + g->offset) / g->rate, at = ((sample * g->height + y) * g->width + x) * g->n;
        const float *from[4] = { pasted };
        int count = 0;
        for (int64_t i = LAC_MAX(i1 - 1, 0); i <= LAC_MIN(i1, g->h - 1); i++)
            for (int64_t j = LAC_MAX(j1 - 1, 0); j <= LAC_MIN(j1, g->w - 1); j++)
                from[count++] = pasted + ((i - base) * g->w + j) * g->patch
                              + ((y + g->offset - i * g->rate) * g->side + x + g->offset - j * g->rate) * g->n;
        paste_pixel(c->out[0]->data, at, from, count, lac_ca_overlap_share(g, exact, y, x), g->n, d);
    }
}

static lac_status paste(const lac_op_ctx *c, const lac_ca *g, const areas *a, const float *attention, int64_t sample, int64_t from, int64_t to)
{
    const char *b = (const char *)(c->in[1] ? c->in[1] : c->in[0])->data;
    const void *weights = g->dtype == LAC_F32 ? (const void *)attention : a->rounded;
    float *strip = a->pasted + g->w * g->patch;
    const void *map = b + (size_t)(sample * g->height * g->width * g->n) * lac_dtype_size(g->dtype);
    for (int64_t q = 0; q < g->cells; q += g->keys) {
        const int64_t count = LAC_MIN(g->keys, g->cells - q);
        const lac_product p = paste_product(g, (to - from) * g->w, count, q > 0);
        cut_pieces(g, a->piece, map, q, count);
        LAC_TRY(lac_dnn_matmul(&p, lac_at(weights, q, g->dtype), &(lac_dnn_weight){ .data = a->piece }, NULL, strip, a->product));
    }
    const int64_t first = LAC_MAX(from * g->rate - g->offset, 0), end = to == g->h ? g->height : to * g->rate - g->offset;
    LAC_PARALLEL_FOR(y, end - first)
        LAC_EACH_DTYPE(g->dtype, paste_row, c, g, a->pasted, from - 1, sample, first + y);
    memcpy(a->pasted, strip + (to - from - 1) * g->w * g->patch, (size_t)(g->w * g->patch) * sizeof(float));
    return LAC_OK;
}

static lac_status forward_sample(const lac_op_ctx *c, const lac_ca *g, const areas *a, int64_t sample)
{
    const size_t at = (size_t)(sample * g->height * g->width * g->n) * lac_dtype_size(g->dtype);
    const void *f = (const char *)c->in[0]->data + at, *b = c->in[1] ? (const char *)c->in[1]->data + at : f;
    int64_t scored = g->first;
    find_valid(c, g, sample, a->valid);
    for (int64_t row = 0; row < g->h; row += g->rows) {
        const int64_t end = LAC_MIN(row + g->rows, g->h), needed = g->fuse && !g->whole ? (end + 1) * g->w + 1 : end * g->w;
        float *attention = a->attention;
        if (c->out[1] != NULL)
            attention = (float *)c->out[1]->data + (sample * g->cells + row * g->w) * g->cells;
        for (; scored < needed; scored += g->strip)
            LAC_TRY(score_rows(g, a, f, b, scored));
        attend(c, g, a, attention, row * g->w, end * g->w);
        LAC_TRY(paste(c, g, a, attention, sample, row, end));
    }
    return LAC_OK;
}

lac_status LAC_CPU(contextual_attention_forward)(const lac_op_ctx *c)
{
    const lac_ca g = lac_ca_of(c);
    areas a;
    lay_out(c, &g, &a);
    for (int64_t sample = 0; sample < c->in[0]->dim[0]; sample++)
        LAC_TRY(forward_sample(c, &g, &a, sample));
    return LAC_OK;
}
