#include "train/held_out.h"

#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBERS = 2 * LAC_MAX_PHASES * LAC_MAX_LOSSES };         /* of a batch: sums, then counts */

struct lac_held_out {
    lac_trainer *trainer;
    lac_tape *tape;
    lac_comm *comm;
    lac_loader *loader;
    lac_derived derived;
    int64_t pictures, draws, batch;
    double *number;                         /* [batches][NUMBERS] */
    char *row[LAC_MAX_ROWS];                /* [pictures][bytes], of what is judged; NULL before the first batch */
    int64_t bytes[LAC_MAX_ROWS];
};

static int64_t batches_of(const lac_held_out *h) { return (h->pictures + h->batch - 1) / h->batch; }

/* ---- which losses ---- */

static bool has_phase(const lac_recipe *r, int p) { return r->phase[p].mode == NULL && r->phase[p].trains.n > 0; }
static bool is_judged(const lac_recipe *r, int p)
{
    int first = 0;
    while (!has_phase(r, first))
        first++;
    return r->def->judge != NULL && p == first;
}

static bool has_loss(const lac_recipe *r, int p, int i) { return has_phase(r, p) && r->phase[p].loss[i].mode == NULL; }

/* ---- one batch, one phase ---- */

typedef struct part { lac_held_out *h; int phase; const lac_batch *batch; lac_tensor *sum[LAC_MAX_LOSSES], *row[LAC_MAX_ROWS]; } part;

static lac_status forward(lac_tape *t, void *context)
{
    part *p = context;
    lac_trainer *trainer = p->h->trainer;
    lac_recipe *r = &trainer->recipe;
    lac_phase_run run = { .phase = p->phase, .name = r->phase[p->phase].name, .mode = "", .first = true };
    lac_phase_out out = { .sum = { NULL } };
    lac_tensor *field[LAC_MAX_FIELDS] = { NULL };
    for (int i = 0; i < p->batch->n_fields; i++)
        field[i] = lac_field_load(t, &p->batch->field[i], 0, p->batch->n);
    LAC_TRY(lac_tape_status(t));
    for (int k = 0; k < r->n_phases; k++)
        run.seed[k] = trainer->staging.in->phase[k].seed;
    LAC_TRY(r->def->forward(r, &run, t, field, &out));
    for (int i = 0; i < r->phase[p->phase].n_losses; i++)
        if (has_loss(r, p->phase, i))
            LAC_TRY(lac_keep(t, out.sum[i], &p->sum[i]));
    for (int k = 0; k < LAC_MAX_ROWS && is_judged(r, p->phase); k++)
        if (out.row[k] != NULL)
            LAC_TRY(lac_keep(t, out.row[k], &p->row[k]));
    return lac_tape_status(t);
}

static void name_region(const part *p, char *to, size_t size)
{
    snprintf(to, size, "held out/%s/n%lld", p->h->trainer->recipe.phase[p->phase].name, (long long)p->batch->n);
}

/* ---- rows that are judged ---- */

static lac_status room_for_rows(lac_held_out *h)
{
    for (int k = 0; k < LAC_MAX_ROWS; k++)
        if (h->bytes[k] > 0 && h->row[k] == NULL)
            LAC_TRY(lac_calloc((void **)&h->row[k], (size_t)h->pictures, (size_t)h->bytes[k]));
    return LAC_OK;
}

/* Those of pictures from `first` on; of the first draw alone. */
static lac_status take_rows(lac_held_out *h, const part *p, int64_t first)
{
    for (int k = 0; k < LAC_MAX_ROWS; k++)
        if (p->row[k] != NULL)
            h->bytes[k] = (int64_t)(lac_bytes(p->row[k]) / (size_t)p->row[k]->dim[0]);
    LAC_TRY(room_for_rows(h));
    for (int k = 0; k < LAC_MAX_ROWS && p->batch->step == 0; k++)
        if (p->row[k] != NULL)
            memcpy(h->row[k] + first * h->bytes[k], p->row[k]->data, lac_bytes(p->row[k]));
    return LAC_OK;
}

/* Each batch's from the rank that had it; the first rank has had one. */
static lac_status share_rows(lac_held_out *h)
{
    if (h->comm->size == 1 || h->trainer->recipe.def->judge == NULL)
        return LAC_OK;
    LAC_TRY(h->comm->broadcast(h->comm, h->bytes, sizeof h->bytes, 0));
    LAC_TRY(lac_comm_agree(h->comm, room_for_rows(h)));
    for (int64_t k = 0; k < batches_of(h); k++) {
        const int64_t first = k * h->batch, n = LAC_MIN(h->batch, h->pictures - first);
        for (int i = 0; i < LAC_MAX_ROWS; i++)
            if (h->bytes[i] > 0)
                LAC_TRY(h->comm->broadcast(h->comm, h->row[i] + first * h->bytes[i], (size_t)(n * h->bytes[i]), (int)(k % h->comm->size)));
    }
    return LAC_OK;
}

/* ---- a phase of a batch ---- */

static lac_status add_phase(lac_held_out *h, int phase, const lac_batch *batch, double *number)
{
    const lac_recipe *r = &h->trainer->recipe;
    double *sum = number + phase * LAC_MAX_LOSSES, *count = sum + NUMBERS / 2, own[LAC_MAX_LOSSES] = { 0 };
    char signature[128];
    part p = { .h = h, .phase = phase, .batch = batch };
    name_region(&p, signature, sizeof signature);
    lac_status s = lac_tape_run(h->tape, signature, forward, &p);
    for (int i = 0; i < r->n_nets; i++)
        lac_params_drop(r->net[i]);
    if (s == LAC_OK)
        s = take_rows(h, &p, h->derived.first);
    for (int k = 0; k < LAC_MAX_ROWS; k++)
        lac_tensor_free(p.row[k]);
    r->def->count(r, phase, batch, own);
    for (int i = 0; i < r->phase[phase].n_losses; i++) {
        sum[i] += p.sum[i] != NULL && s == LAC_OK ? *(const float *)p.sum[i]->data : 0;
        count[i] += own[i];
        lac_tensor_free(p.sum[i]);
    }
    return s;
}

/* Batch k of them all, as often as every picture is taken. */
static lac_status add_batch(lac_held_out *h, int64_t k, const lac_batch *loaded)
{
    const lac_recipe *r = &h->trainer->recipe;
    lac_batch drawn = *loaded;
    const lac_batch *same[LAC_MAX_PHASES], *whole[LAC_MAX_PHASES];
    for (int p = 0; p < LAC_MAX_PHASES; p++)
        same[p] = &drawn;
    h->derived.first = k * h->batch;
    for (drawn.step = 0; drawn.step < h->draws; drawn.step++) {
        LAC_TRY(lac_derived_take(&h->derived, r, same, whole));
        for (int p = 0; p < r->n_phases; p++)
            if (has_phase(r, p))
                LAC_TRY(add_phase(h, p, whole[p], h->number + k * NUMBERS));
    }
    return LAC_OK;
}

/* ---- all of them ---- */

/* Batch k is for rank k mod ranks. Each time round the ranks agree that all is well. */
static lac_status add_all(lac_held_out *h)
{
    const int64_t n = batches_of(h);
    const lac_batch *b;
    memset(h->number, 0, (size_t)(n * NUMBERS) * sizeof *h->number);
    LAC_TRY(lac_comm_agree(h->comm, lac_loader_seek(h->loader, 0)));
    for (int64_t from = 0; from < n; from += h->comm->size) {
        const int64_t k = from + h->comm->rank;
        lac_status s = k < n ? lac_loader_next(h->loader, &b) : LAC_OK;
        if (k < n && s == LAC_OK)
            s = add_batch(h, k, b);
        LAC_TRY(lac_comm_agree(h->comm, s));
    }
    LAC_TRY(share_rows(h));
    return h->comm->all_reduce_f64(h->comm, h->number, n * NUMBERS);        /* of each batch one rank has the numbers, the others zeros */
}

static double mean(const lac_held_out *h, int p, int i)
{
    double sum = 0, count = 0;
    for (int64_t k = 0; k < batches_of(h); k++) {
        const double *at = h->number + k * NUMBERS + p * LAC_MAX_LOSSES + i;
        sum += at[0];
        count += at[NUMBERS / 2];
    }
    return count > 0 ? sum / count : NAN;
}

lac_status lac_held_out_run(lac_held_out *h, double loss[LAC_MAX_PHASES][LAC_MAX_LOSSES], double *total)
{
    const lac_recipe *r = &h->trainer->recipe;
    *total = NAN;
    LAC_TRY(add_all(h));
    for (int p = 0; p < LAC_MAX_PHASES; p++) {
        const bool known = p < r->n_phases && has_phase(r, p);
        double sum = 0;
        for (int i = 0; i < LAC_MAX_LOSSES; i++) {
            const bool there = known && i < r->phase[p].n_losses && has_loss(r, p, i);
            loss[p][i] = there ? mean(h, p, i) : NAN;
            sum += there ? r->phase[p].loss[i].weight * loss[p][i] : 0;
        }
        *total = known ? sum : *total;
    }
    return LAC_OK;
}

lac_status lac_held_out_judge(const lac_held_out *h, double value[LAC_MAX_JUDGED], int *n)
{
    const lac_recipe *r = &h->trainer->recipe;
    lac_held_rows rows = { .n = h->pictures };
    *n = 0;
    if (r->def->judge == NULL)
        return LAC_OK;
    for (int k = 0; k < LAC_MAX_ROWS; k++)
        rows.row[k] = h->row[k];
    while (r->def->judged[*n] != NULL)
        (*n)++;
    return r->def->judge(r, &rows, value);
}

static lac_status plan(lac_held_out *h, int phase, const lac_batch *batch, int64_t *flops)
{
    char signature[128];
    lac_plan_stats stats;
    part p = { .h = h, .phase = phase, .batch = batch };
    name_region(&p, signature, sizeof signature);
    LAC_TRY(lac_tape_begin(h->tape, signature, true));
    const lac_status s = forward(h->tape, &p), end = lac_tape_end(h->tape);
    for (int i = 0; i < h->trainer->recipe.n_nets; i++)
        lac_params_drop(h->trainer->recipe.net[i]);
    LAC_TRY(s != LAC_OK ? s : end);
    LAC_TRY(lac_tape_plan_stats(h->tape, signature, &stats));
    *flops += stats.flops;
    return LAC_OK;
}

lac_status lac_held_out_flops(lac_held_out *h, int64_t *flops)
{
    lac_batch one;
    *flops = 0;
    LAC_TRY(lac_derived_describe(&h->trainer->recipe, 1, &one));
    for (int p = 0; p < h->trainer->recipe.n_phases; p++)
        if (has_phase(&h->trainer->recipe, p))
            LAC_TRY(plan(h, p, &one, flops));
    return LAC_OK;
}

int64_t lac_held_out_pictures(const lac_held_out *h) { return h->pictures; }

/* ---- opening ---- */

static lac_status check(const lac_held_out_from *f)
{
    const lac_recipe *r = &f->trainer->recipe;
    int n = 0;
    for (int p = 0; p < r->n_phases; p++)
        for (int i = 0; i < r->phase[p].n_losses; i++)
            n += has_loss(r, p, i);
    if (n == 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "recipe '%s' has no loss that is part of every step", r->def->name);
    return f->data->view.size == r->size ? LAC_OK
         : LAC_FAIL(LAC_ERR_CONFIG, "size must be that of data.train, %lld, where the loss is validated; found %lld", (long long)r->size, (long long)f->data->view.size);
}

static lac_status open(lac_held_out *h, const lac_held_out_from *f)
{
    lac_loader_config c = *f->data;
    c.global = f->batch * h->comm->size;
    c.first = f->batch * h->comm->rank;
    c.count = f->batch;
    LAC_TRY(lac_loader_new(&h->loader, &c));
    h->pictures = lac_loader_records(h->loader);
    LAC_TRY(lac_calloc((void **)&h->number, (size_t)batches_of(h), NUMBERS * sizeof *h->number));
    return lac_derived_open(&h->derived, &f->trainer->recipe, "eval", 0, 0, f->batch);
}

lac_status lac_held_out_open(lac_held_out **held_out, const lac_held_out_from *f)
{
    lac_held_out *h;
    LAC_TRY(check(f));
    LAC_TRY(lac_calloc((void **)&h, 1, sizeof *h));
    *h = (lac_held_out){ .trainer = f->trainer, .tape = f->tape, .comm = f->trainer->comm, .draws = f->draws, .batch = f->batch };
    const lac_status s = open(h, f);
    if (s == LAC_OK)
        *held_out = h;
    else
        lac_held_out_close(h);
    return s;
}

void lac_held_out_close(lac_held_out *h)
{
    if (h == NULL)
        return;
    lac_loader_free(h->loader);
    lac_derived_close(&h->derived);
    free(h->number);
    for (int k = 0; k < LAC_MAX_ROWS; k++)
        free(h->row[k]);
    free(h);
}
