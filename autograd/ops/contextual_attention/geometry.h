/* autograd/ops/contextual_attention/geometry.h -- sizes that follow from one call, and how the workspace is cut up. */
#pragma once

#include "autograd/ops/contextual_attention/contextual_attention.h"
#include "core/product.h"

enum { LAC_CA_KEYS = 4096, LAC_CA_BUDGET = 256 << 20 };     /* keys at a time; bytes for scores and attention of a strip */

typedef struct lac_ca {
    int64_t height, width, n;               /* of f: H, W, C */
    int64_t rate, ksize, h, w, cells;       /* the coarse grid; cells = h w = L */
    int64_t key, side, patch, offset;       /* ksize^2 C; 2 rate, (2 rate)^2 C; a patch starts rate / 2 before its cell */
    int64_t rows, strip;                    /* grid rows per strip, and rows * w */
    int64_t first, window;                  /* with fuse: scores of virtual rows first .. are kept in a ring of `window` rows */
    int64_t keys;                           /* at a time */
    bool fuse, torch, whole;                /* whole: one strip */
    lac_dtype dtype;                        /* of the maps, their patches and the products' operands; sums are f32 */
} lac_ca;

/* Virtual rows run from -w - 1 to L + w: grid row -1 is the last one and grid row h the first, as fusing wraps round. A strip of
 * T grid rows reads T + 2 of them and one cell on either side, so the ring holds that, rounded up to whole strips. */
static inline void lac_ca_strips(lac_ca *g, int64_t rows)
{
    g->rows = rows;
    g->strip = rows * g->w;
    g->whole = rows >= g->h;
    g->first = g->fuse && !g->whole ? -g->w - 1 : 0;
    g->window = g->fuse && !g->whole ? ((rows + 2) * g->w + 2 + g->strip - 1) / g->strip * g->strip : g->strip;
}

/* Scores and attention in f32, and in bf16 the attention once more, rounded. */
static inline int64_t lac_ca_strip_bytes(const lac_ca *g)
{
    return (4 * (g->window + g->strip) + (g->dtype == LAC_BF16 ? 2 * g->strip : 0)) * g->cells;
}

static inline lac_ca lac_ca_of(const lac_op_ctx *c)
{
    const lac_contextual_attention_attr *a = (const lac_contextual_attention_attr *)c->attr;
    const lac_tensor *f = c->in[0];
    lac_ca g = { .height = f->dim[1], .width = f->dim[2], .n = f->dim[3], .rate = a->rate, .ksize = a->ksize,
                 .h = f->dim[1] / a->rate, .w = f->dim[2] / a->rate, .side = 2 * a->rate, .offset = a->rate / 2,
                 .fuse = a->fuse, .torch = a->torch, .dtype = f->dtype };
    g.cells = g.h * g.w;
    g.key = g.ksize * g.ksize * g.n;
    g.patch = g.side * g.side * g.n;
    g.keys = LAC_MIN(g.cells, a->strip_rows > 0 ? a->strip_rows * g.w : (int64_t)LAC_CA_KEYS);
    lac_ca_strips(&g, a->strip_rows > 0 ? LAC_MIN(a->strip_rows, g.h) : g.h);
    if (a->strip_rows > 0)
        return g;
    for (int64_t rows = g.h; rows > 1 && lac_ca_strip_bytes(&g) > LAC_CA_BUDGET; rows--)
        lac_ca_strips(&g, rows - 1);
    return g;
}

/* Takes n elements from the workspace, 64-byte aligned; without a workspace (sizing) gives NULL and only counts. */
static inline void *lac_ca_take(const lac_op_ctx *c, size_t *used, int64_t n, lac_dtype d)
{
    void *p = c->workspace ? (char *)c->workspace + *used : NULL;
    *used += ((size_t)n * lac_dtype_size(d) + 63) & ~(size_t)63;
    return p;
}
