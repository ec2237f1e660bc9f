#include "core/cpu/dnn_tiles.h"

#include "core/cpu/amx.h"
#include "core/cpu/dnn_cache.h"
#include "core/threads.h"

#include <omp.h>

bool lac_tiles_fit(const lac_product *p)
{
    return p->dtype == LAC_BF16 && p->batch == 1 && p->m >= 16 && p->k >= 16 && p->n >= 16 && lac_amx_here();
}

/* A task is some rows of A times some panels of B, a megabyte of either at most, of which a chunk of k counts: what a core's second-level cache holds. Where
 * A is small its rows stay together, and B is read once. No element's bits depend on the cut. */
typedef struct cut {
    int64_t rows, n_rows, panels, n_panels, all, chunk;         /* chunk: steps of k, 0 where k is one */
    size_t panel, turned, sums;                                 /* bytes: of a panel; of a worker's rows turned, and of its sums */
} cut;

static cut cut_of(const lac_product *p)
{
    enum { MOST = 1 << 20, TASKS = 12, ROWS = 256, CHUNK = 32 };
    cut c = { .rows = p->m, .all = lac_amx_sides(p->n), .panel = lac_amx_panel(p->k) };
    const int64_t steps = lac_amx_sides(p->k), step = LAC_AMX_SIDE * (int64_t)sizeof(uint16_t);
    c.chunk = steps >= 2 * CHUNK ? CHUNK : 0;
    const int64_t row = (c.chunk > 0 && p->a_col == 1 ? c.chunk : steps) * step, panel = (c.chunk > 0 ? c.chunk : steps) * LAC_AMX_SIDE * step;
    c.panels = LAC_MIN(LAC_MAX(MOST / panel, 1), c.all);
    if (p->m * row <= MOST)
        c.panels = LAC_MAX(LAC_MIN(c.panels, c.all / TASKS), 1);
    else
        c.rows = LAC_MAX(LAC_MIN(ROWS, MOST / row / LAC_AMX_SIDE * LAC_AMX_SIDE), LAC_AMX_SIDE);
    c.n_panels = (c.all + c.panels - 1) / c.panels;
    while (c.rows > 64 && c.n_panels * ((p->m + c.rows - 1) / c.rows) < TASKS / 2)
        c.rows = lac_amx_sides(c.rows / 2) * LAC_AMX_SIDE;
    c.n_rows = (p->m + c.rows - 1) / c.rows;
    c.turned = p->a_col != 1 ? (size_t)(c.rows * steps * step) : 0;
    c.sums = c.chunk > 0 ? (size_t)(lac_amx_sides(c.rows) * c.panels * LAC_AMX_SUMS) * sizeof(float) : 0;
    return c;
}

size_t lac_tiles_workspace(const lac_product *p, bool packed)
{
    const cut c = cut_of(p);
    return (c.turned + c.sums) * (size_t)lac_threads() + (packed ? 0 : lac_tiles_packed(p));
}

static lac_status pack(const void *context, const void *from, void *to)
{
    const lac_product *p = context;
    const size_t panel = lac_amx_panel(p->k);
    LAC_PARALLEL_FOR(i, lac_amx_sides(p->n)) {
        const int64_t first = i * LAC_AMX_SIDE;
        lac_amx_pack((uint16_t *)((char *)to + (size_t)i * panel), (const uint16_t *)from + first * p->b_col, p->b_row, p->b_col, p->k, LAC_MIN(p->n - first, LAC_AMX_SIDE));
    }
    return LAC_OK;
}

/* Beside the library's layouts, which are numbered from 1 on. */
static uint64_t layout_of(const lac_product *p) { return (uint64_t)1 << 63 | (uint64_t)(p->b_col != 1) << 62 | (uint64_t)p->k << 31 | (uint64_t)p->n; }

typedef struct call { const lac_product *p; cut c; const uint16_t *a; const char *b; const float *bias; const char *onto; char *to, *workers; } call;

static void run_task(const call *o, int64_t i)
{
    const lac_product *p = o->p;
    const cut *c = &o->c;
    const int64_t row = i % c->n_rows * c->rows, first = i / c->n_rows * c->panels, column = first * LAC_AMX_SIDE, m = LAC_MIN(c->rows, p->m - row);
    char *own = o->workers + (size_t)omp_get_thread_num() * (c->turned + c->sums);
    const size_t at = (size_t)(row * p->c_row + column) * lac_dtype_size(p->c_dtype);
    lac_amx_run r = { .a = o->a + row * p->a_row, .row = p->a_row, .m = m, .k = p->k, .b = o->b + (size_t)first * c->panel, .step = c->panel,
                      .panels = LAC_MIN(c->panels, c->all - first),
                      .end = { o->bias ? o->bias + column : NULL, o->onto ? o->onto + at : NULL, o->to + at, p->c_row, p->c_dtype },
                      .chunk = c->chunk, .sums = c->sums > 0 ? (float *)(own + c->turned) : NULL };
    r.last = LAC_MIN(p->n - column - (r.panels - 1) * LAC_AMX_SIDE, LAC_AMX_SIDE);
    if (c->turned > 0) {
        uint16_t *turned = (uint16_t *)own;
        lac_amx_turn(turned, r.a, p->a_col, m, p->k);
        r.a = turned, r.row = r.k = lac_amx_sides(p->k) * LAC_AMX_SIDE;
    }
    lac_amx_product(&r);
}

size_t lac_tiles_packed(const lac_product *p) { return (size_t)lac_amx_sides(p->n) * lac_amx_panel(p->k); }

void lac_tiles_run(const lac_product *p, const void *a, const void *packed, const float *bias, const void *onto, void *to, void *workspace)
{
    const call o = { .p = p, .c = cut_of(p), .a = a, .b = packed, .bias = p->bias ? bias : NULL, .onto = onto != NULL ? onto : p->add ? to : NULL, .to = to,
                     .workers = workspace };
    const int64_t tasks = o.c.n_rows * o.c.n_panels;
    const int workers = (int)LAC_MIN(lac_threads(), tasks);
    #pragma omp parallel num_threads(workers)
    {
        lac_amx_begin();
        #pragma omp for schedule(dynamic, 1)
        for (int64_t i = 0; i < tasks; i++)
            run_task(&o, i);
        lac_amx_done();
    }
}

lac_status lac_tiles_matmul(const lac_product *p, const void *a, const lac_dnn_weight *b, const float *bias, const void *onto, void *to, void *workspace)
{
    const void *packed = NULL;
    LAC_TRY(lac_dnn_packed(&packed, b, layout_of(p), lac_tiles_packed(p), pack, p, (char *)workspace + lac_tiles_workspace(p, true)));
    lac_tiles_run(p, a, packed, bias, onto, to, workspace);
    return LAC_OK;
}
