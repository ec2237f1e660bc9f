/* core/cpu/winograd_points.h -- Winograd's one-dimensional transforms for a kernel of three, of squares (cpu_winograd.c) and of lines (cpu_winograd_line.c). */
#pragma once

#include "core/cpu/winograd_vector.h"

/* Tiles of four results interpolate at 0, +-NEAR, +-FAR and infinity, tiles of two at 0, 1, -1 and infinity. 5/8 and 3/2 lose 2.4 times less to rounding than the usual 1 and 2 (found by
 * search on random data); all constants but the two reciprocals are exact in f32. */
#define NEAR 0.625f
#define FAR 1.5f
#define NEAR2 (NEAR * NEAR)
#define FAR2 (FAR * FAR)
#define SCALE_0 (1.0f / (NEAR2 * FAR2))                         /* one over the product of differences to the other points */
#define SCALE_NEAR (1.0f / (2 * NEAR2 * (NEAR2 - FAR2)))
#define SCALE_FAR (1.0f / (2 * FAR2 * (FAR2 - NEAR2)))

/* The one-dimensional transforms, m results a tile. Of m + 2 pixels: the coefficients of prod (x - other points). */
INLINE void pixels(const int m, vec *o, const vec *d, int s)
{
    if (m == 2) {
        o[0] = d[0] - d[2 * s];
        o[1] = d[s] + d[2 * s];
        o[2] = d[2 * s] - d[s];
        o[3] = d[3 * s] - d[s];
        return;
    }
    const vec even_near = fma_(every(-FAR2), d[2 * s], d[4 * s]), odd_near = fma_(every(-FAR2), d[s], d[3 * s]);
    const vec even_far = fma_(every(-NEAR2), d[2 * s], d[4 * s]), odd_far = fma_(every(-NEAR2), d[s], d[3 * s]);
    o[0] = fma_(every(NEAR2 * FAR2), d[0], fma_(every(-NEAR2 - FAR2), d[2 * s], d[4 * s]));
    o[1] = fma_(every(NEAR), odd_near, even_near);
    o[2] = fma_(every(-NEAR), odd_near, even_near);
    o[3] = fma_(every(FAR), odd_far, even_far);
    o[4] = fma_(every(-FAR), odd_far, even_far);
    o[5] = fma_(every(NEAR2 * FAR2), d[s], fma_(every(-NEAR2 - FAR2), d[3 * s], d[5 * s]));
}

/* m results of m + 2 products p: sums of p times powers of the points. */
INLINE void results(const int m, vec *y, const vec *p, int s)
{
    if (m == 2) {
        y[0] = p[0] + p[s] + p[2 * s];
        y[1] = p[s] - p[2 * s] + p[3 * s];
        return;
    }
    const vec even_near = p[s] + p[2 * s], odd_near = p[s] - p[2 * s], even_far = p[3 * s] + p[4 * s], odd_far = p[3 * s] - p[4 * s];
    y[0] = p[0] + even_near + even_far;
    y[1] = fma_(every(NEAR), odd_near, odd_far * every(FAR));
    y[2] = fma_(every(NEAR2), even_near, even_far * every(FAR2));
    y[3] = fma_(every(NEAR2 * NEAR), odd_near, fma_(every(FAR2 * FAR), odd_far, p[5 * s]));
}

/* Three weights, as a scaled polynomial at the points. */
INLINE void weights(const int m, vec *o, const vec *g, int s)
{
    if (m == 2) {
        const vec even = (g[0] + g[2 * s]) * every(0.5f), odd = g[s] * every(0.5f);
        o[0] = g[0];
        o[1] = even + odd;
        o[2] = even - odd;
        o[3] = g[2 * s];
        return;
    }
    const vec even_near = fma_(every(NEAR2), g[2 * s], g[0]) * every(SCALE_NEAR), odd_near = g[s] * every(NEAR * SCALE_NEAR);
    const vec even_far = fma_(every(FAR2), g[2 * s], g[0]) * every(SCALE_FAR), odd_far = g[s] * every(FAR * SCALE_FAR);
    o[0] = g[0] * every(SCALE_0);
    o[1] = even_near + odd_near;
    o[2] = even_near - odd_near;
    o[3] = even_far + odd_far;
    o[4] = even_far - odd_far;
    o[5] = g[2 * s];
}
