#include "core/dense/dense.h"

#include "core/cpu/features.h"
#include "core/dense/tile.h"
#include "core/memory.h"
#include "core/threads.h"

#include <stdlib.h>

enum { DEPTH = 256, MOST = 16 * 16 };     /* of k at a time, so that a panel stays in the first cache; numbers of the largest tile */

const lac_dense_tile *lac_dense_tile_here(void)
{
    static const lac_dense_tile *const by_level[] = {
#if defined(__x86_64__)
        &lac_dense_tile_base, &lac_dense_tile_v3, &lac_dense_tile_v4
#else
        &lac_dense_tile_base, &lac_dense_tile_base, &lac_dense_tile_base
#endif
    };
    return by_level[lac_cpu_level_here()];
}

typedef struct work {
    double *to;
    const lac_dense *a, *b;
    const lac_dense_tile *tile;
    double *left, *right;           /* panels of a and b */
    bool distance, half;            /* half: only what lies on or under the diagonal */
} work;

/* Elements from..from+n of k of all rows, in panels of `width` rows; what is beyond the last row is 0. */
static void pack(double *panels, const lac_dense *m, int width, int64_t from, int64_t n)
{
    LAC_PARALLEL_FOR(p, (m->rows + width - 1) / width) {
        double *to = panels + p * width * n;
        for (int64_t r = 0; r < width; r++) {
            const int64_t row = p * width + r;
            for (int64_t k = 0; k < n; k++)
                to[k * width + r] = row < m->rows ? m->x[row * m->row + (from + k) * m->column] : 0;
        }
    }
}

/* A tile that reaches over the edge is made beside the matrix. */
static void edge(const work *w, int64_t i, int64_t j, const double *a, const double *b, int64_t n, bool add)
{
    double whole[MOST];
    const int rows = w->tile->rows, columns = w->tile->columns;
    const int64_t below = LAC_MIN(rows, w->a->rows - i), beside = LAC_MIN(columns, w->b->rows - j), step = w->b->rows;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++)
            whole[r * columns + c] = r < below && c < beside ? w->to[(i + r) * step + j + c] : 0;
    w->tile->run(whole, columns, a, b, n, add, w->distance);
    for (int64_t r = 0; r < below; r++)
        for (int64_t c = 0; c < beside; c++)
            w->to[(i + r) * step + j + c] = whole[r * columns + c];
}

static void one(const work *w, int64_t p, int64_t q, int64_t n, bool add)
{
    const int rows = w->tile->rows, columns = w->tile->columns;
    const int64_t i = p * rows, j = q * columns;
    const double *a = w->left + i * n, *b = w->right + j * n;
    if (w->half && j > i + rows - 1)
        return;
    if (i + rows > w->a->rows || j + columns > w->b->rows)
        edge(w, i, j, a, b, n, add);
    else
        w->tile->run(w->to + i * w->b->rows + j, w->b->rows, a, b, n, add, w->distance);
}

/* Groups of a's panels that fit the second cache, each against all of b's. */
static void all_tiles(const work *w, int64_t n, bool add)
{
    enum { GROUP = 8 };
    const int64_t panels = (w->a->rows + w->tile->rows - 1) / w->tile->rows, across = (w->b->rows + w->tile->columns - 1) / w->tile->columns;
    const int64_t groups = (panels + GROUP - 1) / GROUP;
    #pragma omp parallel for schedule(dynamic)      /* each tile is one's own, so who makes it changes nothing */
    for (int64_t g = 0; g < groups; g++)
        for (int64_t q = 0; q < across; q++)
            for (int64_t p = g * GROUP; p < LAC_MIN(panels, (g + 1) * GROUP); p++)
                one(w, p, q, n, add);
}

static void mirror(double *to, int64_t n)
{
    LAC_PARALLEL_FOR(i, n) {
        for (int64_t j = i + 1; j < n; j++)
            to[i * n + j] = to[j * n + i];
    }
}

static bool same(const lac_dense *a, const lac_dense *b)
{
    return a->x == b->x && a->rows == b->rows && a->row == b->row && a->column == b->column;
}

static void multiply(work *w, bool add)
{
    for (int64_t k = 0; k < w->a->k; k += DEPTH) {
        const int64_t n = LAC_MIN(DEPTH, w->a->k - k);
        pack(w->left, w->a, w->tile->rows, k, n);
        pack(w->right, w->b, w->tile->columns, k, n);
        all_tiles(w, n, add || k > 0);
    }
    if (w->half)
        mirror(w->to, w->a->rows);
}

lac_status lac_dense_multiply_by(double *to, const lac_dense *a, const lac_dense *b, lac_dense_sum sum, bool add)
{
    work w = { to, a, b, lac_dense_tile_here(), NULL, NULL, sum == LAC_DENSE_SQUARES, same(a, b) };
    if (a->k != b->k)
        return LAC_FAIL(LAC_ERR_SHAPE, "a product of [%lld,%lld] and [%lld,%lld]", (long long)a->rows, (long long)a->k, (long long)b->rows, (long long)b->k);
    for (int64_t i = 0; a->k == 0 && !add && i < a->rows * b->rows; i++)
        to[i] = 0;
    const size_t depth = (size_t)LAC_MIN(DEPTH, a->k) * sizeof(double);
    lac_status s = lac_aligned_alloc((void **)&w.left, (size_t)(a->rows + w.tile->rows) * depth);
    if (s == LAC_OK)
        s = lac_aligned_alloc((void **)&w.right, (size_t)(b->rows + w.tile->columns) * depth);
    if (s == LAC_OK)
        multiply(&w, add);
    free(w.left);
    free(w.right);
    return s;
}
