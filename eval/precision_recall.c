#include "eval/precision_recall.h"

#include "core/dense/dense.h"
#include "core/memory.h"
#include "core/threads.h"

#include <math.h>
#include <stdlib.h>

enum { TILE = 1024 };       /* rows of a piece of the distances */

typedef struct work {
    const lac_samples *set[2];
    int64_t *place[2], n[2], k;
    double *radius[2];              /* squares */
    bool *inside[2];                /* of a ball of the other set */
    double *x, *y, *gap, *nearest;  /* [TILE, d] twice, [TILE, TILE], [TILE, k + 1] of each row the smallest so far */
} work;

typedef void each_tile(work *w, int p, int q, int64_t i, int64_t rows, int64_t j, int64_t columns);

/* f for every piece of the distances between set p's rows and set q's. begin, if any, for the rows of p before. */
static lac_status distances(work *w, int p, int q, each_tile *f)
{
    const int64_t d = w->set[0]->d;
    for (int64_t i = 0; i < w->n[p]; i += TILE) {
        const int64_t rows = LAC_MIN(TILE, w->n[p] - i);
        lac_samples_take(w->set[p], w->place[p] + i, rows, w->x);
        for (int64_t j = 0; j < w->n[q]; j += TILE) {
            const int64_t columns = LAC_MIN(TILE, w->n[q] - j);
            lac_samples_take(w->set[q], w->place[q] + j, columns, w->y);
            const lac_dense a = lac_dense_rows(w->x, rows, d), b = lac_dense_rows(w->y, columns, d);
            LAC_TRY(lac_dense_multiply_by(w->gap, &a, &b, LAC_DENSE_SQUARES, false));
            f(w, p, q, i, rows, j, columns);
        }
    }
    return LAC_OK;
}

/* least [n], ascending, takes x in if it belongs there. */
static void insert(double *least, int64_t n, double x)
{
    if (!(x < least[n - 1]))
        return;
    int64_t at = n - 1;
    for (; at > 0 && least[at - 1] > x; at--)
        least[at] = least[at - 1];
    least[at] = x;
}

/* The sample itself is among its neighbours, at 0: its k-th other is the k + 1-th of all. */
static void look_for_radius(work *w, int p, int q, int64_t i, int64_t rows, int64_t j, int64_t columns)
{
    const int64_t n = w->k + 1;
    LAC_PARALLEL_FOR(r, rows) {
        double *least = w->nearest + r * n;
        for (int64_t c = 0; c < n && j == 0; c++)
            least[c] = INFINITY;
        for (int64_t c = 0; c < columns; c++)
            insert(least, n, w->gap[r * columns + c]);
        w->radius[p][i + r] = least[n - 1];
    }
    (void)q;
}

static void look_inside(work *w, int p, int q, int64_t i, int64_t rows, int64_t j, int64_t columns)
{
    LAC_PARALLEL_FOR(r, rows) {
        for (int64_t c = 0; c < columns; c++)
            w->inside[p][i + r] |= w->gap[r * columns + c] <= w->radius[q][j + c];
    }
    LAC_PARALLEL_FOR(c, columns) {
        for (int64_t r = 0; r < rows; r++)
            w->inside[q][j + c] |= w->gap[r * columns + c] <= w->radius[p][i + r];
    }
}

static double share(const bool *inside, int64_t n)
{
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++)
        count += inside[i];
    return (double)count / (double)n;
}

static lac_status make_room(work *w)
{
    const size_t tile = (size_t)LAC_MIN(TILE, LAC_MAX(w->n[0], w->n[1])), d = (size_t)w->set[0]->d;
    for (int set = 0; set < 2; set++) {
        if (w->n[set] <= w->k)
            return LAC_FAIL(LAC_ERR_ARG, "%lld samples of set '%c' have no neighbour number %lld", (long long)w->n[set], "ab"[set], (long long)w->k);
        LAC_TRY(lac_malloc((void **)&w->radius[set], (size_t)w->n[set] * sizeof(double)));
        LAC_TRY(lac_calloc((void **)&w->inside[set], (size_t)w->n[set], sizeof(bool)));
    }
    LAC_TRY(lac_malloc((void **)&w->x, tile * d * sizeof(double)));
    LAC_TRY(lac_malloc((void **)&w->y, tile * d * sizeof(double)));
    LAC_TRY(lac_malloc((void **)&w->nearest, tile * (size_t)(w->k + 1) * sizeof(double)));
    return lac_malloc((void **)&w->gap, tile * tile * sizeof(double));
}

static lac_status run(work *w, lac_precision_recall *v)
{
    for (int set = 0; set < 2; set++)
        LAC_TRY(lac_samples_places(w->set[set], &w->place[set], &w->n[set]));
    LAC_TRY(make_room(w));
    LAC_TRY(distances(w, 0, 0, look_for_radius));
    LAC_TRY(distances(w, 1, 1, look_for_radius));
    LAC_TRY(distances(w, 0, 1, look_inside));
    v->precision = share(w->inside[0], w->n[0]);
    v->recall = share(w->inside[1], w->n[1]);
    v->f_score = 2 * v->precision * v->recall / fmax(1e-5, v->precision + v->recall);
    return LAC_OK;
}

lac_status lac_precision_recall_of(lac_precision_recall *v, const lac_samples *a, const lac_samples *b, int64_t k)
{
    if (a->d != b->d)
        return LAC_FAIL(LAC_ERR_SHAPE, "features of %lld and of %lld numbers", (long long)a->d, (long long)b->d);
    work w = { .set = { a, b }, .k = k };
    const lac_status s = run(&w, v);
    for (int set = 0; set < 2; set++) {
        free(w.place[set]);
        free(w.radius[set]);
        free(w.inside[set]);
    }
    free(w.x);
    free(w.y);
    free(w.gap);
    free(w.nearest);
    return s;
}
