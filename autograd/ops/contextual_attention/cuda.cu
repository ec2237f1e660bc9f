/* As cpu.c and cpu_backward.c go about it, several samples at a time where a whole sample's scores fit: kernels for patches, fusing,
 * softmax and paste, and matrix products of the library. A buffer holds its part of each sample of the group, one after another. */
#include "autograd/ops/contextual_attention/formula.h"
#include "core/backend.h"
#include "core/cuda/kernel.h"
#include "core/cuda/product.h"

typedef lac_contextual_attention_attr attributes;

static const attributes *attr_of(const lac_op_ctx *c) { return (const attributes *)c->attr; }

/* Where maps of a group are cut: neighbourhoods of `count` cells from `from` on, counted round the grid. */
template <int V, typename T>
static __global__ void attention_neighbourhoods(T *__restrict__ to, const T *__restrict__ x, lac_ca g, int64_t samples, int64_t from, int64_t count)
{
    const int64_t packs = g.key / V, half = g.ksize / 2;
    for LAC_EACH(at, samples * count * packs) {
        const int64_t p = at / packs, k = at % packs * V, cell = (from + p % count + g.cells) % g.cells, place = k / g.n;
        const int64_t i = cell / g.w + place / g.ksize - half, j = cell % g.w + place % g.ksize - half;
        float v[V] = { 0 };
        if (i >= 0 && i < g.h && j >= 0 && j < g.w)
            lac_load(v, x + ((p / count * g.height + lac_ca_fine_row(&g, i)) * g.width + lac_ca_fine_col(&g, j)) * g.n + k % g.n);
        lac_store(to + at * V, v);
    }
}

/* The 2r x 2r pieces of x, or (share) of an upstream gradient, each pixel times its overlap share; zero outside. */
template <int V, typename T, typename X>
static __global__ void attention_pieces(T *__restrict__ to, const X *__restrict__ x, lac_ca g, int64_t samples, int64_t from, int64_t count, bool share, bool exact)
{
    const int64_t packs = g.patch / V;
    for LAC_EACH(at, samples * count * packs) {
        const int64_t p = at / packs, k = at % packs * V, cell = from + p % count, place = k / g.n;
        const int64_t i = cell / g.w * g.rate - g.offset + place / g.side, j = cell % g.w * g.rate - g.offset + place % g.side;
        float v[V] = { 0 };
        if (i >= 0 && i < g.height && j >= 0 && j < g.width) {
            lac_load(v, x + ((p / count * g.height + i) * g.width + j) * g.n + k % g.n);
            const float part = share ? lac_ca_overlap_share(&g, exact, i, j) : 1.0f;
            for (int l = 0; l < V; l++)
                v[l] *= part;
        }
        lac_store(to + at * V, v);
    }
}

/* norm = sqrt(max(|K|^2, 1e-8)), a block per key. In f32 the key is divided by it; in bf16 it stays exact, and the scores are divided. */
template <typename T> static __global__ void attention_measure_keys(T *keys, float *norm, int64_t n, int64_t key)
{
    for LAC_EACH_BLOCK(q, n) {
        T *k = keys + q * key;
        float s = 0;
        for (int64_t i = threadIdx.x; i < key; i += blockDim.x)
            s = lac_fma(lac_f32(k[i]), lac_f32(k[i]), s);
        s = lac_block_sum(s);
        const float length = lac_sqrt(s > 1e-8f ? s : 1e-8f), inverse = 1.0f / length;
        if (threadIdx.x == 0)
            norm[q] = length;
        if constexpr (std::is_same_v<T, float>)
            for (int64_t i = threadIdx.x; i < key; i += blockDim.x)
                k[i] *= inverse;
    }
}

/* Scores of keys as they lie become scores of keys of length 1; `keys` columns of `rows` rows, a stride of g.cells. */
static __global__ void attention_divide(float *score, const float *__restrict__ norm, lac_ca g, int64_t samples, int64_t rows, int64_t keys)
{
    for LAC_EACH(at, samples * rows * keys) {
        const int64_t row = at / keys, q = at % keys;
        score[(row / rows * g.window + row % rows) * g.cells + q] /= norm[row / rows * keys + q];
    }
}

/* 1 where no hole lies in the rate x rate block (max), or at the nearest pixel. */
__device__ static inline bool known(const lac_ca &g, const float *mask, int64_t i, int64_t j, bool max)
{
    if (!max)
        return mask[lac_ca_fine_row(&g, i) * g.width + lac_ca_fine_col(&g, j)] == 0;
    for (int64_t y = i * g.rate; y < (i + 1) * g.rate; y++)
        for (int64_t x = j * g.rate; x < (j + 1) * g.rate; x++)
            if (mask[y * g.width + x] != 0)
                return false;
    return true;
}

/* mask: of the group, `stride` from one sample's to the next. */
static __global__ void attention_find_valid(float *valid, const float *mask, int64_t stride, lac_ca g, int64_t samples, bool max)
{
    const int64_t half = g.ksize / 2;
    for LAC_EACH(at, samples * g.cells) {
        const int64_t row = at % g.cells / g.w, col = at % g.w;
        bool all = true;
        for (int64_t i = row - half; i <= row + half; i++)
            for (int64_t j = col - half; j <= col + half; j++)
                if (i >= 0 && i < g.h && j >= 0 && j < g.w)
                    all = all && known(g, mask + at / g.cells * stride, i, j, max);
        valid[at] = all;
    }
}

/* Row `row` of a sample's ring of scores. */
__device__ static inline const float *score_at(const lac_ca &g, const float *score, int64_t row)
{
    return score + (g.whole ? (row + g.cells) % g.cells : (row - g.first) % g.window) * g.cells;
}

/* Both passes of fusing at once: the sum over column steps e of the sum over row steps d. */
__device__ static inline float fused(const lac_ca &g, const float *score, int64_t p, int64_t q)
{
    float sum = 0;
    for (int64_t e = -1; e <= 1; e++) {
        int64_t row;
        const int64_t to = e == 0 ? q : lac_ca_column_step(&g, q, e);
        if (to < 0 || !lac_ca_column_row(&g, p, e, &row))
            continue;
        const int64_t cell = (row + g.cells) % g.cells;
        for (int64_t d = -1; d <= 1; d++)
            if (cell + d >= 0 && cell + d < g.cells && to + d >= 0 && to + d < g.cells)
                sum += score_at(g, score, row + d)[to + d];
    }
    return sum;
}

/* A = softmax(scale v S) v, a block per query. Masked keys weigh in with score 0, or (exclude) not at all. `rounded`: A in bf16, or NULL. */
static __global__ void attention_attend(float *attention, lac_bf16 *rounded, const float *__restrict__ score, const float *__restrict__ valid, lac_ca g,
                                        int64_t samples, int64_t from, int64_t count, float scale, bool exclude)
{
    for LAC_EACH_BLOCK(at, samples * count) {
        const int64_t b = at / count, p = from + at % count, row = (b * g.strip + at % count) * g.cells;
        const float *s = score + b * g.window * g.cells, *v = valid + b * g.cells;
        float *a = attention + row, most = -INFINITY, sum = 0;
        for (int64_t q = threadIdx.x; q < g.cells; q += blockDim.x) {
            a[q] = scale * (g.fuse ? fused(g, s, p, q) : score_at(g, s, p)[q]) * v[q];
            most = exclude && v[q] == 0 ? most : a[q] > most ? a[q] : most;
        }
        most = lac_block_max(most);
        for (int64_t q = threadIdx.x; q < g.cells; q += blockDim.x) {
            const float e = exclude && v[q] == 0 ? 0.0f : lac_exp_negative(a[q] - most);
            sum += e;
            a[q] = e * v[q];
        }
        sum = lac_block_sum(sum);
        const float inverse = sum > 0 ? 1.0f / sum : 0.0f;
        for (int64_t q = threadIdx.x; q < g.cells; q += blockDim.x) {
            a[q] *= inverse;
            if (rounded != NULL)
                lac_store(rounded + row + q, a[q]);
        }
    }
}

/* Rows [first, end) of the output from the one, two or four pieces over each pixel; grid row i of a sample lies at
 * pasted[(i - base) w], samples are `stride` pieces apart. */
struct pasted { const float *at; int64_t base, stride; };

template <int V> __device__ static inline void over_pixel(float (&sum)[V], const lac_ca &g, const pasted &from, int64_t sample, int64_t y, int64_t x, int64_t k)
{
    const int64_t i1 = (y + g.offset) / g.rate, j1 = (x + g.offset) / g.rate;
    float v[V];
    for (int64_t i = LAC_MAX(i1 - 1, 0); i <= LAC_MIN(i1, g.h - 1); i++)
        for (int64_t j = LAC_MAX(j1 - 1, 0); j <= LAC_MIN(j1, g.w - 1); j++) {
            const int64_t piece = sample * from.stride + (i - from.base) * g.w + j;
            lac_load(v, from.at + piece * g.patch + ((y + g.offset - i * g.rate) * g.side + x + g.offset - j * g.rate) * g.n + k);
            for (int l = 0; l < V; l++)
                sum[l] += v[l];
        }
}

template <int V, typename T>
static __global__ void attention_paste(T *__restrict__ y, pasted from, lac_ca g, int64_t samples, int64_t first, int64_t end, bool exact)
{
    const int64_t packs = g.n / V, line = g.width * packs;
    for LAC_EACH(at, samples * (end - first) * line) {
        const int64_t sample = at / line / (end - first), row = first + at / line % (end - first), col = at % line / packs, k = at % packs * V;
        float sum[V] = { 0 };
        over_pixel(sum, g, from, sample, row, col, k);
        for (int l = 0; l < V; l++)
            sum[l] *= lac_ca_overlap_share(&g, exact, row, col);
        lac_store(y + ((sample * g.height + row) * g.width + col) * g.n + k, sum);
    }
}

/* The gradient of the pieces, added where they were cut. */
template <int V> static __global__ void attention_add_pieces(float *__restrict__ map, pasted from, lac_ca g, int64_t samples)
{
    const int64_t packs = g.n / V;
    for LAC_EACH(at, samples * g.height * g.width * packs) {
        const int64_t pixel = at / packs, k = at % packs * V;
        float sum[V] = { 0 };
        over_pixel(sum, g, from, pixel / g.width / g.height, pixel / g.width % g.height, pixel % g.width, k);
        lac_put(map + pixel * g.n + k, sum, true);
    }
}

/* The same for neighbourhoods. Cells have pixels of their own (the nearest rule skips, never repeats). */
template <int V> static __global__ void attention_add_neighbourhoods(float *__restrict__ map, const float *__restrict__ hoods, lac_ca g, int64_t samples)
{
    const int64_t packs = g.n / V, half = g.ksize / 2;
    for LAC_EACH(at, samples * g.cells * packs) {
        const int64_t k = at % packs * V, cell = at / packs % g.cells, sample = at / packs / g.cells, row = cell / g.w, col = cell % g.w;
        float sum[V] = { 0 }, v[V];
        for (int64_t i = LAC_MAX(row - half, 0); i <= LAC_MIN(row + half, g.h - 1); i++)
            for (int64_t j = LAC_MAX(col - half, 0); j <= LAC_MIN(col + half, g.w - 1); j++) {
                const int64_t place = (row - i + half) * g.ksize + col - j + half;
                lac_load(v, hoods + (sample * g.cells + i * g.w + j) * g.key + place * g.n + k);
                for (int l = 0; l < V; l++)
                    sum[l] += v[l];
            }
        lac_put(map + ((sample * g.height + lac_ca_fine_row(&g, row)) * g.width + lac_ca_fine_col(&g, col)) * g.n + k, sum, true);
    }
}

/* dA becomes dS in place, a block per row; in bf16 A is rounded on the way. */
static __global__ void attention_through_softmax(float *d, lac_bf16 *rounded, const float *__restrict__ attention, int64_t rows, int64_t cells, float scale)
{
    for LAC_EACH_BLOCK(p, rows) {
        float sum = 0;
        for (int64_t q = p * cells + threadIdx.x; q < (p + 1) * cells; q += blockDim.x)
            sum = lac_fma(attention[q], d[q], sum);
        sum = lac_block_sum(sum);
        for (int64_t q = p * cells + threadIdx.x; q < (p + 1) * cells; q += blockDim.x) {
            d[q] = scale * attention[q] * (d[q] - sum);
            if (rounded != NULL)
                lac_store(rounded + q, attention[q]);
        }
    }
}

/* The three-term diagonal sum along the rows-first or the columns-first order; each is its own adjoint. */
static __global__ void attention_diagonal(float *__restrict__ to, const float *__restrict__ from, lac_ca g, int64_t samples, bool columns)
{
    const int64_t n = g.cells;
    for LAC_EACH(at, samples * n * n) {
        const int64_t p = at / n % n, q = at % n, map = at - p * n - q;
        float sum = from[at];
        for (int64_t e = -1; e <= 1; e += 2) {
            const int64_t i = columns ? lac_ca_column_step(&g, p, e) : p + e, j = columns ? lac_ca_column_step(&g, q, e) : q + e;
            if (i >= 0 && i < n && j >= 0 && j < n)
                sum += from[map + i * n + j];
        }
        to[at] = sum;
    }
}

/* E = dS / |K| in bf16. */
static __global__ void attention_round_scores(lac_bf16 *__restrict__ to, const float *__restrict__ ds, const float *__restrict__ norm, int64_t n, int64_t cells)
{
    for LAC_EACH(at, n)
        lac_store(to + at, ds[at] / norm[at / cells / cells * cells + at % cells]);
}

/* dK^ becomes dK in place, a block per key; in bf16 E^T Q does, which lacks the part along K alone. */
template <typename T>
static __global__ void attention_through_norms(float *hoods, const T *__restrict__ keys, const float *__restrict__ norm, int64_t n, int64_t key)
{
    for LAC_EACH_BLOCK(q, n) {
        float *d = hoods + q * key, along = 0;
        const T *k = keys + q * key;
        for (int64_t i = threadIdx.x; i < key; i += blockDim.x)
            along = lac_fma(lac_f32(k[i]), d[i], along);
        along = lac_block_sum(along);
        const float inverse = 1.0f / norm[q], kept = norm[q] <= 1e-4f ? 0.0f : along, part = kept * inverse * inverse;
        for (int64_t i = threadIdx.x; i < key; i += blockDim.x)
            d[i] = std::is_same_v<T, float> ? (d[i] - lac_f32(k[i]) * kept) * inverse : d[i] - lac_f32(k[i]) * part;
    }
}

template <int V, typename T> static __global__ void attention_store(T *__restrict__ to, const float *__restrict__ from, int64_t n, bool add)
{
    for LAC_EACH(i, n / V) {
        float v[V];
        lac_load(v, from + i * V);
        lac_put(to + i * V, v, add);
    }
}

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
        return lac_launch(lac_grid_rows(k.samples * count, LAC_THREADS), attention_measure_keys<T>, (T *)keys, norm, k.samples * count, k.g.key);
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
    a.attention = m->take<float>(lac_numel(c->out[1]) > 0 ? 0 : floats(b * g.strip * g.cells));
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

/* A failure comes back with the product itself. */
static size_t largest_workspace(const lac_product *p, size_t n)
{
    size_t most = 0, size;
    for (size_t i = 0; i < n; i++)
        if (lac_cuda_product_workspace(&p[i], &size) == LAC_OK)
            most = LAC_MAX(most, size);
    return most;
}

static size_t forward_workspace(const lac_op_ctx *c)
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
    lay_out(c, k, &m);
    m.take(largest_workspace(p, LAC_COUNT(p)));
    return m.size();
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
        float *attention = lac_numel(c->out[1]) > 0 ? lac_data<float>(c->out[1]) + (sample * g.cells + row * g.w) * g.cells : a.attention;
        for (; scored < needed; scored += g.strip)
            LAC_TRY(score_rows(k, a, f, b, scored));
        LAC_TRY(lac_launch(lac_grid_rows(k.samples * count, LAC_THREADS), attention_attend, attention, a.rounded, a.score, a.valid, g, k.samples, row * g.w,
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

extern "C" size_t contextual_attention_workspace_cuda(const lac_op_ctx *c)
{
    if (!c->backward)
        return forward_workspace(c);
    const call k = backward_call(c);
    const products p = products_of(k);
    const lac_product all[] = { p.attention, p.piece, p.query, p.key };
    lac_areas m(NULL);
    lay_out_gradients(c, k, &m);
    m.take(largest_workspace(all, LAC_COUNT(all)));
    return m.size();
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
    LAC_TRY(lac_launch(lac_grid_rows(rows, LAC_THREADS), attention_through_softmax, a.score, a.rounded, attention, rows, k.g.cells, attr_of(c)->softmax_scale));
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
        return lac_launch(lac_grid_rows(n, LAC_THREADS), attention_through_norms<T>, a.hood, (const T *)a.key, a.norm, n, k.g.key);
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
