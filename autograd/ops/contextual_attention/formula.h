/* autograd/ops/contextual_attention/formula.h -- which pixel a cell reads, what lies over a pixel, and the columns-first order. */
#pragma once

#include "autograd/ops/contextual_attention/geometry.h"
#include "autograd/ops/resize/formula.h"

LAC_HD static inline int64_t lac_ca_fine_row(const lac_ca *g, int64_t i) { return lac_nearest_index(i, g->height, g->h, !g->torch); }
LAC_HD static inline int64_t lac_ca_fine_col(const lac_ca *g, int64_t j) { return lac_nearest_index(j, g->width, g->w, !g->torch); }

/* How many patches lie over a position along one axis. */
LAC_HD static inline int64_t lac_ca_covering(const lac_ca *g, int64_t at, int64_t cells)
{
    const int64_t last = (at + g->offset) / g->rate;
    return (last < cells) + (last >= 1 && last - 1 < cells);
}

/* What a pasted pixel is multiplied by. */
LAC_HD static inline float lac_ca_overlap_share(const lac_ca *g, bool exact, int64_t row, int64_t col)
{
    return exact ? 1.0f / (float)(lac_ca_covering(g, row, g->h) * lac_ca_covering(g, col, g->w)) : 0.25f;
}

/* Cell `at` one step e along the columns-first order; -1 where the order ends. */
LAC_HD static inline int64_t lac_ca_column_step(const lac_ca *g, int64_t at, int64_t e)
{
    const int64_t i = at / g->w + e, j = at % g->w + (i < 0) * -1 + (i >= g->h);
    return j < 0 || j >= g->w ? -1 : (i + g->h) % g->h * g->w + j;
}

/* The same as a virtual row of the scores (geometry.h). False where the order ends. */
LAC_HD static inline bool lac_ca_column_row(const lac_ca *g, int64_t p, int64_t e, int64_t *row)
{
    const int64_t i = p / g->w + e, j = p % g->w;
    *row = p + e * g->w;
    if (i >= 0 && i < g->h)
        return true;
    *row += e;                              /* from the end of a column to the start of the next, and back */
    return j + e >= 0 && j + e < g->w;
}
