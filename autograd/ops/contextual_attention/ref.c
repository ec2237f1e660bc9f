#include "autograd/ops/contextual_attention/contextual_attention.h"
#include "tests/harness/op.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One sample, as the equations stand: an L x L matrix, fused by re-indexing it twice. */
typedef struct sample {
    const lac_contextual_attention_attr *a;
    int64_t height, width, n, h, w, cells;
    const double *f, *b, *mask;
} sample;

static int64_t nearest(const sample *s, int64_t i, int64_t in, int64_t out)
{
    if (s->a->torch)
        return i * in / out;
    return out == 1 ? 0 : (int64_t)floor((double)(i * (in - 1)) / (double)(out - 1) + 0.5);
}

/* Channel k of the downsampled map at (i, j), 0 outside. */
static double coarse(const sample *s, const double *x, int64_t i, int64_t j, int64_t k, int64_t n)
{
    if (i < 0 || i >= s->h || j < 0 || j >= s->w)
        return 0;
    return x[(nearest(s, i, s->height, s->h) * s->width + nearest(s, j, s->width, s->w)) * n + k];
}

static double fine(const sample *s, const double *x, int64_t i, int64_t j, int64_t k)
{
    return i < 0 || i >= s->height || j < 0 || j >= s->width ? 0 : x[(i * s->width + j) * s->n + k];
}

/* <neighbourhood of x at p, neighbourhood of y at q>. */
static double product(const sample *s, const double *x, int64_t p, const double *y, int64_t q)
{
    const int64_t half = s->a->ksize / 2;
    double sum = 0;
    for (int64_t i = -half; i <= half; i++)
        for (int64_t j = -half; j <= half; j++)
            for (int64_t k = 0; k < s->n; k++)
                sum += coarse(s, x, p / s->w + i, p % s->w + j, k, s->n) * coarse(s, y, q / s->w + i, q % s->w + j, k, s->n);
    return sum;
}

static bool is_valid(const sample *s, int64_t q)
{
    const int64_t half = s->a->ksize / 2, r = s->a->rate;
    for (int64_t i = LAC_MAX(q / s->w - half, 0); i <= LAC_MIN(q / s->w + half, s->h - 1); i++)
        for (int64_t j = LAC_MAX(q % s->w - half, 0); j <= LAC_MIN(q % s->w + half, s->w - 1); j++) {
            if (!s->a->mask_max && coarse(s, s->mask, i, j, 0, 1) != 0)
                return false;
            for (int64_t u = 0; s->a->mask_max && u < r * r; u++)
                if (s->mask[(i * r + u / r) * s->width + j * r + u % r] != 0)
                    return false;
        }
    return true;
}

/* The place of a cell when columns come first; back: the cell at a place. */
static int64_t reorder(const sample *s, int64_t p, bool back) { return back ? p % s->h * s->w + p / s->h : p % s->w * s->h + p / s->w; }

static void diagonal(const sample *s, double *score, bool columns)
{
    const int64_t n = s->cells;
    double *old = malloc((size_t)(n * n) * sizeof *old);
    memcpy(old, score, (size_t)(n * n) * sizeof *old);
    for (int64_t p = 0; p < n; p++)
        for (int64_t q = 0; q < n; q++) {
            double sum = 0;
            for (int64_t d = -1; d <= 1; d++) {
                const int64_t x = (columns ? reorder(s, p, false) : p) + d, y = (columns ? reorder(s, q, false) : q) + d;
                if (x >= 0 && x < n && y >= 0 && y < n)
                    sum += old[(columns ? reorder(s, x, true) : x) * n + (columns ? reorder(s, y, true) : y)];
            }
            score[p * n + q] = sum;
        }
    free(old);
}

static void attend(const sample *s, double *row)
{
    double sum = 0, most = -INFINITY;
    for (int64_t q = 0; q < s->cells; q++) {
        row[q] = s->a->softmax_scale * row[q] * is_valid(s, q);
        most = fmax(most, row[q]);
    }
    for (int64_t q = 0; q < s->cells; q++) {
        const bool valid = is_valid(s, q);
        sum += s->a->exclude_masked && !valid ? 0 : exp(row[q] - most);
        row[q] = valid ? exp(row[q] - most) : 0;
    }
    for (int64_t q = 0; q < s->cells; q++)
        row[q] = sum > 0 ? row[q] / sum : 0;
}

static void paste(const sample *s, const double *attention, double *y)
{
    const int64_t r = s->a->rate, side = 2 * r;
    double *times = calloc((size_t)(s->height * s->width), sizeof *times);
    for (int64_t p = 0; p < s->cells; p++)
        for (int64_t u = 0; u < side * side; u++) {
            const int64_t i = r * (p / s->w) + u / side - r / 2, j = r * (p % s->w) + u % side - r / 2;
            if (i < 0 || i >= s->height || j < 0 || j >= s->width)
                continue;
            times[i * s->width + j]++;
            for (int64_t q = 0; q < s->cells; q++)
                for (int64_t k = 0; k < s->n; k++)
                    y[(i * s->width + j) * s->n + k] += attention[p * s->cells + q]
                        * fine(s, s->b, r * (q / s->w) + u / side - r / 2, r * (q % s->w) + u % side - r / 2, k);
        }
    for (int64_t i = 0; i < s->height * s->width * s->n; i++)
        y[i] /= s->a->exact_overlap ? times[i / s->n] : 4;
    free(times);
}

static void one(const sample *s, double *y)
{
    const int64_t n = s->cells;
    double *score = malloc((size_t)(n * n) * sizeof *score);
    for (int64_t q = 0; q < n; q++) {
        const double norm = sqrt(fmax(product(s, s->b, q, s->b, q), 1e-8));
        for (int64_t p = 0; p < n; p++)
            score[p * n + q] = product(s, s->f, p, s->b, q) / norm;
    }
    if (s->a->fuse) {
        diagonal(s, score, false);
        diagonal(s, score, true);
    }
    for (int64_t p = 0; p < n; p++)
        attend(s, score + p * n);
    paste(s, score, y);
    free(score);
}

void contextual_attention_ref(const lac_ref *r)
{
    const lac_contextual_attention_attr *a = r->attr;
    const int64_t *d = r->shape[0].dim, map = d[1] * d[2] * d[3];
    memset(r->out[0], 0, (size_t)(d[0] * map) * sizeof(double));
    for (int64_t i = 0; i < d[0]; i++) {
        const sample s = { .a = a, .height = d[1], .width = d[2], .n = d[3], .h = d[1] / a->rate, .w = d[2] / a->rate,
                           .cells = d[1] / a->rate * (d[2] / a->rate), .f = r->in[0] + i * map, .b = (r->in[1] ? r->in[1] : r->in[0]) + i * map,
                           .mask = r->in[2] + (r->shape[2].dim[0] == 1 ? 0 : i * d[1] * d[2]) };
        one(&s, r->out[0] + i * map);
    }
}
