/* autograd/ops/strips.h -- a range along one axis of a tensor, as what lies in memory: columns [at, at + n) of rows of `wide` numbers. What concat
 * puts side by side and slice takes out. */
#pragma once

#include "autograd/op.h"

typedef struct lac_strip { int64_t rows, n, at, wide; } lac_strip;

/* The axis that `axis` names, from the last where it is negative (-1: channels); -1 where x has none such. */
static inline int lac_strip_axis(const lac_tensor *x, int axis)
{
    const int counted = axis < 0 ? axis + x->ndim : axis;
    return counted >= 0 && counted < x->ndim ? counted : -1;
}

/* [from, from + count) of an axis that is there. */
static inline lac_strip lac_strip_of(const lac_tensor *whole, int axis, int64_t from, int64_t count)
{
    const int at = lac_strip_axis(whole, axis);
    int64_t rows = 1, inner = 1, wide = 1;
    for (int i = 0; i < whole->ndim; i++) {
        rows *= i < at ? whole->dim[i] : 1;
        wide *= i >= at ? whole->dim[i] : 1;
        inner *= i > at ? whole->dim[i] : 1;
    }
    const lac_strip s = { rows, count * inner, from * inner, wide };
    return s;
}

/* Of the i-th of the tensors that make up `whole` one after another along the axis. */
static inline lac_strip lac_strip_of_part(const lac_tensor *whole, int axis, lac_tensor *const *part, int i)
{
    lac_strip s = lac_strip_of(whole, axis, 0, 0);
    for (int k = 0; k <= i; k++) {
        s.at += s.n;
        s.n = s.rows > 0 ? lac_numel(part[k]) / s.rows : 0;
    }
    return s;
}
