/* autograd/ops/broadcast_add/geometry.h -- which row of b a row of x meets, and which rows of x one of b sums over; for both devices. A row is the last dim. */
#pragma once

#include "autograd/op.h"
#include "core/fmath.h"
#include "core/threads.h"

/* A mixed number: digit d below n[d], worth step[d] rows. */
typedef struct lac_broadcast_digits { int count; int64_t n[LAC_MAX_DIMS], step[LAC_MAX_DIMS]; } lac_broadcast_digits;

typedef struct lac_broadcast {
    int64_t rows, columns;                  /* of x */
    int64_t b_rows, b_columns;              /* b_columns: columns or 1 */
    int64_t summed, blocks;                 /* rows of x that a row of b meets, summed in so many blocks */
    lac_broadcast_digits all, kept, lost;   /* x's rows, worth rows of b; b's rows, and the rows that each of them sums over, worth rows of x */
} lac_broadcast;

LAC_HD static inline int64_t lac_broadcast_at(const lac_broadcast_digits *d, int64_t i)
{
    int64_t at = 0;
    for (int k = d->count - 1; k >= 0; k--) {
        at += i % d->n[k] * d->step[k];
        i /= d->n[k];
    }
    return at;
}

/* The first of the rows that block `block` of a row of b sums over. */
LAC_HD static inline int64_t lac_broadcast_start(const lac_broadcast *g, int64_t block) { return g->summed * block / g->blocks; }

static inline void lac_broadcast_digit(lac_broadcast_digits *d, int64_t n, int64_t step)
{
    d->n[d->count] = n;
    d->step[d->count++] = step;
}

static inline lac_broadcast lac_broadcast_of(const lac_tensor *x, const lac_tensor *b)
{
    lac_broadcast g = { 1, x->dim[x->ndim - 1], 1, b->ndim > 0 ? b->dim[b->ndim - 1] : 1, 1, 1, { 0, { 0 }, { 0 } }, { 0, { 0 }, { 0 } }, { 0, { 0 }, { 0 } } };
    const int lacks = x->ndim - b->ndim;
    int64_t x_step = 1, b_step = 1, step_x[LAC_MAX_DIMS], step_b[LAC_MAX_DIMS];
    for (int i = x->ndim - 2; i >= 0; i--) {
        const int64_t of_b = i < lacks ? 1 : b->dim[i - lacks];
        step_x[i] = x_step;
        step_b[i] = of_b == x->dim[i] ? b_step : 0;
        x_step *= x->dim[i];
        b_step *= of_b;
    }
    for (int i = 0; i < x->ndim - 1; i++) {
        const bool kept = i >= lacks && b->dim[i - lacks] == x->dim[i];
        lac_broadcast_digit(&g.all, x->dim[i], step_b[i]);
        lac_broadcast_digit(kept ? &g.kept : &g.lost, x->dim[i], step_x[i]);
        g.summed *= kept ? 1 : x->dim[i];
    }
    g.rows = x_step;
    g.b_rows = b_step;
    g.blocks = g.b_rows < LAC_BLOCKS ? LAC_BLOCKS : 1;          /* few rows, so many sums each: enough to share */
    return g;
}
