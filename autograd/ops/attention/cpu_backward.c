/* Backward, by blocks of keys and of queries, P made again from q, k and L:
 *
 *     gv_j = sum_i P_ij gy_i     S'_ij = P_ij (<gy_i, v_j> - D_i) scale     D_i = <gy_i, y_i>     gk_j = sum_i S'_ij q_i     gq_i = sum_j S'_ij k_j
 *
 * Scores lie turned, a row per key, so that P and S' are left sides of gv and gk as they are; gq is summed up turned. A task is one part of a unit's keys:
 * it owns their gk and gv, and a gq of its own that is added up afterwards, in the order of parts. How many parts follows from the shape. */
#include "autograd/ops/attention/cpu_blocks.h"

enum { TASKS = 16 };            /* wanted at least */

typedef struct products {
    const lac_dnn_product *score;       /* [keys, depth] [depth, rows]: scores, and <gy, v> */
    const lac_dnn_product *sum;         /* += [keys, rows] [rows, d]: gv, gk */
    const lac_dnn_product *turned;      /* += [d, keys] [keys, rows]: gq, turned */
} products;

/* What lies prepared of a block of queries, and of keys. */
typedef struct query_block { void *q_turned, *g_turned, *q, *g; float *lse, *drop; } query_block;       /* the first four packed; L by ln 2; D */
typedef struct key_block { void *k, *v, *k_turned; } key_block;
typedef struct desk { float *score, *d_score, *gk, *gv; uint16_t *p, *ds; void *stage, *scratch; } desk;

typedef struct areas {
    char *queries, *keys, *desks;
    size_t query_bytes, key_bytes, desk_bytes;
    float *gq;                          /* of a group: a part after another, blocks of [d, rows] */
} areas;

typedef struct call {
    const lac_op_ctx *c;
    blocks b;
    int64_t parts, first;               /* of a unit's keys; the group's first unit */
    products p;
    areas a;
} call;

static void put_products(const products *p)
{
    if (p->score != NULL)
        lac_dnn_product_put(p->score);
    if (p->sum != NULL)
        lac_dnn_product_put(p->sum);
    if (p->turned != NULL)
        lac_dnn_product_put(p->turned);
}

static lac_status get_products(products *p, const blocks *b)
{
    const lac_product score = dense_product(b, b->keys, b->rows, b->depth, false), sum = dense_product(b, b->keys, b->of.d, b->rows, true);
    const lac_product turned = dense_product(b, b->of.d, b->rows, b->keys, true);
    *p = (products){ NULL, NULL, NULL };
    LAC_TRY(lac_dnn_product_get_packed(&score, &p->score));
    LAC_TRY(lac_dnn_product_get_packed(&sum, &p->sum));
    return lac_dnn_product_get(&turned, &p->turned);
}

static size_t lay_queries(query_block *q, char *base, const call *o)
{
    carver m = { base, 0 };
    q->q_turned = take(&m, 1, lac_dnn_product_packed(o->p.score));
    q->g_turned = take(&m, 1, lac_dnn_product_packed(o->p.score));
    q->q = take(&m, 1, lac_dnn_product_packed(o->p.sum));
    q->g = take(&m, 1, lac_dnn_product_packed(o->p.sum));
    q->lse = take(&m, o->b.rows, sizeof(float));
    q->drop = take(&m, o->b.rows, sizeof(float));
    return m.used;
}

static size_t lay_keys(key_block *k, char *base, const call *o)
{
    const size_t e = lac_dtype_size(o->b.of.dtype);
    carver m = { base, 0 };
    k->k = take(&m, o->b.keys * o->b.depth, e);
    k->v = take(&m, o->b.keys * o->b.depth, e);
    k->k_turned = take(&m, o->b.keys * o->b.of.d, e);
    return m.used;
}

static size_t lay_desk(desk *k, char *base, const call *o)
{
    const blocks *b = &o->b;
    const products *p = &o->p;
    const int64_t scores = b->keys * b->rows, rounded = b->of.dtype == LAC_BF16 ? scores : 0;
    carver m = { base, 0 };
    k->score = take(&m, scores, sizeof(float));
    k->d_score = take(&m, scores, sizeof(float));
    k->gk = take(&m, b->keys * b->of.d, sizeof(float));
    k->gv = take(&m, b->keys * b->of.d, sizeof(float));
    k->p = take(&m, rounded, sizeof(uint16_t));
    k->ds = take(&m, rounded, sizeof(uint16_t));
    k->stage = take(&m, b->rows * b->depth, lac_dtype_size(b->of.dtype));
    k->scratch = take(&m, 1, LAC_MAX(lac_dnn_product_scratch(p->turned), LAC_MAX(lac_dnn_product_scratch(p->score), lac_dnn_product_scratch(p->sum))));
    return m.used;
}

static size_t lay_out(call *o, void *workspace)
{
    const blocks *b = &o->b;
    areas *a = &o->a;
    carver m = { workspace, 0 };
    query_block q;
    key_block k;
    desk d;
    a->query_bytes = lay_queries(&q, NULL, o);
    a->key_bytes = lay_keys(&k, NULL, o);
    a->desk_bytes = lay_desk(&d, NULL, o);
    a->queries = take(&m, b->group * b->n_rows, a->query_bytes);
    a->keys = take(&m, b->group * b->n_keys, a->key_bytes);
    a->desks = take(&m, b->threads, a->desk_bytes);
    a->gq = take(&m, b->group * o->parts * b->n_rows * b->rows * b->of.d, sizeof(float));
    return m.used;
}

static call call_of(const lac_op_ctx *c)
{
    call o = { .c = c, .b = blocks_of(c) };
    o.parts = o.b.group == 0 ? 1 : LAC_MIN(o.b.n_keys, (TASKS + o.b.group - 1) / o.b.group);
    return o;
}

lac_status LAC_CPU(attention_backward_workspace)(const lac_op_ctx *c, size_t *size)
{
    call o = call_of(c);
    const lac_status s = get_products(&o.p, &o.b);
    if (s == LAC_OK)
        *size = lay_out(&o, NULL);
    put_products(&o.p);
    return s;
}

static query_block queries_of(const call *o, int64_t i)
{
    query_block q;
    lay_queries(&q, o->a.queries + (size_t)i * o->a.query_bytes, o);
    return q;
}

static key_block keys_of(const call *o, int64_t i)
{
    key_block k;
    lay_keys(&k, o->a.keys + (size_t)i * o->a.key_bytes, o);
    return k;
}

static desk desk_of(const call *o)
{
    desk k;
    lay_desk(&k, o->a.desks + (size_t)omp_get_thread_num() * o->a.desk_bytes, o);
    return k;
}

/* D of tokens from element `at` of y and gy on. */
LAC_BODY void measure_drop(const lac_attention_shape *s, float *drop, const lac_op_ctx *c, int64_t at, int64_t count, lac_dtype d, lac_dtype dg)
{
    for (int64_t i = 0; i < count; i++) {
        const void *y = lac_at(c->out[0]->data, at + i * s->width, d), *g = lac_at(c->gout[0]->data, at + i * s->width, dg);
        float sum = 0;
        #pragma omp simd reduction(+ : sum)
        for (int64_t k = 0; k < s->d; k++)
            sum += lac_ld(y, k, d) * lac_ld(g, k, dg);
        drop[i] = sum;
    }
}

/* Block i of the group's queries. Those behind the last one have L infinite, so that their P is 0. */
static lac_status prepare_queries(const call *o, int64_t i)
{
    const blocks *b = &o->b;
    const lac_attention_shape *s = &b->of;
    const desk k = desk_of(o);
    const query_block q = queries_of(o, i);
    const int64_t unit = o->first + i / b->n_rows, from = i % b->n_rows * b->rows, count = present(from, b->rows, s->tq), at = place(s, unit, from, s->tq);
    cut(s, k.stage, o->c->in[0], at, count, b->rows, b->depth, true);
    LAC_TRY(lac_dnn_product_pack(o->p.score, k.stage, q.q_turned));
    cut(s, k.stage, o->c->gout[0], at, count, b->rows, b->depth, true);
    LAC_TRY(lac_dnn_product_pack(o->p.score, k.stage, q.g_turned));
    cut(s, k.stage, o->c->in[0], at, count, b->rows, s->d, false);
    LAC_TRY(lac_dnn_product_pack(o->p.sum, k.stage, q.q));
    cut(s, k.stage, o->c->gout[0], at, count, b->rows, s->d, false);
    LAC_TRY(lac_dnn_product_pack(o->p.sum, k.stage, q.g));
    LAC_EACH_DTYPE_2(s->dtype, o->c->gout[0]->dtype, measure_drop, s, q.drop, o->c, at, count);
    for (int64_t r = 0; r < count; r++)
        q.lse[r] = LOG2_E * ((const float *)o->c->out[1]->data)[unit * s->tq + from + r];
    for (int64_t r = count; r < b->rows; r++)
        q.lse[r] = INFINITY, q.drop[r] = 0;
    return LAC_OK;
}

static lac_status prepare_keys(const call *o, int64_t i)
{
    const blocks *b = &o->b;
    const key_block k = keys_of(o, i);
    const int64_t from = i % b->n_keys * b->keys, count = present(from, b->keys, b->of.tk), at = place(&b->of, o->first + i / b->n_keys, from, b->of.tk);
    cut(&b->of, k.k, o->c->in[1], at, count, b->keys, b->depth, false);
    cut(&b->of, k.v, o->c->in[2], at, count, b->keys, b->depth, false);
    cut(&b->of, k.k_turned, o->c->in[1], at, count, b->keys, b->of.d, true);
    return LAC_OK;
}

/* One key's row of scores and of <gy, v> becomes P and S'; queries before `from` do not see it. */
LAC_BODY void score_slopes(float *restrict s, float *restrict g, uint16_t *restrict p, uint16_t *restrict ds, const query_block *q, int64_t from, int64_t rows,
                           float scale, float factor, lac_dtype d)
{
    const float *restrict lse = q->lse, *restrict drop = q->drop;
    const size_t hidden = (size_t)from * (d == LAC_F32 ? sizeof *s : sizeof *p);
    memset(d == LAC_F32 ? (void *)s : p, 0, hidden);
    memset(d == LAC_F32 ? (void *)g : ds, 0, hidden);
    #pragma omp simd
    for (int64_t i = from; i < rows; i++) {
        const float share = power(lac_fma(s[i], scale, -lse[i]), d), slope = share * (g[i] - drop[i]) * factor;
        if (d == LAC_F32) {
            s[i] = share;
            g[i] = slope;
        } else {
            p[i] = nearest(share);
            ds[i] = nearest(slope);
        }
    }
}

static void slopes_of_block(const call *o, const desk *k, const query_block *q, int64_t query, int64_t key)
{
    const blocks *b = &o->b;
    const int64_t count = present(key, b->keys, b->of.tk);
    for (int64_t r = 0; r < b->keys; r++) {
        const int64_t unseen = r >= count ? b->rows : b->of.causal ? LAC_MIN(LAC_MAX(key + r - query, 0), b->rows) : 0, at = r * b->rows;
        LAC_EACH_DTYPE(b->of.dtype, score_slopes, k->score + at, k->d_score + at, k->p + at, k->ds + at, q, unseen, b->rows, b->of.scale * LOG2_E,
                       lac_attention_slope(&b->of));
    }
}

static lac_status one_block(const call *o, const desk *k, const query_block *q, const key_block *key, float *gq, int64_t query_at, int64_t key_at)
{
    const bool wide = o->b.of.dtype == LAC_F32;
    const void *p = wide ? (void *)k->score : k->p, *ds = wide ? (void *)k->d_score : k->ds;
    LAC_TRY(lac_dnn_product_run(o->p.score, key->k, q->q_turned, NULL, k->score, k->scratch));
    LAC_TRY(lac_dnn_product_run(o->p.score, key->v, q->g_turned, NULL, k->d_score, k->scratch));
    slopes_of_block(o, k, q, query_at, key_at);
    if (o->c->gin[2] != NULL)
        LAC_TRY(lac_dnn_product_run(o->p.sum, p, q->g, NULL, k->gv, k->scratch));
    if (o->c->gin[1] != NULL)
        LAC_TRY(lac_dnn_product_run(o->p.sum, ds, q->q, NULL, k->gk, k->scratch));
    return o->c->gin[0] == NULL ? LAC_OK : lac_dnn_product_run(o->p.turned, key->k_turned, ds, NULL, gq, k->scratch);
}

LAC_BODY void store_rows(const lac_attention_shape *s, lac_tensor *gin, bool add, const float *from, int64_t at, int64_t count, lac_dtype d)
{
    for (int64_t i = 0; i < count; i++) {
        void *to = lac_at(gin->data, at + i * s->width, d);
        for (int64_t k = 0; k < s->d; k++)
            lac_put(to, k, d, from[i * s->d + k], add);
    }
}

static void store_keys(const call *o, int input, const float *from, int64_t unit, int64_t key)
{
    const lac_attention_shape *s = &o->b.of;
    lac_tensor *gin = o->c->gin[input];
    if (gin != NULL)
        LAC_EACH_DTYPE(gin->dtype, store_rows, s, gin, o->c->add[input], from, place(s, unit, key, s->tk), present(key, o->b.keys, s->tk));
}

/* Task i: one part of one unit's keys. */
static lac_status take_part(const call *o, int64_t i)
{
    const blocks *b = &o->b;
    const desk k = desk_of(o);
    const int64_t unit = i / o->parts, part = i % o->parts, each = b->rows * b->of.d;
    const size_t sums = (size_t)(b->keys * b->of.d) * sizeof(float);
    float *gq = o->a.gq + i * b->n_rows * each;
    memset(gq, 0, (size_t)(b->n_rows * each) * sizeof *gq);
    for (int64_t j = lac_block_start(b->n_keys, o->parts, part); j < lac_block_start(b->n_keys, o->parts, part + 1); j++) {
        const key_block key = keys_of(o, unit * b->n_keys + j);
        memset(k.gk, 0, sums);
        memset(k.gv, 0, sums);
        for (int64_t r = b->of.causal ? j * b->keys / b->rows : 0; r < b->n_rows; r++) {
            const query_block q = queries_of(o, unit * b->n_rows + r);
            LAC_TRY(one_block(o, &k, &q, &key, gq + r * each, r * b->rows, j * b->keys));
        }
        store_keys(o, 1, k.gk, o->first + unit, j * b->keys);
        store_keys(o, 2, k.gv, o->first + unit, j * b->keys);
    }
    return LAC_OK;
}

/* gq of `count` queries from the parts' sums, which lie [d, rows]; a line of them at a time. */
LAC_BODY void store_turned(const call *o, const float *from, int64_t at, int64_t count, lac_dtype d)
{
    const blocks *b = &o->b;
    const int64_t step = b->n_rows * b->rows * b->of.d;
    lac_tensor *gin = o->c->gin[0];
    for (int64_t first = 0; first < count; first += LINE)
        for (int64_t k = 0; k < b->of.d; k++)
            for (int64_t i = first; i < LAC_MIN(first + LINE, count); i++) {
                float sum = from[k * b->rows + i];
                for (int64_t part = 1; part < o->parts; part++)
                    sum += from[part * step + k * b->rows + i];
                lac_put(lac_at(gin->data, at + i * b->of.width, d), k, d, sum, o->c->add[0]);
            }
}

static lac_status store_queries(const call *o, int64_t i)
{
    const blocks *b = &o->b;
    const int64_t unit = i / b->n_rows, r = i % b->n_rows, from = r * b->rows;
    const float *gq = o->a.gq + (unit * o->parts * b->n_rows + r) * b->rows * b->of.d;
    LAC_EACH_DTYPE(o->c->gin[0]->dtype, store_turned, o, gq, place(&b->of, o->first + unit, from, b->of.tq), present(from, b->rows, b->of.tq));
    return LAC_OK;
}

static lac_status over(const call *o, int64_t n, lac_status (*f)(const call *o, int64_t i))
{
    failure bad = { LAC_OK, "" };
    #pragma omp parallel for schedule(dynamic, 1) num_threads(o->b.threads)
    for (int64_t i = 0; i < n; i++)
        note_failure(&bad, f(o, i));
    return raise_failure(&bad);
}

static lac_status backward_all(call *o)
{
    const blocks *b = &o->b;
    for (o->first = 0; o->first < b->units; o->first += b->group) {
        const int64_t units = LAC_MIN(b->group, b->units - o->first);
        LAC_TRY(over(o, units * b->n_rows, prepare_queries));
        LAC_TRY(over(o, units * b->n_keys, prepare_keys));
        LAC_TRY(over(o, units * o->parts, take_part));
        if (o->c->gin[0] != NULL)
            LAC_TRY(over(o, units * b->n_rows, store_queries));
    }
    return LAC_OK;
}

lac_status LAC_CPU(attention_backward)(const lac_op_ctx *c)
{
    call o = call_of(c);
    if (o.b.units == 0)
        return LAC_OK;
    lac_status s = get_products(&o.p, &o.b);
    if (s == LAC_OK) {
        lay_out(&o, c->workspace);
        s = backward_all(&o);
    }
    put_products(&o.p);
    return s;
}
