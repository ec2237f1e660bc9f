/* Forward: a thread has a block of queries, and goes along the blocks of keys with a running maximum and sum of each row (online softmax).
 *
 * In f32 scores and y lie turned, a row per key and per element: products with few columns, d of them, keep the CPU's vectors half empty. In bf16 they do
 * not, as the library wants P on the left, where it needs not be packed. Where the CPU has tiles for bf16 no library is asked: k and v are packed as they lie
 * in their tensors, and queries are not copied at all. */
#include "autograd/ops/attention/cpu_blocks.h"
#include "core/cpu/amx.h"

typedef struct products { const lac_dnn_product *score, *sum; } products;

/* A thread's own. */
typedef struct desk {
    void *query, *stage;            /* the block of queries, packed where scores lie turned; what is to be packed */
    float *score, *y, *most, *total, *share;        /* the sums of v so far; per row maximum and sum of exponentials so far, and what of them stays */
    uint16_t *rounded;              /* P in bf16 */
    void *scratch;
} desk;

typedef struct areas {
    char *keys, *values;            /* of a group, packed, or turned: k, v^T: a block after another, a unit after another */
    size_t key_bytes, value_bytes;  /* of a block */
    char *desks;
    size_t desk_bytes;
} areas;

static void put_products(const products *p)
{
    if (p->score != NULL)
        lac_dnn_product_put(p->score);
    if (p->sum != NULL)
        lac_dnn_product_put(p->sum);
}

static bool is_turned(const blocks *b) { return b->of.dtype == LAC_F32; }
static bool has_tiles(const blocks *b) { return b->of.dtype == LAC_BF16 && lac_amx_here(); }

static lac_status get_products(products *p, const blocks *b)
{
    const bool turned = is_turned(b);
    const lac_product score = turned ? dense_product(b, b->keys, b->rows, b->depth, false) : dense_product(b, b->rows, b->keys, b->depth, false);
    const lac_product sum = turned ? dense_product(b, b->of.d, b->rows, b->keys, true) : dense_product(b, b->rows, b->of.d, b->keys, true);
    *p = (products){ NULL, NULL };
    if (has_tiles(b))
        return LAC_OK;
    LAC_TRY(lac_dnn_product_get_packed(&score, &p->score));
    return turned ? lac_dnn_product_get(&sum, &p->sum) : lac_dnn_product_get_packed(&sum, &p->sum);
}

static size_t lay_desk(desk *k, char *base, const blocks *b, const products *p)
{
    const size_t e = lac_dtype_size(b->of.dtype);
    const bool tiles = has_tiles(b);
    carver m = { base, 0 };
    k->query = is_turned(b) ? take(&m, 1, lac_dnn_product_packed(p->score)) : take(&m, tiles ? 0 : b->rows * b->depth, e);
    k->stage = take(&m, tiles ? 0 : LAC_MAX(b->rows, b->keys) * b->depth, e);
    k->score = take(&m, b->rows * b->keys, sizeof(float));
    k->y = take(&m, b->rows * b->of.d, sizeof(float));
    k->most = take(&m, b->rows, sizeof(float));
    k->total = take(&m, b->rows, sizeof(float));
    k->share = take(&m, b->rows, sizeof(float));
    k->rounded = take(&m, b->of.dtype == LAC_BF16 ? b->rows * b->keys : 0, sizeof(uint16_t));
    k->scratch = take(&m, 1, tiles ? 0 : LAC_MAX(lac_dnn_product_scratch(p->score), lac_dnn_product_scratch(p->sum)));
    return m.used;
}

/* Bytes of a block's keys and values. */
static void measure_blocks(areas *a, const blocks *b, const products *p)
{
    if (has_tiles(b)) {
        a->key_bytes = (size_t)lac_amx_sides(b->keys) * lac_amx_panel(b->of.d);
        a->value_bytes = (size_t)lac_amx_sides(b->of.d) * lac_amx_panel(b->keys);
    } else {
        a->key_bytes = is_turned(b) ? (size_t)(b->keys * b->depth) * sizeof(float) : lac_dnn_product_packed(p->score);
        a->value_bytes = is_turned(b) ? (size_t)(b->keys * b->of.d) * sizeof(float) : lac_dnn_product_packed(p->sum);
    }
}

static size_t lay_out(areas *a, void *workspace, const blocks *b, const products *p)
{
    carver m = { workspace, 0 };
    desk none;
    measure_blocks(a, b, p);
    a->desk_bytes = lay_desk(&none, NULL, b, p);
    a->keys = take(&m, b->group * b->n_keys, a->key_bytes);
    a->values = take(&m, b->group * b->n_keys, a->value_bytes);
    a->desks = take(&m, b->threads, a->desk_bytes);
    return m.used;
}

lac_status LAC_CPU(attention_backward_workspace)(const lac_op_ctx *c, size_t *size);

lac_status LAC_CPU(attention_workspace)(const lac_op_ctx *c, size_t *size)
{
    const blocks b = blocks_of(c);
    products p;
    areas a;
    if (b.units == 0)
        return LAC_OK;
    if (c->backward)
        return LAC_CPU(attention_backward_workspace)(c, size);
    const lac_status s = get_products(&p, &b);
    if (s == LAC_OK)
        *size = lay_out(&a, NULL, &b, &p);
    put_products(&p);
    return s;
}

/* One call, in a group of units that begins at `first`. */
typedef struct call {
    const lac_op_ctx *c;
    blocks b;
    products p;
    areas a;
    int64_t first;
} call;

static desk desk_of(const call *o)
{
    desk k;
    lay_desk(&k, o->a.desks + (size_t)omp_get_thread_num() * o->a.desk_bytes, &o->b, &o->p);
    return k;
}

/* `count` keys and values from element `at` on, into panels; zeros behind the last. */
static void pack_for_tiles(const call *o, int64_t at, int64_t count, char *key, char *value)
{
    const blocks *b = &o->b;
    const int64_t width = b->of.width, d = b->of.d;
    const uint16_t *k = (const uint16_t *)o->c->in[1]->data + at, *v = (const uint16_t *)o->c->in[2]->data + at;
    const size_t step = lac_amx_panel(b->keys), filled = lac_amx_panel(count);
    for (int64_t j = 0; j < b->keys; j += LAC_AMX_SIDE, key += lac_amx_panel(d))
        lac_amx_pack((uint16_t *)key, k + LAC_MIN(j, count) * width, 1, width, d, LAC_MAX(LAC_MIN(count - j, LAC_AMX_SIDE), 0));
    for (int64_t j = 0; j < d; j += LAC_AMX_SIDE, value += step) {
        lac_amx_pack((uint16_t *)value, v + j, width, 1, count, LAC_MIN(d - j, LAC_AMX_SIDE));
        memset(value + filled, 0, step - filled);
    }
}

/* Block i of the group's keys and values. */
static lac_status pack_block(const call *o, int64_t i)
{
    const blocks *b = &o->b;
    const desk k = desk_of(o);
    const int64_t from = i % b->n_keys * b->keys, count = present(from, b->keys, b->of.tk), at = place(&b->of, o->first + i / b->n_keys, from, b->of.tk);
    char *key = o->a.keys + (size_t)i * o->a.key_bytes, *value = o->a.values + (size_t)i * o->a.value_bytes;
    if (has_tiles(b)) {
        pack_for_tiles(o, at, count, key, value);
        return LAC_OK;
    }
    cut(&b->of, is_turned(b) ? key : k.stage, o->c->in[1], at, count, b->keys, b->depth, !is_turned(b));
    if (!is_turned(b))
        LAC_TRY(lac_dnn_product_pack(o->p.score, k.stage, key));
    cut(&b->of, is_turned(b) ? value : k.stage, o->c->in[2], at, count, b->keys, b->of.d, is_turned(b));
    return is_turned(b) ? LAC_OK : lac_dnn_product_pack(o->p.sum, k.stage, value);
}

/* A row of scores becomes exponentials below the maximum so far, rounded, `seen` of them, zeros behind; what was summed up below the maximum before is
 * worth *share of itself. The row is taken to the end of a vector, as if no key were seen there: 8 or 77 keys leave a loop's rest that costs more than the
 * vectors before it. */
static void exponentials(float *restrict s, uint16_t *restrict rounded, int64_t seen, int64_t keys, float scale, float *most, float *total, float *share)
{
    const float before = *most;
    const int64_t whole = (seen + 31) / 32 * 32;         /* vectors of bf16 */
    float m = before, sum = 0;
    for (int64_t k = seen; k < whole; k++)
        s[k] = -INFINITY;
    #pragma omp simd reduction(max : m)
    for (int64_t k = 0; k < whole; k++)
        m = s[k] > m ? s[k] : m;
    const float shift = -m * scale;
    #pragma omp simd reduction(+ : sum)
    for (int64_t k = 0; k < whole; k++) {
        s[k] = power(lac_fma(s[k], scale, shift), LAC_BF16);
        sum += s[k];
    }
    #pragma omp simd
    for (int64_t k = 0; k < whole; k++)
        rounded[k] = nearest(s[k]);
    memset(rounded + seen, 0, (size_t)(keys - seen) * sizeof *rounded);
    *share = power((before - m) * scale, LAC_BF16);
    *most = m;
    *total = *total * *share + sum;
}

static void soften(const blocks *b, const desk *k, int64_t query, int64_t rows, int64_t key)
{
    for (int64_t r = 0; r < rows; r++) {
        const int64_t seen = lac_attention_seen(b->of.causal, query + r, b->of.tk) - key;
        float *restrict y = k->y + r * b->of.d;
        exponentials(k->score + r * b->keys, k->rounded + r * b->keys, LAC_MAX(LAC_MIN(seen, b->keys), 0), b->keys, b->of.scale * LOG2_E, &k->most[r],
                     &k->total[r], &k->share[r]);
        #pragma omp simd
        for (int64_t i = 0; i < b->of.d; i++)
            y[i] *= k->share[r];
    }
}

/* Four keys' rows of scores at once, of n queries from `from` on, or one key's (step 0: the same four times). */
LAC_BODY void raise(float *restrict most, const float *restrict s, int64_t step, int64_t from, int64_t n)
{
    #pragma omp simd
    for (int64_t q = from; q < n; q++) {
        const float a = s[q] > s[q + step] ? s[q] : s[q + step], b = s[q + 2 * step] > s[q + 3 * step] ? s[q + 2 * step] : s[q + 3 * step];
        const float m = a > b ? a : b;
        most[q] = m > most[q] ? m : most[q];
    }
}

LAC_BODY void exponentials_of_four(float *restrict s, int64_t step, float *restrict total, const float *restrict shift, float scale, int64_t n)
{
    #pragma omp simd
    for (int64_t q = 0; q < n; q++) {
        const float a = power(lac_fma(s[q], scale, shift[q]), LAC_F32), b = power(lac_fma(s[q + step], scale, shift[q]), LAC_F32);
        const float c = power(lac_fma(s[q + 2 * step], scale, shift[q]), LAC_F32), d = power(lac_fma(s[q + 3 * step], scale, shift[q]), LAC_F32);
        s[q] = a, s[q + step] = b, s[q + 2 * step] = c, s[q + 3 * step] = d;
        total[q] += (a + b) + (c + d);
    }
}

LAC_BODY void exponentials_of_one(float *restrict s, float *restrict total, const float *restrict shift, float scale, int64_t from, int64_t n)
{
    memset(s, 0, (size_t)from * sizeof *s);
    #pragma omp simd
    for (int64_t q = from; q < n; q++) {
        s[q] = power(lac_fma(s[q], scale, shift[q]), LAC_F32);
        total[q] += s[q];
    }
}

/* The first query of a block that sees key `key`. */
static int64_t first_seeing(const blocks *b, int64_t query, int64_t key)
{
    return key >= b->of.tk ? b->rows : b->of.causal ? LAC_MIN(LAC_MAX(key - query, 0), b->rows) : 0;
}

/* The same where scores lie turned. */
static void soften_turned(const blocks *b, const desk *k, int64_t query, int64_t key)
{
    const int64_t n = b->rows;
    const float scale = b->of.scale * LOG2_E;
    memcpy(k->share, k->most, (size_t)n * sizeof(float));
    for (int64_t r = 0; r < b->keys; r += 4)
        if (first_seeing(b, query, key + r + 3) == 0)
            raise(k->most, k->score + r * n, n, 0, n);
        else
            for (int64_t i = r; i < r + 4; i++)
                raise(k->most, k->score + i * n, 0, first_seeing(b, query, key + i), n);
    float *restrict shift = k->stage;
    for (int64_t q = 0; q < n; q++) {
        k->share[q] = power((k->share[q] - k->most[q]) * scale, LAC_F32);
        k->total[q] *= k->share[q];
        shift[q] = -k->most[q] * scale;
    }
    for (int64_t r = 0; r < b->keys; r += 4)
        if (first_seeing(b, query, key + r + 3) == 0)
            exponentials_of_four(k->score + r * n, n, k->total, shift, scale, n);
        else
            for (int64_t i = r; i < r + 4; i++)
                exponentials_of_one(k->score + i * n, k->total, shift, scale, first_seeing(b, query, key + i), n);
    for (int64_t e = 0; e < b->of.d; e++) {
        float *restrict y = k->y + e * n;
        const float *restrict share = k->share;
        #pragma omp simd
        for (int64_t q = 0; q < n; q++)
            y[q] *= share[q];
    }
}

/* Rows of y from its sums, n <= LINE of them: in f32 these lie turned, a row of the block per element. */
LAC_BODY void finish_line(void *restrict y, const float *restrict sums, const float *restrict total, const blocks *b, int64_t n, lac_dtype d)
{
    float inverse[LINE];
    for (int64_t i = 0; i < n; i++)
        inverse[i] = 1.0f / total[i];
    if (d == LAC_F32)
        for (int64_t e = 0; e < b->of.d; e++)
            for (int64_t i = 0; i < n; i++)
                ((float *)y)[i * b->of.width + e] = sums[e * b->rows + i] * inverse[i];
    else
        for (int64_t i = 0; i < n; i++)
            for (int64_t e = 0; e < b->of.d; e++)
                lac_st(y, i * b->of.width + e, d, sums[i * b->of.d + e] * inverse[i]);
}

LAC_BODY void finish_rows(const call *o, const desk *k, int64_t unit, int64_t from, int64_t count, lac_dtype d)
{
    const lac_attention_shape *s = &o->b.of;
    float *lse = o->c->out[1] != NULL ? (float *)o->c->out[1]->data + unit * s->tq + from : NULL;
    for (int64_t i = 0; i < count; i += LINE)
        finish_line(lac_at(o->c->out[0]->data, place(s, unit, from + i, s->tq), d), k->y + (d == LAC_F32 ? i : i * s->d), k->total + i, &o->b,
                    LAC_MIN(count - i, LINE), d);
    for (int64_t i = 0; lse != NULL && i < count; i++)
        lse[i] = lac_fma(k->most[i], s->scale, lac_log(k->total[i]));
}

static void clear(const blocks *b, const desk *k)
{
    memset(k->y, 0, (size_t)(b->rows * b->of.d) * sizeof(float));
    for (int64_t r = 0; r < b->rows; r++)
        k->most[r] = -INFINITY, k->total[r] = 0;
}

static lac_status begin_block(const call *o, const desk *k, int64_t unit, int64_t from, int64_t count)
{
    const blocks *b = &o->b;
    clear(b, k);
    if (has_tiles(b))
        return LAC_OK;
    cut(&b->of, is_turned(b) ? k->stage : k->query, o->c->in[0], place(&b->of, unit, from, b->of.tq), count, b->rows, b->depth, is_turned(b));
    return is_turned(b) ? lac_dnn_product_pack(o->p.score, k->stage, k->query) : LAC_OK;
}

/* Scores of a block of queries with one of keys, the softmax so far, and the sums of v. */
static void along_tiles(const call *o, const desk *k, int64_t at, int64_t query, int64_t rows, const char *key, const char *value, int64_t from)
{
    const blocks *b = &o->b;
    const int64_t panels = lac_amx_sides(b->of.d);
    lac_amx_begin();
    lac_amx_product(&(lac_amx_run){ .a = (const uint16_t *)o->c->in[0]->data + at, .row = b->of.width, .m = rows, .k = b->of.d, .b = key,
                                    .step = lac_amx_panel(b->of.d), .panels = lac_amx_sides(b->keys), .last = LAC_AMX_SIDE,
                                    .end = { .c = k->score, .row = b->keys, .d = LAC_F32 } });
    soften(b, k, query, rows, from);
    lac_amx_product(&(lac_amx_run){ .a = k->rounded, .row = b->keys, .m = rows, .k = b->keys, .b = value, .step = lac_amx_panel(b->keys), .panels = panels,
                                    .last = b->of.d - (panels - 1) * LAC_AMX_SIDE, .end = { .onto = k->y, .c = k->y, .row = b->of.d, .d = LAC_F32 } });
    lac_amx_done();
}

static lac_status along_keys(const call *o, const desk *k, int64_t query, const char *key, const char *value, int64_t at)
{
    const products *p = &o->p;
    if (!is_turned(&o->b)) {
        LAC_TRY(lac_dnn_product_run(p->score, k->query, key, NULL, k->score, k->scratch));
        soften(&o->b, k, query, o->b.rows, at);
        return lac_dnn_product_run(p->sum, k->rounded, value, NULL, k->y, k->scratch);
    }
    LAC_TRY(lac_dnn_product_run(p->score, key, k->query, NULL, k->score, k->scratch));
    soften_turned(&o->b, k, query, at);
    return lac_dnn_product_run(p->sum, value, k->score, NULL, k->y, k->scratch);
}

/* Block i of the group's queries. */
static lac_status attend(const call *o, int64_t i)
{
    const blocks *b = &o->b;
    const desk k = desk_of(o);
    const int64_t local = i / b->n_rows, unit = o->first + local, from = i % b->n_rows * b->rows, count = present(from, b->rows, b->of.tq);
    const int64_t end = lac_attention_seen(b->of.causal, from + count - 1, b->of.tk);
    LAC_TRY(begin_block(o, &k, unit, from, count));
    for (int64_t j = 0; j < b->n_keys && j * b->keys < end; j++) {
        const size_t at = (size_t)(local * b->n_keys + j);
        const char *key = o->a.keys + at * o->a.key_bytes, *value = o->a.values + at * o->a.value_bytes;
        if (has_tiles(b))
            along_tiles(o, &k, place(&b->of, unit, from, b->of.tq), from, count, key, value, j * b->keys);
        else
            LAC_TRY(along_keys(o, &k, from, key, value, j * b->keys));
    }
    LAC_EACH_DTYPE(b->of.dtype, finish_rows, o, &k, unit, from, count);
    return LAC_OK;
}

static lac_status over_blocks(const call *o, int64_t n, lac_status (*f)(const call *o, int64_t i))
{
    failure bad = { LAC_OK, "" };
    #pragma omp parallel for schedule(dynamic, 1) num_threads(o->b.threads)
    for (int64_t i = 0; i < n; i++)
        note_failure(&bad, f(o, i));
    return raise_failure(&bad);
}

static lac_status attend_all(call *o)
{
    const blocks *b = &o->b;
    for (o->first = 0; o->first < b->units; o->first += b->group) {
        const int64_t units = LAC_MIN(b->group, b->units - o->first);
        LAC_TRY(over_blocks(o, units * b->n_keys, pack_block));
        LAC_TRY(over_blocks(o, units * b->n_rows, attend));
    }
    return LAC_OK;
}

lac_status LAC_CPU(attention_forward)(const lac_op_ctx *c)
{
    call o = { .c = c, .b = blocks_of(c) };
    if (o.b.units == 0)
        return LAC_OK;
    lac_status s = get_products(&o.p, &o.b);
    if (s == LAC_OK) {
        lay_out(&o.a, c->workspace, &o.b, &o.p);
        s = attend_all(&o);
    }
    put_products(&o.p);
    return s;
}
