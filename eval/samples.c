#include "eval/samples.h"

#include "core/memory.h"
#include "core/threads.h"

lac_status lac_samples_places(const lac_samples *r, int64_t **at, int64_t *n)
{
    *n = 0;
    for (int64_t i = 0; i < r->n; i++)
        *n += (int64_t)lac_samples_weight(r, i);
    LAC_TRY(lac_malloc((void **)at, (size_t)*n * sizeof **at));
    for (int64_t i = 0, k = 0; i < r->n; i++)
        for (int64_t w = (int64_t)lac_samples_weight(r, i); w > 0; w--)
            (*at)[k++] = i;
    return LAC_OK;
}

void lac_samples_take(const lac_samples *r, const int64_t *at, int64_t n, double *to)
{
    LAC_PARALLEL_FOR(i, n)
        lac_samples_get(r, at[i], to + i * r->d);
}
