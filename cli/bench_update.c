#include "cli/bench_ops.h"

#include "core/memory.h"
#include "core/philox.h"
#include "core/stopwatch.h"
#include "core/update.h"

#include <stdlib.h>
#include <string.h>

enum { WEIGHTS = 42 << 20, PART = 1 << 20 };

/* All in one block of the backend's memory, in this order. */
typedef struct memory {
    float master[WEIGHTS], grad[WEIGHTS], m[WEIGHTS], v[WEIGHTS], ema[WEIGHTS];
    uint16_t bf16[WEIGHTS];
    double partial[WEIGHTS / LAC_UPDATE_CHUNK];
    lac_update_range range;
    lac_update_scalars scalars;
    lac_update_state state;
    uint32_t bad;
} memory;

typedef struct work { const lac_backend *b; lac_update u; } work;

static lac_status step(void *context)
{
    const work *w = context;
    return w->b->update(&w->u);
}

/* Numbers in [0, 1e-3): as small as gradients are, and roots of v among them. */
static lac_status fill(const lac_backend *b, float *to, int64_t n)
{
    lac_stream s = lac_stream_at(1, lac_purpose("bench"), 0, 0);
    float *part;
    lac_status status = lac_malloc((void **)&part, PART * sizeof *part);
    for (int64_t i = 0; status == LAC_OK && i < PART; i++)
        part[i] = 1e-3f * lac_stream_uniform(&s);
    for (int64_t at = 0; status == LAC_OK && at < n; at += PART)
        status = b->copy(to + at, part, PART * sizeof *part);
    free(part);
    return status;
}

static lac_status time_it(work *w, memory *at, const lac_peaks *p, int64_t samples)
{
    lac_update_range range = { .n = WEIGHTS, .lr = 1, .decay = 0.01f, .bf16 = at->bf16 };
    lac_update_scalars scalars = { .keep = 0.999f };
    const lac_update_state state = { 0 };
    const uint32_t bad = 0;
    lac_bench_row row = { .name = LAC_BENCH_UPDATE, .way = "", .shape = "42 M weights, AdamW", .bytes = (int64_t)WEIGHTS * (9 * (int64_t)sizeof(float) + 2) };
    LAC_TRY(fill(w->b, at->master, (int64_t)5 * WEIGHTS));
    lac_update_scalars_set(&scalars, 1e-4, 0.9, 0.999, 10, false);
    w->u = (lac_update){ .pass = LAC_UPDATE_APPLY, .n_ranges = 1, .n_chunks = lac_update_lay_out(&range, 1), .range = &at->range, .master = at->master,
                         .m = at->m, .v = at->v, .ema = at->ema, .grad = at->grad, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .decoupled = true,
                         .scalars = &at->scalars, .state = &at->state, .partial = at->partial, .bad = &at->bad };
    LAC_TRY(w->b->copy(&at->range, &range, sizeof range));
    LAC_TRY(w->b->copy(&at->scalars, &scalars, sizeof scalars));
    LAC_TRY(w->b->copy(&at->state, &state, sizeof state));
    LAC_TRY(w->b->copy(&at->bad, &bad, sizeof bad));
    LAC_TRY(lac_stopwatch(w->b, step, w, samples, &row.seconds));
    lac_bench_row_print(&row, p);
    return LAC_OK;
}

lac_status lac_bench_update(const lac_backend *b, const lac_peaks *p, int64_t samples)
{
    work w = { .b = b };
    void *block;
    if (b->update == NULL)
        return LAC_FAIL(LAC_ERR_NO_KERNEL, "no kernel: optimizer update on '%s'", b->name);
    LAC_TRY(b->alloc(&block, sizeof(memory)));
    const lac_status s = lac_context(time_it(&w, block, p, samples), "update");
    b->free(block, sizeof(memory));
    return s;
}
