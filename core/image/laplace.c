#include "core/image/laplace.h"

#include "core/memory.h"
#include "core/threads.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_NEIGHBOURS = 4 };

/* The hole pixels in row order, and for each its neighbours: an unknown's number >= 0, OUTSIDE, or -2 - pixel for a known one. */
enum { OUTSIDE = -1 };

typedef struct laplace {
    int64_t n;
    int64_t *pixel;                             /* [n] */
    int64_t (*next)[N_NEIGHBOURS];              /* [n] */
    double *v, *r, *d, *q;                      /* [n]: solution, residual, direction, operator times direction */
} laplace;

static int64_t count_holes(const uint8_t *mask, int64_t n_pixels)
{
    int64_t n = 0;
    for (int64_t i = 0; i < n_pixels; i++)
        n += mask[i] != 0;
    return n;
}

static void number_holes(const laplace *l, const uint8_t *mask, int64_t n_pixels, int64_t *number)
{
    int64_t n = 0;
    for (int64_t i = 0; i < n_pixels; i++) {
        number[i] = mask[i] != 0 ? n : -2 - i;
        if (mask[i] != 0)
            l->pixel[n++] = i;
    }
}

static void link_neighbours(const laplace *l, const int64_t *number, int64_t height, int64_t width)
{
    for (int64_t k = 0; k < l->n; k++) {
        const int64_t i = l->pixel[k], y = i / width, x = i % width;
        l->next[k][0] = y > 0 ? number[i - width] : OUTSIDE;
        l->next[k][1] = x > 0 ? number[i - 1] : OUTSIDE;
        l->next[k][2] = x < width - 1 ? number[i + 1] : OUTSIDE;
        l->next[k][3] = y < height - 1 ? number[i + width] : OUTSIDE;
    }
}

static void laplace_free(laplace *l)
{
    free(l->pixel);
    free(l->next);
    free(l->v);
    *l = (laplace){ 0 };
}

static lac_status laplace_new(laplace *l, const uint8_t *mask, int64_t height, int64_t width)
{
    const int64_t n_pixels = height * width;
    *l = (laplace){ .n = count_holes(mask, n_pixels) };
    int64_t *number = NULL;
    lac_status s = lac_calloc((void **)&number, (size_t)n_pixels, sizeof *number);
    if (s == LAC_OK)
        s = lac_calloc((void **)&l->pixel, (size_t)l->n, sizeof *l->pixel);
    if (s == LAC_OK)
        s = lac_calloc((void **)&l->next, (size_t)l->n, sizeof *l->next);
    if (s == LAC_OK)
        s = lac_calloc((void **)&l->v, (size_t)l->n, 4 * sizeof *l->v);
    if (s == LAC_OK) {
        l->r = l->v + l->n;
        l->d = l->r + l->n;
        l->q = l->d + l->n;
        number_holes(l, mask, n_pixels, number);
        link_neighbours(l, number, height, width);
    } else
        laplace_free(l);
    free(number);
    return s;
}

static double sum_blocks(const double *part)
{
    double sum = 0;
    for (int b = 0; b < LAC_BLOCKS; b++)
        sum += part[b];
    return sum;
}

static double dot(const double *a, const double *b, int64_t n)
{
    double part[LAC_BLOCKS];
    LAC_PARALLEL_BLOCKS(block, from, to, n) {
        double sum = 0;
        for (int64_t k = from; k < to; k++)
            sum += a[k] * b[k];
        part[block] = sum;
    }
    return sum_blocks(part);
}

/* q = A d: the number of neighbours times the value, less those of unknown neighbours. */
static void apply(const laplace *l)
{
    LAC_PARALLEL_FOR(k, l->n) {
        double sum = 0;
        for (int i = 0; i < N_NEIGHBOURS; i++) {
            const int64_t next = l->next[k][i];
            if (next != OUTSIDE)
                sum += l->d[k] - (next >= 0 ? l->d[next] : 0);
        }
        l->q[k] = sum;
    }
}

/* Mean over the known neighbours, each as often as it is one. */
static double boundary_mean(const laplace *l, const float *x, int channels)
{
    double sum = 0;
    int64_t n = 0;
    for (int64_t k = 0; k < l->n; k++)
        for (int i = 0; i < N_NEIGHBOURS; i++)
            if (l->next[k][i] < OUTSIDE) {
                sum += x[(-2 - l->next[k][i]) * channels];
                n++;
            }
    return sum / (double)n;
}

/* v = 0, so the residual is the right-hand side: the sum over known neighbours of their value less the mean. */
static void start(const laplace *l, const float *x, int channels, double mean)
{
    for (int64_t k = 0; k < l->n; k++) {
        double sum = 0;
        for (int i = 0; i < N_NEIGHBOURS; i++)
            if (l->next[k][i] < OUTSIDE)
                sum += x[(-2 - l->next[k][i]) * channels] - mean;
        l->v[k] = 0;
        l->r[k] = l->d[k] = sum;
    }
}

static void step(const laplace *l, double alpha)
{
    LAC_PARALLEL_FOR(k, l->n) {
        l->v[k] += alpha * l->d[k];
        l->r[k] -= alpha * l->q[k];
    }
}

static void turn(const laplace *l, double beta)
{
    LAC_PARALLEL_FOR(k, l->n)
        l->d[k] = l->r[k] + beta * l->d[k];
}

/* In exact arithmetic n steps are enough; what is seen is a few times the hole's diameter. */
static lac_status descend(const laplace *l, lac_laplace *how)
{
    const double whole = dot(l->r, l->r, l->n), limit = LAC_LAPLACE_RESIDUAL * LAC_LAPLACE_RESIDUAL * whole;
    double rr = whole;
    int64_t i = 0;
    for (; rr > limit && i < 2 * l->n + 100; i++) {
        apply(l);
        step(l, rr / dot(l->d, l->q, l->n));
        const double fresh = dot(l->r, l->r, l->n);
        turn(l, fresh / rr);
        rr = fresh;
    }
    how->iterations = LAC_MAX(how->iterations, i);
    how->residual = fmax(how->residual, whole > 0 ? sqrt(rr / whole) : 0);
    if (rr > limit)
        return LAC_FAIL(LAC_ERR_STATE, "Laplace fill of %lld pixels stands at a relative residual of %g, expected %g",
                        (long long)l->n, sqrt(rr / whole), LAC_LAPLACE_RESIDUAL);
    return LAC_OK;
}

/* x points to the channel's first value. */
static lac_status fill_channel(const laplace *l, float *x, int channels, lac_laplace *how)
{
    const double mean = boundary_mean(l, x, channels);
    start(l, x, channels, mean);
    LAC_TRY(descend(l, how));
    for (int64_t k = 0; k < l->n; k++)
        x[l->pixel[k] * channels] = (float)(l->v[k] + mean);
    return LAC_OK;
}

lac_status lac_laplace_fill(float *x, int64_t height, int64_t width, int channels, const uint8_t *mask, float grey, lac_laplace *how)
{
    laplace l;
    lac_laplace found = { 0 };
    LAC_TRY(laplace_new(&l, mask, height, width));
    found.unknowns = l.n;
    lac_status s = LAC_OK;
    if (l.n == height * width)
        for (int64_t i = 0; i < l.n * channels; i++)
            x[i] = grey;
    else
        for (int c = 0; s == LAC_OK && c < channels && l.n > 0; c++)
            s = fill_channel(&l, x + c, channels, &found);
    laplace_free(&l);
    if (how != NULL)
        *how = found;
    return s;
}
