#include "models/diffusion/repaint.h"

#include "core/memory.h"

#include <stdlib.h>

enum { MOST = 1 << 24 };

/* How many there will be, or more than MOST. */
static int64_t count(const lac_repaint *r)
{
    const int64_t stretches = r->steps > r->jump_length ? (r->steps - 1) / r->jump_length : 0;
    const double all = (double)r->steps + 2.0 * (double)stretches * (double)(r->jump_n_sample - 1) * (double)r->jump_length;
    return all > MOST ? MOST + 1 : (int64_t)all;
}

/* jumps[j]: how often it still goes up from j. */
static void walk(int64_t *at, int64_t *jumps, const lac_repaint *r)
{
    for (int64_t j = 0; j < r->steps - r->jump_length; j += r->jump_length)
        jumps[j] = r->jump_n_sample - 1;
    int64_t n = 0;
    for (int64_t t = r->steps; t >= 1;) {
        at[n++] = --t;
        if (jumps[t] > 0) {
            jumps[t]--;
            for (int64_t i = 0; i < r->jump_length; i++)
                at[n++] = ++t;
        }
    }
}

lac_status lac_repaint_positions(int64_t **at, int64_t *n, const lac_repaint *r)
{
    int64_t *jumps;
    *n = count(r);
    if (*n > MOST)
        return LAC_FAIL(LAC_ERR_CONFIG, "'jump_n_sample' is %lld with 'jump_length' %lld: RePaint would take more than %d steps", (long long)r->jump_n_sample,
                        (long long)r->jump_length, MOST);
    LAC_TRY(lac_malloc((void **)at, (size_t)*n * sizeof **at));
    const lac_status s = lac_calloc((void **)&jumps, (size_t)r->steps, sizeof *jumps);
    if (s == LAC_OK)
        walk(*at, jumps, r);
    else
        free(*at);
    free(jumps);
    return s;
}
