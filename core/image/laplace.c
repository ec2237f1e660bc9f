#include "core/image/laplace.h"

#include "core/image/image.h"
#include "core/memory.h"
#include "core/threads.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { UP, LEFT, RIGHT, DOWN, N_NEIGHBOURS };

/* A neighbour is an unknown's number >= 0, OUTSIDE, or -2 - pixel for a known one. */
enum { OUTSIDE = -1 };

/* The hole pixels in row order, what is next to each, and the factor: the preconditioner is L transpose(L) with
 * L[k, k] = 1 / factor[k] and L[k, j] = -factor[j] for the unknowns j above and to the left of k. */
typedef struct laplace {
    int64_t n;
    int32_t *pixel;                             /* [n]; LAC_IMAGE_MAX_PIXELS fits */
    int32_t (*next)[N_NEIGHBOURS];              /* [n] */
    double *factor;                             /* [n] */
} laplace;

/* One channel's vectors, each [n]: solution, residual, direction, and one that is operator times direction and the
 * preconditioned residual in turn. */
typedef struct vectors { double *v, *r, *d, *q; } vectors;

static int64_t count_holes(const uint8_t *mask, int64_t n_pixels)
{
    int64_t n = 0;
    for (int64_t i = 0; i < n_pixels; i++)
        n += mask[i] != 0;
    return n;
}

static void number_holes(const laplace *l, const uint8_t *mask, int64_t n_pixels, int32_t *number)
{
    int32_t n = 0;
    for (int32_t i = 0; i < n_pixels; i++) {
        number[i] = mask[i] != 0 ? n : -2 - i;
        if (mask[i] != 0)
            l->pixel[n++] = i;
    }
}

static void link_neighbours(const laplace *l, const int32_t *number, int64_t height, int64_t width)
{
    for (int64_t k = 0; k < l->n; k++) {
        const int64_t i = l->pixel[k], y = i / width, x = i % width;
        l->next[k][UP] = y > 0 ? number[i - width] : OUTSIDE;
        l->next[k][LEFT] = x > 0 ? number[i - 1] : OUTSIDE;
        l->next[k][RIGHT] = x < width - 1 ? number[i + 1] : OUTSIDE;
        l->next[k][DOWN] = y < height - 1 ? number[i + width] : OUTSIDE;
    }
}

/* What elimination of the earlier unknown j takes from the diagonal of a later neighbour: its own entry, and 0.97 (a little
 * less than all, for stability) of the entry that the incomplete factor drops, which links j's two later neighbours. */
static double taken(const laplace *l, int32_t j, int other)
{
    if (j < 0)
        return 0;
    const double f = l->factor[j] * l->factor[j];
    return f + (l->next[j][other] >= 0 ? 0.97 * f : 0);
}

static void factorise(const laplace *l)
{
    for (int64_t k = 0; k < l->n; k++) {
        int degree = 0;
        for (int i = 0; i < N_NEIGHBOURS; i++)
            degree += l->next[k][i] != OUTSIDE;
        const double pivot = degree - taken(l, l->next[k][UP], RIGHT) - taken(l, l->next[k][LEFT], DOWN);
        l->factor[k] = 1 / sqrt(pivot > 0.25 * degree ? pivot : degree);
    }
}

static void laplace_free(laplace *l)
{
    free(l->pixel);
    free(l->next);
    free(l->factor);
    *l = (laplace){ 0 };
}

static lac_status laplace_new(laplace *l, const uint8_t *mask, int64_t height, int64_t width)
{
    const int64_t n_pixels = height * width;
    *l = (laplace){ .n = count_holes(mask, n_pixels) };
    int32_t *number = NULL;
    lac_status s = lac_calloc((void **)&number, (size_t)n_pixels, sizeof *number);
    if (s == LAC_OK)
        s = lac_calloc((void **)&l->pixel, (size_t)l->n, sizeof *l->pixel);
    if (s == LAC_OK)
        s = lac_calloc((void **)&l->next, (size_t)l->n, sizeof *l->next);
    if (s == LAC_OK)
        s = lac_calloc((void **)&l->factor, (size_t)l->n, sizeof *l->factor);
    if (s == LAC_OK) {
        number_holes(l, mask, n_pixels, number);
        link_neighbours(l, number, height, width);
        factorise(l);
    } else
        laplace_free(l);
    free(number);
    return s;
}

static double dot(const double *a, const double *b, int64_t n)
{
    double sum = 0;
    for (int64_t k = 0; k < n; k++)
        sum += a[k] * b[k];
    return sum;
}

/* q = A d: the number of neighbours times the value, less those of unknown neighbours. */
static void apply(const laplace *l, const vectors *x)
{
    for (int64_t k = 0; k < l->n; k++) {
        double sum = 0;
        for (int i = 0; i < N_NEIGHBOURS; i++) {
            const int32_t next = l->next[k][i];
            if (next != OUTSIDE)
                sum += x->d[k] - (next >= 0 ? x->d[next] : 0);
        }
        x->q[k] = sum;
    }
}

/* q = (L transpose(L))^-1 r, by substitution forwards and backwards. */
static void precondition(const laplace *l, const vectors *x)
{
    for (int64_t k = 0; k < l->n; k++) {
        const int32_t up = l->next[k][UP], left = l->next[k][LEFT];
        double sum = x->r[k];
        sum += up >= 0 ? l->factor[up] * x->q[up] : 0;
        sum += left >= 0 ? l->factor[left] * x->q[left] : 0;
        x->q[k] = sum * l->factor[k];
    }
    for (int64_t k = l->n; k-- > 0;) {
        const int32_t right = l->next[k][RIGHT], down = l->next[k][DOWN];
        const double later = (right >= 0 ? x->q[right] : 0) + (down >= 0 ? x->q[down] : 0);
        x->q[k] = (x->q[k] + l->factor[k] * later) * l->factor[k];
    }
}

/* Mean over the known neighbours, each as often as it is one. */
static double boundary_mean(const laplace *l, const float *image, int channels)
{
    double sum = 0;
    int64_t n = 0;
    for (int64_t k = 0; k < l->n; k++)
        for (int i = 0; i < N_NEIGHBOURS; i++)
            if (l->next[k][i] < OUTSIDE) {
                sum += image[(int64_t)(-2 - l->next[k][i]) * channels];
                n++;
            }
    return sum / (double)n;
}

/* v = 0, so the residual is the right-hand side: the sum over known neighbours of their value less the mean. */
static void start(const laplace *l, const vectors *x, const float *image, int channels, double mean)
{
    for (int64_t k = 0; k < l->n; k++) {
        double sum = 0;
        for (int i = 0; i < N_NEIGHBOURS; i++)
            if (l->next[k][i] < OUTSIDE)
                sum += image[(int64_t)(-2 - l->next[k][i]) * channels] - mean;
        x->v[k] = x->d[k] = 0;
        x->r[k] = sum;
    }
}

/* Conjugate gradients. In exact arithmetic n steps are enough; what is seen is near three times the root of the hole's diameter. */
static lac_laplace descend(const laplace *l, const vectors *x)
{
    const double whole = dot(x->r, x->r, l->n), limit = LAC_LAPLACE_RESIDUAL * LAC_LAPLACE_RESIDUAL * whole;
    double rr = whole, before = 1;
    int64_t i = 0;
    for (; rr > limit && i < 2 * l->n + 100; i++) {
        precondition(l, x);
        const double rz = dot(x->r, x->q, l->n), beta = rz / before;
        for (int64_t k = 0; k < l->n; k++)
            x->d[k] = x->q[k] + beta * x->d[k];         /* d is 0 before the first step */
        apply(l, x);
        const double alpha = rz / dot(x->d, x->q, l->n);
        for (int64_t k = 0; k < l->n; k++) {
            x->v[k] += alpha * x->d[k];
            x->r[k] -= alpha * x->q[k];
        }
        rr = dot(x->r, x->r, l->n);
        before = rz;
    }
    return (lac_laplace){ l->n, i, whole == 0 ? 0 : sqrt(rr / whole) };
}

/* image points to the channel's first value, scratch to 4 n doubles. */
static lac_laplace fill_channel(const laplace *l, float *image, int channels, double *scratch)
{
    const vectors x = { scratch, scratch + l->n, scratch + 2 * l->n, scratch + 3 * l->n };
    const double mean = boundary_mean(l, image, channels);
    start(l, &x, image, channels, mean);
    const lac_laplace how = descend(l, &x);
    for (int64_t k = 0; k < l->n; k++)
        image[(int64_t)l->pixel[k] * channels] = (float)(x.v[k] + mean);
    return how;
}

static lac_status fill_channels(const laplace *l, float *image, int channels, lac_laplace *worst)
{
    double *scratch;
    lac_laplace how[LAC_LAPLACE_CHANNELS];
    LAC_TRY(lac_calloc((void **)&scratch, (size_t)(l->n * channels), 4 * sizeof *scratch));
    LAC_PARALLEL_FOR(c, channels)
        how[c] = fill_channel(l, image + c, channels, scratch + 4 * l->n * c);
    free(scratch);
    for (int c = 0; c < channels; c++) {
        if (!(how[c].residual <= LAC_LAPLACE_RESIDUAL))
            return LAC_FAIL(LAC_ERR_STATE, "Laplace fill of %lld pixels stands at a relative residual of %g, expected %g",
                            (long long)l->n, how[c].residual, LAC_LAPLACE_RESIDUAL);
        worst->iterations = LAC_MAX(worst->iterations, how[c].iterations);
        worst->residual = fmax(worst->residual, how[c].residual);
    }
    return LAC_OK;
}

lac_status lac_laplace_fill(float *x, int64_t height, int64_t width, int channels, const uint8_t *mask, float grey, lac_laplace *how)
{
    laplace l;
    lac_laplace found = { 0 };
    if (channels < 1 || channels > LAC_LAPLACE_CHANNELS || height * width > LAC_IMAGE_MAX_PIXELS)
        return LAC_FAIL(LAC_ERR_SHAPE, "Laplace fill wants 1 to %d channels and at most %lld pixels, got %lldx%lldx%d", LAC_LAPLACE_CHANNELS,
                        (long long)LAC_IMAGE_MAX_PIXELS, (long long)height, (long long)width, channels);
    LAC_TRY(laplace_new(&l, mask, height, width));
    found.unknowns = l.n;
    lac_status s = LAC_OK;
    if (l.n == height * width)
        for (int64_t i = 0; i < l.n * channels; i++)
            x[i] = grey;
    else if (l.n > 0)
        s = fill_channels(&l, x, channels, &found);
    laplace_free(&l);
    if (how != NULL)
        *how = found;
    return s;
}
