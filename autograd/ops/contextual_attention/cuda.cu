/* As cpu.c and cpu_backward.c go about it, several samples at a time where a whole sample's scores fit: kernels for patches, fusing,
 * softmax and paste, and matrix products of the library. A buffer holds its part of each sample of the group, one after another. */
#include "autograd/ops/contextual_attention/cuda_patches.h"
#include "autograd/ops/contextual_attention/cuda_scores.h"
#include "core/backend.h"
#include "core/cuda/product.h"

typedef lac_contextual_attention_attr attributes;

static const attributes *attr_of(const lac_op_ctx *c) { return (const attributes *)c->attr; }

/* One call: a group of `samples` of its batch at a time. */
struct call { lac_ca g; int64_t samples; };

static int64_t map_size(const lac_ca &g) { return g.height * g.width * g.n; }
static size_t bytes(const lac_ca &g, int64_t n) { return (size_t)n * lac_dtype_size(g.dtype); }
static size_t floats(int64_t n) { return (size_t)n * sizeof(float); }

/* The largest share of n samples that divides n and whose areas, of so many bytes per sample, fit the budget. */
static int64_t group_of(int64_t n, size_t each)
{
    for (int64_t b = n; b > 1; b--)
        if (n % b == 0 && (size_t)b * each <= LAC_CA_BUDGET)
            return b;
    return 1;
}

/* The map of a sample in a tensor. */
static void *map_of(const lac_tensor *x, const lac_ca &g, int64_t sample)
{
    return (char *)x->data + (size_t)(sample * map_size(g)) * lac_dtype_size(x->dtype);
}

static lac_status cut_neighbourhoods(const call &k, void *to, const void *x, int64_t from, int64_t count)
{
    return lac_typed(lac_wide(k.g.n, to, x), [&](auto v, auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid_each(k.samples * count * k.g.key / v), attention_neighbourhoods<v, T>, (T *)to, (const T *)x, k.g, k.samples, from, count);
    }, k.g.dtype);
}

/* share: x is an upstream gradient, of a dtype of its own. */
static lac_status cut_pieces(const call &k, void *to, const void *x, lac_dtype d, int64_t from, int64_t count, bool share, bool exact)
{
    return lac_typed(lac_wide(k.g.n, to, x), [&](auto v, auto t, auto u) {
        using T = decltype(t);
        using X = decltype(u);
        return lac_launch(lac_grid_each(k.samples * count * k.g.patch / v), attention_pieces<v, T, X>, (T *)to, (const X *)x, k.g, k.samples, from, count, share, exact);
    }, k.g.dtype, d);
}

static lac_status measure_keys(const call &k, void *keys, float *norm, int64_t count)
{
    return lac_typed([&](auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid_rows(k.samples * count, k.g.key), attention_measure_keys<T>, (T *)keys, norm, k.samples * count, k.g.key);
    }, k.g.dtype);
}

/* Forward. */
struct areas {
    float *valid, *norm;            /* per key */
    void *query, *key, *piece;      /* a strip's queries, a chunk's keys and pieces */
    float *score, *attention;       /* ring of score rows; a strip's attention unless it is saved */
    lac_bf16 *rounded;              /* a strip's attention in bf16, for the paste; nothing in f32 */
    float *pasted;                  /* pieces of a strip, one grid row of the strip before in front of them */
    void *library;
};

static areas lay_out(const lac_op_ctx *c, const call &k, lac_areas *m)
{
    const lac_ca &g = k.g;
    const int64_t b = k.samples;
    areas a;
    a.valid = m->take<float>(floats(b * g.cells));
    a.norm = m->take<float>(floats(b * g.keys));
    a.query = m->take(bytes(g, b * g.strip * g.key));
    a.key = m->take(bytes(g, b * g.keys * g.key));
    a.piece = m->take(bytes(g, b * g.keys * g.patch));
    a.score = m->take<float>(floats(b * g.window * g.cells));
    a.attention = m->take<float>(c->out[1] != NULL ? 0 : floats(b * g.strip * g.cells));
    a.rounded = m->take<lac_bf16>(g.dtype == LAC_BF16 ? bytes(g, b * g.strip * g.cells) : 0);
    a.pasted = m->take<float>(floats(b * (g.strip + g.w) * g.patch));
    a.library = m->take(0);
    if (g.dtype != LAC_BF16)
        a.rounded = NULL;
    return a;
}

static call forward_call(const lac_op_ctx *c)
{
    call k = { lac_ca_of(c), 1 };
    lac_areas one(NULL);
    lay_out(c, k, &one);
    k.samples = k.g.whole ? group_of(c->in[0]->dim[0], one.used) : 1;
    return k;
}

static lac_product score_product(const call &k, int64_t keys)
{
    const lac_ca &g = k.g;
    return (lac_product){ .batch = k.samples, .m = g.strip, .n = keys, .k = g.key, .a_row = g.key, .a_col = 1, .a_batch = g.strip * g.key, .b_row = 1,
                          .b_col = g.key, .b_batch = keys * g.key, .c_row = g.cells, .c_batch = g.window * g.cells, .dtype = g.dtype, .c_dtype = LAC_F32 };
}

static lac_product paste_product(const call &k, int64_t queries, int64_t keys, bool add)
{
    const lac_ca &g = k.g;
    return (lac_product){ .batch = k.samples, .m = queries, .n = g.patch, .k = keys, .a_row = g.cells, .a_col = 1, .a_batch = g.strip * g.cells,
                          .b_row = g.patch, .b_col = 1, .b_batch = keys * g.patch, .c_row = g.patch, .c_batch = (g.strip + g.w) * g.patch,
                          .dtype = g.dtype, .c_dtype = LAC_F32, .add = add };
}

static lac_status largest_workspace(const lac_product *p, size_t n, size_t *most)
{
    size_t size;
    for (size_t i = 0; i < n; i++) {
        LAC_TRY(lac_cuda_product_workspace(&p[i], &size));
        *most = LAC_MAX(*most, size);
    }
    return LAC_OK;
}

static lac_status forward_workspace(const lac_op_ctx *c, size_t *size)
{
    const call k = forward_call(c);
    const lac_ca &g = k.g;
    const int64_t last = g.cells - (g.cells - 1) / g.keys * g.keys, end = g.cells - (g.cells - 1) / g.strip * g.strip;
    const lac_product p[] = {
        score_product(k, g.keys), score_product(k, last),
        paste_product(k, g.strip, g.keys, false), paste_product(k, g.strip, last, false),
        paste_product(k, end, g.keys, false), paste_product(k, end, last, false),
        paste_product(k, g.strip, g.keys, true), paste_product(k, g.strip, last, true),
        paste_product(k, end, g.keys, true), paste_product(k, end, last, true),
    };
    lac_areas m(NULL);
    size_t most = 0;
    LAC_TRY(largest_workspace(p, LAC_COUNT(p), &most));
    lay_out(c, k, &m);
    m.take(most);
    *size = m.size();
    return LAC_OK;
}

static lac_status find_valid(const lac_op_ctx *c, const call &k, const areas &a, int64_t sample)
{
    const lac_tensor *mask = c->in[2];
    const int64_t stride = mask->dim[0] == 1 ? 0 : k.g.height * k.g.width;
    return lac_launch(lac_grid_each(k.samples * k.g.cells), attention_find_valid, a.valid, lac_data<const float>(mask) + sample * stride, stride, k.g,
                      k.samples, attr_of(c)->mask_max);
}

/* Scores of the next strip of virtual rows, from `row`, into the ring. */
static lac_status score_rows(const call &k, const areas &a, const void *f, const void *b, int64_t row)
{
    const lac_ca &g = k.g;
    float *to = a.score + (row - g.first) % g.window * g.cells;
    LAC_TRY(cut_neighbourhoods(k, a.query, f, row, g.strip));
    for (int64_t q = 0; q < g.cells; q += g.keys) {
        const int64_t count = LAC_MIN(g.keys, g.cells - q);
        const lac_product p = score_product(k, count);
        LAC_TRY(cut_neighbourhoods(k, a.key, b, q, count));
        LAC_TRY(measure_keys(k, a.key, a.norm, count));
        LAC_TRY(lac_cuda_product(&p, a.query, a.key, NULL, to + q, a.library));
        if (g.dtype == LAC_BF16)
            LAC_TRY(lac_launch(lac_grid_each(k.samples * g.strip * count), attention_divide, to + q, a.norm, g, k.samples, g.strip, count));
    }
    return LAC_OK;
}

/* Grid rows [from, to) of the output. */
static lac_status paste(const lac_op_ctx *c, const call &k, const areas &a, const float *attention, int64_t sample, int64_t from, int64_t to)
{
    const lac_ca &g = k.g;
    const lac_tensor *b = c->in[1] ? c->in[1] : c->in[0], *y = c->out[0];
    float *strip = a.pasted + g.w * g.patch;
    for (int64_t q = 0; q < g.cells; q += g.keys) {
        const int64_t count = LAC_MIN(g.keys, g.cells - q);
        const lac_product p = paste_product(k, (to - from) * g.w, count, q > 0);
        const void *weights = a.rounded == NULL ? (const void *)(attention + q) : a.rounded + q;
        LAC_TRY(cut_pieces(k, a.piece, map_of(b, g, sample), g.dtype, q, count, false, false));
        LAC_TRY(lac_cuda_product(&p, weights, a.piece, NULL, strip, a.library));
    }
    const int64_t first = LAC_MAX(from * g.rate - g.offset, 0), end = to == g.h ? g.height : to * g.rate - g.offset;
    const pasted over = { a.pasted, from - 1, g.strip + g.w };
    LAC_TRY(lac_typed(lac_wide(g.n, y->data), [&](auto v, auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid_each(k.samples * (end - first) * g.width * g.n / v), attention_paste<v, T>, (T *)map_of(y, g, sample), over, g, k.samples,
                          first, end, attr_of(c)->exact_overlap);
    }, g.dtype));
    return to == g.h ? LAC_OK : c->backend->copy(a.pasted, strip + (to - from - 1) * g.w * g.patch, floats(g.w * g.patch));
}

static lac_status forward_group(const lac_op_ctx *c, const call &k, const areas &a, int64_t sample)
{
    const lac_ca &g = k.g;
    const void *f = map_of(c->in[0], g, sample), *b = c->in[1] ? map_of(c->in[1], g, sample) : f;
    int64_t scored = g.first;
    LAC_TRY(find_valid(c, k, a, sample));
    for (int64_t row = 0; row < g.h; row += g.rows) {
        const int64_t end = LAC_MIN(row + g.rows, g.h), needed = g.fuse && !g.whole ? (end + 1) * g.w + 1 : end * g.w, count = (end - row) * g.w;
        float *attention = c->out[1] != NULL ? lac_data<float>(c->out[1]) + (sample * g.cells + row * g.w) * g.cells : a.attention;
        for (; scored < needed; scored += g.strip)
            LAC_TRY(score_rows(k, a, f, b, scored));
        LAC_TRY(lac_launch(lac_grid_rows(k.samples * count, g.cells), attention_attend, attention, a.rounded, a.score, a.valid, g, k.samples, row * g.w,
                           count, attr_of(c)->softmax_scale, attr_of(c)->exclude_masked));
        LAC_TRY(paste(c, k, a, attention, sample, row, end));
    }
    return LAC_OK;
}

extern "C" lac_status contextual_attention_forward_cuda(const lac_op_ctx *c)
{
    const call k = forward_call(c);
    lac_areas m(c->workspace);
    const areas a = lay_out(c, k, &m);
    for (int64_t sample = 0; sample < c->in[0]->dim[0]; sample += k.samples)
        LAC_TRY(forward_group(c, k, a, sample));
    return LAC_OK;
}

/* Backward, from the saved attention; the equations stand in cpu_backward.c. The library multiplies by A^T as A lies. */
struct gradients {
    float *norm;
    void *query, *key, *piece, *upstream;       /* Q, K^ (in bf16 K), R, G of all cells */
    float *score, *other;                       /* [L, L] */
    lac_bf16 *rounded;                          /* in bf16 [L, L]: A, later E; else NULL */
    float *patch, *hood;                        /* dR; dQ, then dK */
    float *gf, *gb;                             /* of the maps in f32; the same when b is f */
    void *library;
};

static gradients lay_out_gradients(const lac_op_ctx *c, const call &k, lac_areas *m)
{
    const lac_ca &g = k.g;
    const int64_t b = k.samples, n = b * g.cells;
    gradients a;
    a.norm = m->take<float>(floats(n));
    a.query = m->take(bytes(g, n * g.key));
    a.key = m->take(bytes(g, n * g.key));
    a.piece = m->take(bytes(g, n * g.patch));
    a.upstream = m->take(bytes(g, n * g.patch));
    a.score = m->take<float>(floats(n * g.cells));
    a.other = m->take<float>(g.fuse ? floats(n * g.cells) : 0);
    a.rounded = m->take<lac_bf16>(g.dtype == LAC_BF16 ? bytes(g, n * g.cells) : 0);
    a.patch = m->take<float>(floats(n * g.patch));
    a.hood = m->take<float>(floats(n * g.key));
    a.gf = m->take<float>(floats(b * map_size(g)));
    a.gb = c->in[1] ? m->take<float>(floats(b * map_size(g))) : a.gf;
    a.library = m->take(0);
    if (g.dtype != LAC_BF16)
        a.rounded = NULL;
    return a;
}

static call backward_call(const lac_op_ctx *c)
{
    call k = { lac_ca_of(c), 1 };
    lac_areas one(NULL);
    lay_out_gradients(c, k, &one);
    k.samples = group_of(c->in[0]->dim[0], one.used);
    return k;
}

/* C [m, n] = A [m, k] B [k, n], dense, C f32; at: A lies transposed, bt: B does. */
static lac_product dense(const call &k, int64_t m, int64_t n, int64_t inner, bool at, bool bt)
{
    return (lac_product){ .batch = k.samples, .m = m, .n = n, .k = inner, .a_row = at ? 1 : inner, .a_col = at ? m : 1, .a_batch = m * inner,
                          .b_row = bt ? 1 : n, .b_col = bt ? inner : 1, .b_batch = inner * n, .c_row = n, .c_batch = m * n, .dtype = k.g.dtype,
                          .c_dtype = LAC_F32 };
}

/* dA = G R^T, dR = A^T G, dQ = dS K^, dK^ = dS^T Q. */
struct products { lac_product attention, piece, query, key; };

static products products_of(const call &k)
{
    const int64_t n = k.g.cells;
    return products{ dense(k, n, n, k.g.patch, false, true), dense(k, n, k.g.patch, n, true, false), dense(k, n, k.g.key, n, false, false),
                     dense(k, n, k.g.key, n, true, false) };
}

extern "C" lac_status contextual_attention_workspace_cuda(const lac_op_ctx *c, size_t *size)
{
    if (c->in[0]->dim[0] == 0)
        return LAC_OK;
    if (!c->backward)
        return forward_workspace(c, size);
    const call k = backward_call(c);
    const products p = products_of(k);
    const lac_product all[] = { p.attention, p.piece, p.query, p.key };
    lac_areas m(NULL);
    size_t most = 0;
    LAC_TRY(largest_workspace(all, LAC_COUNT(all), &most));
    lay_out_gradients(c, k, &m);
    m.take(most);
    *size = m.size();
    return LAC_OK;
}

static lac_status cut_all(const lac_op_ctx *c, const call &k, const gradients &a, int64_t sample)
{
    const lac_ca &g = k.g;
    const void *f = map_of(c->in[0], g, sample), *b = c->in[1] ? map_of(c->in[1], g, sample) : f;
    LAC_TRY(cut_neighbourhoods(k, a.query, f, 0, g.cells));
    LAC_TRY(cut_neighbourhoods(k, a.key, b, 0, g.cells));
    LAC_TRY(measure_keys(k, a.key, a.norm, g.cells));
    LAC_TRY(cut_pieces(k, a.piece, b, g.dtype, 0, g.cells, false, false));
    return cut_pieces(k, a.upstream, map_of(c->gout[0], g, sample), c->gout[0]->dtype, 0, g.cells, true, attr_of(c)->exact_overlap);
}

/* dS, unfused, in a.score; in bf16 A in a.rounded. */
static lac_status score_gradient(const lac_op_ctx *c, const call &k, const gradients &a, const lac_product &p, const float *attention)
{
    const int64_t rows = k.samples * k.g.cells;
    LAC_TRY(lac_cuda_product(&p, a.upstream, a.piece, NULL, a.score, a.library));
    LAC_TRY(lac_launch(lac_grid_rows(rows, k.g.cells), attention_through_softmax, a.score, a.rounded, attention, rows, k.g.cells, attr_of(c)->softmax_scale));
    if (!k.g.fuse)
        return LAC_OK;
    const lac_grid all = lac_grid_each(rows * k.g.cells);
    LAC_TRY(lac_launch(all, attention_diagonal, a.other, (const float *)a.score, k.g, k.samples, true));
    return lac_launch(all, attention_diagonal, a.score, (const float *)a.other, k.g, k.samples, false);
}

static lac_status add_pieces(const call &k, const gradients &a)
{
    const pasted from = { a.patch, 0, k.g.cells };
    return lac_typed(lac_wide(k.g.n, a.gb, a.patch), [&](auto v) {
        return lac_launch(lac_grid_each(k.samples * map_size(k.g) / v), attention_add_pieces<v>, a.gb, from, k.g, k.samples);
    });
}

static lac_status add_neighbourhoods(const call &k, float *map, const float *hoods)
{
    return lac_typed(lac_wide(k.g.n, map, hoods), [&](auto v) {
        return lac_launch(lac_grid_each(k.samples * k.g.cells * k.g.n / v), attention_add_neighbourhoods<v>, map, hoods, k.g, k.samples);
    });
}

static lac_status through_norms(const call &k, const gradients &a)
{
    const int64_t n = k.samples * k.g.cells;
    return lac_typed([&](auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid_rows(n, k.g.key), attention_through_norms<T>, a.hood, (const T *)a.key, a.norm, n, k.g.key);
    }, k.g.dtype);
}

static lac_status store(const lac_op_ctx *c, const call &k, int which, const float *from, int64_t sample)
{
    const lac_tensor *to = c->gin[which];
    const int64_t n = k.samples * map_size(k.g);
    if (to == NULL)
        return LAC_OK;
    void *at = map_of(to, k.g, sample);
    return lac_typed(lac_wide(n, at, from), [&](auto v, auto t) {
        using T = decltype(t);
        return lac_launch(lac_grid_each(n / v), attention_store<v, T>, (T *)at, from, n, c->add[which]);
    }, to->dtype);
}

static lac_status backward_group(const lac_op_ctx *c, const call &k, const gradients &a, const products &p, int64_t sample)
{
    const int64_t n = k.samples * k.g.cells * k.g.cells;
    const float *attention = lac_data<float>(c->out[1]) + sample * k.g.cells * k.g.cells;
    const void *weights = a.rounded == NULL ? (const void *)attention : a.rounded, *scores = a.rounded == NULL ? (const void *)a.score : a.rounded;
    LAC_TRY(c->backend->fill_zero(a.gf, floats(k.samples * map_size(k.g))));
    if (a.gb != a.gf)
        LAC_TRY(c->backend->fill_zero(a.gb, floats(k.samples * map_size(k.g))));
    LAC_TRY(cut_all(c, k, a, sample));
    LAC_TRY(score_gradient(c, k, a, p.attention, attention));
    LAC_TRY(lac_cuda_product(&p.piece, weights, a.upstream, NULL, a.patch, a.library));
    LAC_TRY(add_pieces(k, a));
    if (a.rounded != NULL)
        LAC_TRY(lac_launch(lac_grid_each(n), attention_round_scores, a.rounded, (const float *)a.score, (const float *)a.norm, n, k.g.cells));
    LAC_TRY(lac_cuda_product(&p.query, scores, a.key, NULL, a.hood, a.library));
    LAC_TRY(add_neighbourhoods(k, a.gf, a.hood));
    LAC_TRY(lac_cuda_product(&p.key, scores, a.query, NULL, a.hood, a.library));
    LAC_TRY(through_norms(k, a));
    LAC_TRY(add_neighbourhoods(k, a.gb, a.hood));
    LAC_TRY(store(c, k, 0, a.gf, sample));
    return c->in[1] ? store(c, k, 1, a.gb, sample) : LAC_OK;
}

extern "C" lac_status contextual_attention_backward_cuda(const lac_op_ctx *c)
{
    if (c->gin[0] == NULL && c->gin[1] == NULL)
        return LAC_OK;
    const call k = backward_call(c);
    const products p = products_of(k);
    lac_areas m(c->workspace);
    const gradients a = lay_out_gradients(c, k, &m);
    for (int64_t sample = 0; sample < c->in[0]->dim[0]; sample += k.samples)
        LAC_TRY(backward_group(c, k, a, p, sample));
    return LAC_OK;
}
