#include "core/cpu/amx.h"
#include "core/cpu/dnn_cache.h"
#include "core/cpu/dnn_kernels.h"
#include "core/cpu/dnn_tiles.h"

#include "core/memory.h"
#include "core/threads.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

struct lac_dnn_product {
    lac_plan base;
    lac_product p;
    bool packed;                    /* B in the library's own layout, or in panels for tiles */
    bool tiles;                     /* AMX's (core/cpu/amx.h), and none of the library's primitives */
    lac_prim prim, pack;
    uint64_t layout;
    size_t packed_bytes;
};

static lac_status operand(lac_md_own *md, const int64_t *dim, int64_t batch_stride, int64_t row, int64_t col, lac_dtype d, bool batched)
{
    const int64_t stride[] = { batch_stride, row, col };
    return lac_md_new(md, batched ? 3 : 2, dim + !batched, stride + !batched, d);
}

typedef struct product_mds { lac_md_own a, b, b_any, c, bias; } product_mds;

static lac_status make_mds(product_mds *m, const lac_product *p)
{
    const bool batched = p->batch > 1;
    LAC_TRY(operand(&m->a, (int64_t[]){ p->batch, p->m, p->k }, p->a_batch, p->a_row, p->a_col, p->dtype, batched));
    LAC_TRY(operand(&m->b, (int64_t[]){ p->batch, p->k, p->n }, p->b_batch, p->b_row, p->b_col, p->dtype, batched));
    LAC_TRY(operand(&m->c, (int64_t[]){ p->batch, p->m, p->n }, p->c_batch, p->c_row, 1, p->c_dtype, batched));
    LAC_TRY(lac_md_new(&m->b_any, 2, (int64_t[]){ p->k, p->n }, NULL, p->dtype));
    return operand(&m->bias, (int64_t[]){ 1, 1, p->n }, p->n, p->n, 1, LAC_F32, batched);
}

static lac_status make_prims(lac_dnn_product *h, product_mds *m)
{
    const lac_product *p = &h->p;
    LAC_TRY(make_mds(m, p));
    LAC_TRY(lac_prim_new_matmul(&h->prim, lac_md_of(&m->a), lac_md_of(h->packed ? &m->b_any : &m->b), p->bias ? lac_md_of(&m->bias) : NULL,
                                lac_md_of(&m->c), p->add, 1));
    if (!h->packed)
        return LAC_OK;
    const lac_md inner = lac_prim_md(&h->prim, DNNL_ARG_WEIGHTS);
    h->packed_bytes = (lac_md_bytes(inner) + 63) / 64 * 64;
    LAC_TRY(lac_md_layout(&h->layout, inner));
    h->layout |= (uint64_t)(p->b_col != 1) << 40;       /* of a square one the transpose has the same layout */
    return lac_prim_new_reorder(&h->pack, lac_md_of(&m->b), inner);
}

static void drop(lac_plan *base)
{
    lac_dnn_product *h = (lac_dnn_product *)base;
    lac_prim_drop(&h->prim);
    lac_prim_drop(&h->pack);
    free(h);
}

static lac_status make(lac_plan **out, const int64_t *k)
{
    lac_dnn_product *h = NULL;
    LAC_TRY(lac_calloc((void **)&h, 1, sizeof *h));
    h->base.drop = drop;
    h->p = (lac_product){ .batch = k[1], .m = k[2], .n = k[3], .k = k[4], .a_row = k[5], .a_col = k[6], .a_batch = k[7],
                          .b_row = k[8], .b_col = k[9], .b_batch = k[10], .c_row = k[11], .c_batch = k[12],
                          .dtype = (lac_dtype)k[13], .c_dtype = (lac_dtype)k[14], .bias = k[15], .add = k[16] };
    h->packed = k[17];
    h->tiles = k[18];
    if (h->tiles) {
        h->packed_bytes = (size_t)lac_amx_sides(h->p.n) * lac_amx_panel(h->p.k);
        *out = &h->base;
        return LAC_OK;
    }
    product_mds m;
    memset(&m, 0, sizeof m);
    const lac_status s = make_prims(h, &m);
    lac_md_drop(&m.a);
    lac_md_drop(&m.b);
    lac_md_drop(&m.b_any);
    lac_md_drop(&m.c);
    lac_md_drop(&m.bias);
    if (s != LAC_OK) {
        drop(&h->base);
        return lac_context(s, "product [%lld, %lld] x [%lld, %lld]", (long long)k[2], (long long)k[4], (long long)k[4], (long long)k[3]);
    }
    *out = &h->base;
    return LAC_OK;
}

static lac_status get(const lac_dnn_product **h, const lac_product *p, bool packed, bool tiles)
{
    const int64_t key[LAC_PLAN_KEY] = {
        'p', p->batch, p->m, p->n, p->k, p->a_row, p->a_col, p->a_batch, p->b_row, p->b_col, p->b_batch, p->c_row, p->c_batch,
        p->dtype, p->c_dtype, p->bias, p->add, packed, tiles,
    };
    return lac_plan_get((lac_plan **)h, key, make);
}

/* One thread's product on tiles: of rows of A as they lie. */
static bool on_tiles(const lac_product *p) { return p->dtype == LAC_BF16 && p->batch == 1 && p->a_col == 1 && lac_amx_here(); }

lac_status lac_dnn_product_get(const lac_product *p, const lac_dnn_product **h) { return get(h, p, false, on_tiles(p)); }
lac_status lac_dnn_product_get_packed(const lac_product *p, const lac_dnn_product **h) { return get(h, p, true, on_tiles(p)); }
void lac_dnn_product_put(const lac_dnn_product *h) { lac_plan_put((lac_plan *)&h->base); }
size_t lac_dnn_product_scratch(const lac_dnn_product *h) { return !h->tiles ? h->prim.scratch : h->packed ? 0 : h->packed_bytes; }
size_t lac_dnn_product_packed(const lac_dnn_product *h) { return h->packed_bytes; }

static void pack_panels(const lac_product *p, const uint16_t *b, char *to)
{
    for (int64_t j = 0; j < p->n; j += LAC_AMX_SIDE, to += lac_amx_panel(p->k))
        lac_amx_pack((uint16_t *)to, b + j * p->b_col, p->b_row, p->b_col, p->k, LAC_MIN(p->n - j, LAC_AMX_SIDE));
}

lac_status lac_dnn_product_pack(const lac_dnn_product *h, const void *b, void *to)
{
    if (!h->tiles)
        return lac_prim_reorder(&h->pack, 1, 0, b, to);
    pack_panels(&h->p, b, to);
    return LAC_OK;
}

static void run_on_tiles(const lac_dnn_product *h, const void *a, const void *b, const float *bias, void *c, void *scratch)
{
    const lac_product *p = &h->p;
    const int64_t panels = lac_amx_sides(p->n);
    if (!h->packed) {
        pack_panels(p, b, scratch);
        b = scratch;
    }
    lac_amx_begin();
    lac_amx_product(&(lac_amx_run){ .a = a, .row = p->a_row, .m = p->m, .k = p->k, .b = b, .step = lac_amx_panel(p->k), .panels = panels,
                                    .last = p->n - (panels - 1) * LAC_AMX_SIDE, .end = { p->bias ? bias : NULL, p->add ? c : NULL, c, p->c_row, p->c_dtype } });
    lac_amx_done();
}

lac_status lac_dnn_product_run(const lac_dnn_product *h, const void *a, const void *b, const float *bias, void *c, void *scratch)
{
    const int arg[] = { DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_BIAS };
    void *const data[] = { (void *)a, (void *)b, c, (void *)bias };
    if (!h->tiles)
        return lac_prim_run(&h->prim, h->p.bias ? 4 : 3, arg, data, scratch);
    run_on_tiles(h, a, b, bias, c, scratch);
    return LAC_OK;
}

/* The whole product: blocks of `rows` rows of A, the last one shorter, and `columns` columns of B, per element of the batch; sizes by a fixed rule. */
typedef struct blocks {
    const lac_dnn_product *full, *last;         /* last: NULL when the rows divide */
    int64_t rows, per_batch, columns, per_row, n;
    bool turns, same_b;                         /* a block's rows are turned before; the last one reads B as the full ones do */
    size_t scratch, turned, step;               /* bytes per worker; from block to block of B */
    int workers;
} blocks;

/* About sixteen blocks of 128 rows or more; f32: an even number of equal ones, where some are as good as that. */
static int64_t block_rows(const lac_product *p)
{
    const int64_t wanted = (p->m * p->batch + 15) / 16, rows = LAC_MIN(p->m, (LAC_MAX(wanted, 128) + 15) / 16 * 16), least = (p->m + rows - 1) / rows;
    for (int64_t n = least; p->dtype == LAC_F32 && p->batch == 1 && n > 1 && n <= 2 * least; n++)
        if (n % 2 == 0 && p->m % (16 * n) == 0 && p->m / n >= 64)
            return p->m / n;
    return rows;
}

/* One block of rows alone, of a large B, is cut into columns too. */
static int64_t column_blocks(const lac_product *p, int64_t rows)
{
    const bool alone = p->batch == 1 && p->m <= rows && p->k * p->n >= 1 << 19;
    return !alone ? 1 : p->n % 256 == 0 ? 4 : p->n % 128 == 0 ? 2 : 1;
}

/* The library's bf16 kernels take twice as long where A lies transposed; turning long columns costs as much again. Those of f32 take that long of many rows. */
static bool turns(const lac_product *p)
{
    const bool gains = p->dtype == LAC_BF16 ? p->k <= 1024 : p->m >= 1280 && p->n <= 1280;
    return gains && p->batch == 1 && p->a_col != 1;
}

static void put_blocks(const blocks *b)
{
    if (b->full)
        lac_dnn_product_put(b->full);
    if (b->last)
        lac_dnn_product_put(b->last);
}

static bool packs(const lac_product *p) { return p->batch == 1 && p->m >= 16; }

static lac_status get_blocks(blocks *b, const lac_product *p)
{
    memset(b, 0, sizeof *b);
    lac_product part = *p;
    part.batch = 1;
    part.a_batch = part.b_batch = part.c_batch = 0;
    part.m = b->rows = block_rows(p);
    b->per_batch = (p->m + b->rows - 1) / b->rows;
    b->per_row = column_blocks(p, b->rows);
    part.n = b->columns = p->n / b->per_row;
    b->n = p->batch * b->per_batch * b->per_row;
    b->workers = (int)LAC_MIN(lac_threads(), b->n);
    b->step = (size_t)(b->columns * p->b_col) * lac_dtype_size(p->dtype);
    b->turns = turns(p);
    if (b->turns) {
        part.a_row = p->k, part.a_col = 1;
        b->turned = ((size_t)(b->rows * p->k) * lac_dtype_size(p->dtype) + 63) / 64 * 64;
    }
    LAC_TRY(get(&b->full, &part, packs(p), false));
    b->scratch = b->full->prim.scratch;
    part.m = p->m % b->rows;
    if (part.m == 0)
        return LAC_OK;
    LAC_TRY(get(&b->last, &part, packs(p), false));
    b->same_b = b->last->layout == b->full->layout;
    b->scratch = LAC_MAX(b->scratch, b->last->prim.scratch);
    return LAC_OK;
}

lac_status lac_dnn_matmul_workspace(const lac_product *p, bool packed, size_t *size)
{
    blocks b;
    if (lac_tiles_fit(p)) {
        *size = lac_tiles_workspace(p, packed);
        return LAC_OK;
    }
    const lac_status s = get_blocks(&b, p);
    if (s == LAC_OK)
        *size = (b.scratch + b.turned) * (size_t)b.workers +
                (packed ? 0 : (b.full->packed_bytes + (b.last && !b.same_b ? b.last->packed_bytes : 0)) * (size_t)b.per_row);
    put_blocks(&b);
    return s;
}

/* B for the full blocks and for the last one: the same packed copy when the library wants the same layout for both. */
static lac_status pack_b(const blocks *b, const lac_dnn_weight *w, char **workspace, const void **full, const void **last)
{
    *full = *last = w->data;
    if (!b->full->packed)
        return LAC_OK;
    LAC_TRY(lac_dnn_reordered(full, w, b->full->layout, &b->full->pack, b->per_row, b->step, *workspace));
    if (w->uid == 0)
        *workspace += b->full->packed_bytes * (size_t)b->per_row;
    *last = *full;
    if (b->last == NULL || b->same_b)
        return LAC_OK;
    LAC_TRY(lac_dnn_reordered(last, w, b->last->layout, &b->last->pack, b->per_row, b->step, *workspace));
    if (w->uid == 0)
        *workspace += b->last->packed_bytes * (size_t)b->per_row;
    return LAC_OK;
}

/* A call's operands. */
typedef struct run {
    const blocks *b;
    const lac_product *p;
    const char *a, *full, *last;    /* B for the full blocks and for the last */
    const float *bias;
    const char *onto;
    char *c, *workers;
} run;

/* Rows of `onto` come to where the product adds to them. */
static void bring(const run *r, size_t at, int64_t rows)
{
    const size_t size = lac_dtype_size(r->p->c_dtype), row = (size_t)r->p->c_row * size;
    for (int64_t i = 0; i < rows; i++)
        memcpy(r->c + at + (size_t)i * row, r->onto + at + (size_t)i * row, (size_t)r->b->columns * size);
}

static lac_status run_block(const run *r, int64_t i)
{
    const blocks *b = r->b;
    const lac_product *p = r->p;
    const int64_t of_ab = (int64_t)lac_dtype_size(p->dtype), of_c = (int64_t)lac_dtype_size(p->c_dtype), part = i % b->per_row, strip = i / b->per_row;
    const int64_t batch = strip / b->per_batch, row = strip % b->per_batch * b->rows, rows = LAC_MIN(b->rows, p->m - row), column = part * b->columns;
    const lac_dnn_product *h = rows < b->rows ? b->last : b->full;
    const size_t at = (size_t)((batch * p->c_batch + row * p->c_row + column) * of_c);
    char *scratch = r->workers + (size_t)omp_get_thread_num() * (b->scratch + b->turned);
    const char *a = r->a + (batch * p->a_batch + row * p->a_row) * of_ab, *whole = rows < b->rows ? r->last : r->full;
    if (b->turns) {
        if (p->dtype == LAC_BF16)
            lac_dnn_kernels_here()->turn((uint16_t *)(scratch + b->scratch), (const uint16_t *)a, p->k, p->a_col, rows);
        else
            lac_dnn_kernels_here()->turn_floats((float *)(scratch + b->scratch), (const float *)a, p->k, p->a_col, rows);
        a = scratch + b->scratch;
    }
    if (r->onto != NULL)
        bring(r, at, rows);
    return lac_dnn_product_run(h, a, whole + batch * p->b_batch * of_ab + (size_t)part * (h->packed ? h->packed_bytes : b->step),
                               r->bias ? r->bias + column : NULL, r->c + at, scratch);
}

static lac_status run_blocks(const run *r)
{
    lac_status result = LAC_OK;
    char message[256] = "";
    #pragma omp parallel for schedule(dynamic, 1) num_threads(r->b->workers)
    for (int64_t i = 0; i < r->b->n; i++) {
        const lac_status s = run_block(r, i);
        if (s != LAC_OK) {
            #pragma omp critical(lac_dnn_product_error)
            {
                result = s;
                lac_error_copy(message, sizeof message);
            }
        }
    }
    return result == LAC_OK ? LAC_OK : LAC_FAIL(result, "%s", message);
}

lac_status lac_dnn_matmul(const lac_product *p, const void *a, const lac_dnn_weight *w, const float *bias, void *c, void *workspace)
{
    return lac_dnn_matmul_onto(p, a, w, bias, NULL, c, workspace);
}

lac_status lac_dnn_matmul_onto(const lac_product *p, const void *a, const lac_dnn_weight *w, const float *bias, const void *onto, void *c, void *workspace)
{
    if (lac_tiles_fit(p))
        return lac_tiles_matmul(p, a, w, bias, onto, c, workspace);
    blocks b;
    char *at = workspace;
    const void *full, *last;
    lac_status s = get_blocks(&b, p);
    if (s == LAC_OK)
        s = pack_b(&b, w, &at, &full, &last);
    if (s == LAC_OK)
        s = run_blocks(&(run){ &b, p, a, full, last, bias, onto, c, at });
    put_blocks(&b);
    return s;
}
