#include "core/update.h"

#include "core/cpu/features.h"
#include "core/threads.h"

#include <math.h>

/* One chunk; the kernels of core/cpu/cpu_update.c. */
typedef double measure_chunk(const float *g, int64_t n);
typedef void apply_chunk(const lac_update *u, const lac_update_range *r, int64_t from, int64_t n, float clip);
typedef struct kernels { measure_chunk *measure; apply_chunk *apply; } kernels;

#define DECLARE(level) measure_chunk lac_update_measure_##level; apply_chunk lac_update_apply_##level;
DECLARE(base)
#if defined(__x86_64__)
DECLARE(v3)
DECLARE(v4)
#endif

static kernels kernels_here(void)
{
#if defined(__x86_64__)
    const lac_cpu_level level = lac_cpu_level_here();
    if (level == LAC_LEVEL_V4)
        return (kernels){ lac_update_measure_v4, lac_update_apply_v4 };
    if (level == LAC_LEVEL_V3)
        return (kernels){ lac_update_measure_v3, lac_update_apply_v3 };
#endif
    return (kernels){ lac_update_measure_base, lac_update_apply_base };
}

int64_t lac_update_lay_out(lac_update_range *range, int64_t n_ranges)
{
    int64_t n = 0;
    for (int64_t i = 0; i < n_ranges; i++) {
        range[i].first_chunk = n;
        n += (range[i].n + LAC_UPDATE_CHUNK - 1) / LAC_UPDATE_CHUNK;
    }
    return n;
}

void lac_update_scalars_set(lac_update_scalars *s, double lr, double beta1, double beta2, double t, bool tf_form)
{
    const double correct1 = 1 - pow(beta1, t), correct2 = sqrt(1 - pow(beta2, t));
    s->lr = (float)lr;
    s->step = (float)(tf_form ? lr * correct2 / correct1 : lr / correct1);
    s->root = tf_form ? 1.0f : (float)(1 / correct2);
}

/* The last range that starts at or before this chunk; ranges of no elements have none. */
static const lac_update_range *range_of(const lac_update *u, int64_t chunk)
{
    int64_t low = 0, high = u->n_ranges - 1;
    while (low < high) {
        const int64_t middle = (low + high + 1) / 2;
        if (u->range[middle].first_chunk <= chunk)
            low = middle;
        else
            high = middle - 1;
    }
    return &u->range[low];
}

static int64_t chunk_in_range(const lac_update_range *r, int64_t chunk, int64_t *n)
{
    const int64_t from = (chunk - r->first_chunk) * LAC_UPDATE_CHUNK;
    *n = LAC_MIN(r->n - from, LAC_UPDATE_CHUNK);
    return from;
}

static void measure(const lac_update *u, const kernels *k)
{
    LAC_PARALLEL_FOR(chunk, u->n_chunks) {
        const lac_update_range *r = range_of(u, chunk);
        int64_t n;
        const int64_t from = chunk_in_range(r, chunk, &n);
        u->partial[chunk] = r->idle ? 0 : k->measure(u->grad + r->start + from, n);
    }
    double *square = u->state->square;
    for (int i = 0; i < LAC_CLIP_GROUPS; i++)
        square[i] = 0;
    for (int64_t chunk = 0; chunk < u->n_chunks; chunk++)
        square[range_of(u, chunk)->clip_group] += u->partial[chunk];
}

static void judge(const lac_update *u)
{
    for (int i = 0; i < LAC_CLIP_GROUPS; i++)
        if (!isfinite(u->state->square[i]))
            *u->bad = 1;
}

/* As torch.nn.utils.clip_grad_norm_: 1e-6 keeps the quotient finite. */
static float clip_factor(double square, float limit)
{
    const double norm = sqrt(square), factor = limit / (norm + 1e-6);
    return limit > 0 && factor < 1 ? (float)factor : 1.0f;
}

static void apply(const lac_update *u, const kernels *k)
{
    float clip[LAC_CLIP_GROUPS];
    for (int i = 0; i < LAC_CLIP_GROUPS; i++)
        clip[i] = clip_factor(u->state->square[i], u->scalars->clip[i]);
    LAC_PARALLEL_FOR(chunk, u->n_chunks) {
        const lac_update_range *r = range_of(u, chunk);
        int64_t n;
        const int64_t from = chunk_in_range(r, chunk, &n);
        k->apply(u, r, from, n, clip[r->clip_group]);
    }
    u->state->applied++;
}

lac_status lac_update_cpu(const lac_update *u)
{
    const kernels k = kernels_here();
    if (u->pass & LAC_UPDATE_MEASURE)
        measure(u, &k);
    if (u->pass & (LAC_UPDATE_MEASURE | LAC_UPDATE_JUDGE))
        judge(u);
    if (u->pass & LAC_UPDATE_APPLY && *u->bad == 0)
        apply(u, &k);
    return LAC_OK;
}
