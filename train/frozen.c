#include "train/frozen.h"

#include "core/crc32c.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

static bool counts(const lac_param *p) { return p->role != LAC_ROLE_BUFFER; }       /* buffers are saved as every network's are */

/* Stages draw what no file says from the seed of each. */
void lac_frozen_handed_over(lac_trainer *to, int net, const lac_trainer *from, const lac_params *source, bool all)
{
    bool kept = false;
    for (int i = 0; i < from->recipe.n_nets; i++)
        kept |= from->recipe.net[i] == source && from->keeps[i];
    to->keeps[net] = to->recipe.net[net]->frozen && (kept || !all || !source->frozen || from->seed != to->seed);
}

void lac_frozen_loaded(lac_trainer *t, int net, bool from_run, bool strict)
{
    t->keeps[net] = t->recipe.net[net]->frozen && (from_run || (t->keeps[net] && !strict));
}

static void add_to_sums(int64_t *sum, const float *x, int64_t n, bool f32)
{
    uint16_t block[4096];
    if (f32)
        sum[0] = lac_crc32c((uint32_t)sum[0], x, (size_t)n * sizeof *x);
    for (int64_t at = 0; at < n; at += LAC_COUNT(block)) {
        const int64_t some = LAC_MIN(n - at, (int64_t)LAC_COUNT(block));
        for (int64_t i = 0; i < some; i++)
            block[i] = lac_f32_to_bf16(x[at + i]);
        sum[1] = lac_crc32c((uint32_t)sum[1], block, (size_t)some * sizeof block[0]);
    }
}

static lac_status sums_of(const lac_params *ps, int64_t sum[2])
{
    sum[0] = sum[1] = 0;
    for (int64_t i = 0; i < ps->n; i++) {
        const lac_param *p = ps->sorted[i];
        const int64_t n = lac_numel(p->value);
        float *x;
        if (!counts(p))
            continue;
        LAC_TRY(lac_malloc((void **)&x, (size_t)n * sizeof *x));
        const lac_status s = lac_param_get(p, x);
        if (s == LAC_OK)
            add_to_sums(sum, x, n, ps->dtype == LAC_F32);
        free(x);
        LAC_TRY(s);
    }
    return LAC_OK;
}

/* Once: nothing moves it. */
static lac_status list_sums(lac_trainer *t, int net, lac_state *s)
{
    lac_frozen *f = &t->frozen[net];
    if (!f->summed)
        LAC_TRY(sums_of(t->recipe.net[net], f->sum));
    f->summed = true;
    memcpy(f->saved, f->sum, sizeof f->saved);
    return lac_state_add(s, NULL, LAC_I64, 1, (int64_t[]){ 2 }, f->saved, "%s/sum", t->recipe.net[net]->name);
}

/* On the host and in f32, so that every machine reads them. */
static lac_status list_values(lac_trainer *t, int net, lac_state *s)
{
    const lac_params *ps = t->recipe.net[net];
    float **x = &t->frozen[net].values, *at;
    if (*x == NULL)
        LAC_TRY(lac_malloc((void **)x, (size_t)lac_params_numel(ps) * sizeof **x));
    at = *x;
    for (int64_t i = 0; i < ps->n; i++) {
        const lac_param *p = ps->sorted[i];
        if (!counts(p))
            continue;
        LAC_TRY(lac_param_get(p, at));
        LAC_TRY(lac_state_add(s, NULL, LAC_F32, p->value->ndim, p->value->dim, at, "%s/value/%s", ps->name, p->name));
        at += lac_numel(p->value);
    }
    return LAC_OK;
}

lac_status lac_frozen_state(lac_trainer *t, lac_state *s)
{
    for (int i = 0; i < t->recipe.n_nets; i++)
        if (t->recipe.net[i]->frozen)
            LAC_TRY(t->keeps[i] ? list_values(t, i, s) : list_sums(t, i, s));
    return LAC_OK;
}

static lac_status take_values(lac_trainer *t, int net)
{
    const lac_params *ps = t->recipe.net[net];
    const float *at = t->frozen[net].values;
    for (int64_t i = 0; i < ps->n; i++)
        if (counts(ps->sorted[i])) {
            LAC_TRY(lac_param_set(ps->sorted[i], at));
            at += lac_numel(ps->sorted[i]->value);
        }
    return LAC_OK;
}

static lac_status compare_sums(const lac_trainer *t, int net)
{
    const lac_frozen *f = &t->frozen[net];
    if (f->sum[1] == f->saved[1] && (f->sum[0] == 0 || f->saved[0] == 0 || f->sum[0] == f->saved[0]))
        return LAC_OK;
    return LAC_FAIL(LAC_ERR_STATE, "the frozen network '%s' is not what it was: the seed, or a file that init names, gives other weights now",
                    t->recipe.net[net]->name);
}

lac_status lac_frozen_restored(lac_trainer *t)
{
    for (int i = 0; i < t->recipe.n_nets; i++)
        if (t->recipe.net[i]->frozen)
            LAC_TRY(t->keeps[i] ? take_values(t, i) : compare_sums(t, i));
    return LAC_OK;
}

void lac_frozen_state_end(lac_trainer *t)
{
    for (int i = 0; i < LAC_MAX_NETS; i++) {
        free(t->frozen[i].values);
        t->frozen[i].values = NULL;
    }
}
