/* Forward: a thread has a block of queries, and goes along the blocks of keys with a running maximum and sum of each row (online softmax). */
#include "autograd/ops/attention/cpu_blocks.h"

typedef struct products { const lac_dnn_product *score, *sum; } products;

/* A thread's own. */
typedef struct desk {
    void *query, *stage;            /* the block of queries; a block of keys or values before it is packed */
    float *score, *y, *most, *total;        /* the sums of v so far, and per row the maximum and the sum of exponentials so far */
    uint16_t *rounded;              /* P in bf16 */
    void *scratch;
} desk;

typedef struct areas {
    char *keys, *values;            /* of a group, packed: a block after another, a unit after another */
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

static lac_status get_products(products *p, const blocks *b)
{
    const lac_product score = dense_product(b, b->rows, b->keys, b->depth, false), sum = dense_product(b, b->rows, b->of.d, b->keys, true);
    *p = (products){ NULL, NULL };
    LAC_TRY(lac_dnn_product_get_packed(&score, &p->score));
    return lac_dnn_product_get_packed(&sum, &p->sum);
}

static size_t lay_desk(desk *k, char *base, const blocks *b, const products *p)
{
    const size_t e = lac_dtype_size(b->of.dtype);
    carver m = { base, 0 };
    k->query = take(&m, b->rows * b->depth, e);
    k->stage = take(&m, b->keys * b->depth, e);
    k->score = take(&m, b->rows * b->keys, sizeof(float));
    k->y = take(&m, b->rows * b->of.d, sizeof(float));
    k->most = take(&m, b->rows, sizeof(float));
    k->total = take(&m, b->rows, sizeof(float));
    k->rounded = take(&m, b->of.dtype == LAC_BF16 ? b->rows * b->keys : 0, sizeof(uint16_t));
    k->scratch = take(&m, 1, LAC_MAX(lac_dnn_product_scratch(p->score), lac_dnn_product_scratch(p->sum)));
    return m.used;
}

static size_t lay_out(areas *a, void *workspace, const blocks *b, const products *p)
{
    carver m = { workspace, 0 };
    desk none;
    a->key_bytes = lac_dnn_product_packed(p->score);
    a->value_bytes = lac_dnn_product_packed(p->sum);
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

/* Block i of the group's keys and values. */
static lac_status pack_block(const call *o, int64_t i)
{
    const blocks *b = &o->b;
    const desk k = desk_of(o);
    const int64_t from = i % b->n_keys * b->keys, count = present(from, b->keys, b->of.tk), at = place(&b->of, o->first + i / b->n_keys, from, b->of.tk);
    cut(&b->of, k.stage, o->c->in[1], at, count, b->keys, b->depth, true);
    LAC_TRY(lac_dnn_product_pack(o->p.score, k.stage, o->a.keys + (size_t)i * o->a.key_bytes));
    cut(&b->of, k.stage, o->c->in[2], at, count, b->keys, b->of.d, false);
    return lac_dnn_product_pack(o->p.sum, k.stage, o->a.values + (size_t)i * o->a.value_bytes);
}

/* A row of scores becomes exponentials below the maximum so far, `seen` of them, zeros behind; what was summed up below the maximum before is
 * worth *share of itself. */
LAC_BODY void exponentials(float *restrict s, uint16_t *restrict rounded, int64_t seen, int64_t keys, float scale, float *most, float *total, float *share,
                           lac_dtype d)
{
    const float before = *most;
    float m = before, sum = 0;
    #pragma omp simd reduction(max : m)
    for (int64_t k = 0; k < seen; k++)
        m = s[k] > m ? s[k] : m;
    const float shift = -m * scale;
    #pragma omp simd reduction(+ : sum)
    for (int64_t k = 0; k < seen; k++) {
        const float e = lac_exp_negative(lac_fma(s[k], scale, shift));
        sum += e;
        if (d == LAC_F32)
            s[k] = e;
        else
            rounded[k] = lac_f32_to_bf16(e);
    }
    if (d == LAC_F32)
        memset(s + seen, 0, (size_t)(keys - seen) * sizeof *s);
    else
        memset(rounded + seen, 0, (size_t)(keys - seen) * sizeof *rounded);
    *share = lac_exp_negative((before - m) * scale);
    *most = m;
    *total = *total * *share + sum;
}

static void soften(const call *o, const desk *k, int64_t row, int64_t query, int64_t key)
{
    const blocks *b = &o->b;
    const int64_t seen = lac_attention_seen(b->of.causal, query, b->of.tk) - key;
    float share, *restrict y = k->y + row * b->of.d;
    LAC_EACH_DTYPE(b->of.dtype, exponentials, k->score + row * b->keys, k->rounded + row * b->keys, LAC_MAX(LAC_MIN(seen, b->keys), 0), b->keys, b->of.scale,
                   &k->most[row], &k->total[row], &share);
    if (share == 1.0f)
        return;
    #pragma omp simd
    for (int64_t i = 0; i < b->of.d; i++)
        y[i] *= share;
}

LAC_BODY void finish_rows(const call *o, const desk *k, int64_t unit, int64_t from, int64_t count, lac_dtype d)
{
    const lac_attention_shape *s = &o->b.of;
    float *lse = o->c->out[1] != NULL ? (float *)o->c->out[1]->data + unit * s->tq + from : NULL;
    for (int64_t i = 0; i < count; i++) {
        void *y = lac_at(o->c->out[0]->data, place(s, unit, from + i, s->tq), d);
        const float inverse = 1.0f / k->total[i];
        for (int64_t e = 0; e < s->d; e++)
            lac_st(y, e, d, k->y[i * s->d + e] * inverse);
        if (lse != NULL)
            lse[i] = lac_fma(k->most[i], s->scale, lac_log(k->total[i]));
    }
}

/* Block i of the group's queries. */
static lac_status attend(const call *o, int64_t i)
{
    const blocks *b = &o->b;
    const desk k = desk_of(o);
    const int64_t local = i / b->n_rows, unit = o->first + local, from = i % b->n_rows * b->rows, count = present(from, b->rows, b->of.tq);
    const int64_t end = lac_attention_seen(b->of.causal, from + count - 1, b->of.tk);
    cut(&b->of, k.query, o->c->in[0], place(&b->of, unit, from, b->of.tq), count, b->rows, b->depth, false);
    memset(k.y, 0, (size_t)(b->rows * b->of.d) * sizeof(float));
    for (int64_t r = 0; r < b->rows; r++)
        k.most[r] = -INFINITY, k.total[r] = 0;
    for (int64_t j = 0; j < b->n_keys && j * b->keys < end; j++) {
        const size_t at = (size_t)(local * b->n_keys + j);
        LAC_TRY(lac_dnn_product_run(o->p.score, k.query, o->a.keys + at * o->a.key_bytes, NULL, k.score, k.scratch));
        for (int64_t r = 0; r < b->rows; r++)
            soften(o, &k, r, from + r, j * b->keys);
        LAC_TRY(lac_dnn_product_run(o->p.sum, b->of.dtype == LAC_F32 ? (void *)k.score : k.rounded, o->a.values + at * o->a.value_bytes, NULL, k.y, k.scratch));
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
