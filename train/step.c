#include "train/step.h"

#include "autograd/ops/composite/composite.h"
#include "core/comm/lane.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct micro { lac_trainer *t; const char *mode; const lac_batch *batch; int phase; int64_t from, n; bool reduce; } micro;

/* The same number, whose gradient arrives times `scale`: over itself without its history, through scale as the mask. */
static lac_tensor *scaled(lac_tape *t, lac_tensor *sum, lac_tensor *scale)
{
    const int64_t one[4] = { 1, 1, 1, 1 };
    lac_tensor *x = lac_reshape(t, sum, 4, one), *mask = lac_reshape(t, lac_detach(t, scale), 4, one);
    return lac_composite(t, x, lac_detach(t, x), mask, &(lac_composite_attr){ .dtype = LAC_F32 });
}

/* Numbers of the step's mode, read where the host finds them; of losses the roots that backward starts from, *n of them. */
static void take_numbers(const micro *m, const lac_phase_run *run, lac_tape *tape, const lac_phase_out *out, lac_root *root, int *n)
{
    lac_trainer *t = m->t;
    const lac_phase *phase = &t->recipe.phase[m->phase];
    const int64_t row = m->phase * t->staging.n_micros + m->from / t->micro;
    for (int i = 0; i < phase->n_shown; i++)
        if (lac_mode_has(m->mode, phase->shown[i].mode))
            lac_tape_read(tape, out->shown[i], &t->staging.out->micro[row].shown[i]);
    *n = 0;
    for (int i = 0; i < phase->n_losses; i++) {
        if (!lac_mode_has(m->mode, phase->loss[i].mode))
            continue;
        lac_tape_read(tape, out->sum[i], &t->staging.out->micro[row].sum[i]);
        root[(*n)++] = (lac_root){ .y = out->scale[i] != NULL ? scaled(tape, out->sum[i], out->scale[i]) : out->sum[i], .seed = &run->seed[m->phase][i] };
    }
}

static lac_status forward_backward(lac_tape *tape, void *context)
{
    const micro *m = context;
    lac_trainer *t = m->t;
    const lac_phase *phase = &t->recipe.phase[m->phase];
    lac_phase_run run = { .phase = m->phase, .name = phase->name, .mode = m->mode, .first = m->from == 0 };
    lac_phase_out out = { .sum = { NULL } };
    lac_tensor *field[LAC_MAX_FIELDS] = { NULL };
    lac_root root[LAC_MAX_LOSSES];
    int n_roots;
    for (int i = 0; i < phase->trains.n; i++)
        lac_tape_train(tape, phase->trains.ps[i]);
    if (m->reduce)
        lac_tape_when_done(tape, lac_optim_gradient_done, t->optim[m->phase]);
    for (int i = 0; i < m->batch->n_fields; i++)
        field[i] = lac_field_load(tape, &m->batch->field[i], m->from, m->n);
    LAC_TRY(lac_tape_status(tape));
    for (int p = 0; p < t->recipe.n_phases; p++)
        run.seed[p] = t->staging.in->phase[p].seed;
    LAC_TRY(t->recipe.def->forward(&t->recipe, &run, tape, field, &out));
    take_numbers(m, &run, tape, &out, root, &n_roots);
    return phase->trains.n > 0 ? lac_backward(tape, root, n_roots) : lac_tape_status(tape);
}

static lac_status run_micro(lac_trainer *t, int p, const char *mode, const lac_batch *batch, int64_t from, int64_t n, bool reduce)
{
    char signature[192];
    micro m = { t, mode, batch, p, from, n, reduce && t->optim[p] != NULL && from + n == batch->n };
    snprintf(signature, sizeof signature, "%s/%s/%s/%s/n%lld/size%lld/%s", t->stage, t->recipe.phase[p].name, mode, from ? "further" : "first",
             (long long)n, (long long)t->recipe.size, lac_dtype_name(t->recipe.dtype));
    return lac_tape_run(t->tape, signature, forward_backward, &m);
}

/* Counts over all ranks; the wish to stop travels along. */
static lac_status count_losses(lac_trainer *t, const lac_batch *const *batch, double count[LAC_MAX_PHASES][LAC_MAX_LOSSES], bool *stop)
{
    double all[LAC_MAX_PHASES * LAC_MAX_LOSSES + 1] = { 0 };
    const int n_phases = t->recipe.n_phases;
    for (int p = 0; p < n_phases; p++)
        t->recipe.def->count(&t->recipe, p, batch[p], all + p * LAC_MAX_LOSSES);
    all[n_phases * LAC_MAX_LOSSES] = stop != NULL && *stop;
    LAC_TRY(t->comm->all_reduce_f64(t->comm, all, n_phases * LAC_MAX_LOSSES + 1));
    if (stop != NULL)
        *stop = all[n_phases * LAC_MAX_LOSSES] > 0;
    memcpy(count, all, (size_t)(n_phases * LAC_MAX_LOSSES) * sizeof all[0]);
    return LAC_OK;
}

/* ---- a phase ---- */

/* reduce: the gradients that the last micro-batch completes are reduced over the ranks meanwhile. */
typedef struct job { lac_trainer *t; const char *mode; const lac_batch *batch; int phase; bool reduce; } job;

static lac_status all_micros(void *context)
{
    const job *j = context;
    lac_trainer *t = j->t;
    const lac_trained *nets = &t->recipe.phase[j->phase].trains;
    for (int i = 0; i < nets->n; i++)
        lac_params_clear_grad(nets->ps[i]);
    for (int64_t from = 0; from < j->batch->n; from += t->micro)
        LAC_TRY(run_micro(t, j->phase, j->mode, j->batch, from, LAC_MIN(t->micro, j->batch->n - from), j->reduce));
    return LAC_OK;
}

/* Buffers that are sums of the global batch, over the ranks. */
static lac_status sum_buffers(lac_trainer *t)
{
    lac_lane *lane;
    if (t->comm->size == 1)
        return LAC_OK;
    LAC_TRY(lac_comm_lane(t->comm, t->recipe.backend, &lane));
    for (int i = 0; i < t->recipe.n_nets; i++)
        for (int64_t k = 0; k < t->recipe.net[i]->n; k++) {
            const lac_param *p = t->recipe.net[i]->param[k];
            if (p->pending_set && p->pending_sum)
                LAC_TRY(lane->all_reduce(lane, p->pending->data, LAC_F32, lac_numel(p->pending)));
        }
    return lane->join(lane);
}

static lac_status move(void *context)
{
    const job *j = context;
    lac_trainer *t = j->t;
    lac_staging *s = &t->staging;
    if (t->optim[j->phase] != NULL) {
        LAC_TRY(lac_optim_reduce(t->optim[j->phase]));
        LAC_TRY(lac_optim_step(t->optim[j->phase], &s->out->phase[j->phase].measured));
    }
    LAC_TRY(sum_buffers(t));
    for (int i = 0; i < t->recipe.n_nets; i++)
        LAC_TRY(lac_params_commit(t->recipe.net[i], s->bad));
    return s->backend->copy(&s->out->phase[j->phase].bad, s->bad, sizeof *s->bad);
}

static lac_status whole_phase(void *context)
{
    LAC_TRY(all_micros(context));
    return move(context);
}

/* Collectives in a device's memory (core/comm/lane.h) are captured with the rest. */
static lac_status run_phase(lac_trainer *t, int p, const char *mode, const lac_batch *batch)
{
    char signature[224];
    job j = { t, mode, batch, p, true };
    const lac_phase *phase = &t->recipe.phase[p];
    lac_replays each_time = { .backend = t->recipe.backend, .off = true };
    lac_replays *r = lac_tape_profiled(t->tape) ? &each_time : &t->replays;
    snprintf(signature, sizeof signature, "%s/%s/%s/n%lld/size%lld/%s/at%lld", t->stage, phase->name, mode, (long long)batch->n, (long long)t->recipe.size,
             lac_dtype_name(t->recipe.dtype), (long long)lac_staging_offset(&t->staging, batch));
    return lac_replay_run(r, signature, lac_tape_moves(t->tape) + t->staging.moves, &phase->trains, t->optim[p], whole_phase, &j);
}

/* ---- looking at what came of a step ---- */

/* The same pictures, scalars and weights again, every op watched; what fails first is the message. */
static lac_status find_bad(lac_trainer *t, lac_step_slot *slot, int p)
{
    job j = { t, lac_recipe_mode(&t->recipe, slot->step), &slot->batch[p], p, false };
    lac_tape_check_finite(t->tape, true);
    lac_status s = lac_staging_send_again(&t->staging, slot);
    if (s == LAC_OK)
        s = all_micros(&j);
    lac_tape_check_finite(t->tape, false);
    for (int i = 0; i < t->recipe.n_nets; i++)
        lac_params_drop(t->recipe.net[i]);
    for (int i = 0; i < t->staging.n_slots; i++)        /* nothing that was begun after it has done anything */
        t->staging.slot[i].under_way = false;
    if (s == LAC_OK)
        s = LAC_FAIL(LAC_ERR_NONFINITE, "the gradient's norm is not finite, though every value%s is", t->comm->size > 1 ? " on this rank" : "");
    return lac_context(s, "step %lld, phase %s", (long long)slot->step + 1, t->recipe.phase[p].name);
}

/* Sums over micro-batches and ranks: losses, then what is shown. */
static lac_status add_up(lac_trainer *t, const lac_step_slot *slot, int p, double total[LAC_MAX_LOSSES + LAC_MAX_SHOWN], int64_t n_micros)
{
    for (int64_t k = 0; k < n_micros; k++) {
        for (int i = 0; i < t->recipe.phase[p].n_losses; i++)
            total[i] += slot->out->micro[p * t->staging.n_micros + k].sum[i];
        for (int i = 0; i < t->recipe.phase[p].n_shown; i++)
            total[LAC_MAX_LOSSES + i] += slot->out->micro[p * t->staging.n_micros + k].shown[i];
    }
    return t->comm->all_reduce_f64(t->comm, total, LAC_MAX_LOSSES + t->recipe.phase[p].n_shown);
}

/* What stood still has no numbers. */
static void forget_phase(lac_trainer *t, int p)
{
    for (int i = 0; i < LAC_MAX_LOSSES; i++)
        t->loss[p][i] = NAN;
    for (int i = 0; i < LAC_MAX_SHOWN; i++)
        t->shown[p][i] = NAN;
    t->grad_norm[p] = NAN;
}

static lac_status look_at_phase(lac_trainer *t, lac_step_slot *slot, int p)
{
    double total[LAC_MAX_LOSSES + LAC_MAX_SHOWN] = { 0 };
    const lac_phase *phase = &t->recipe.phase[p];
    const char *mode = lac_recipe_mode(&t->recipe, slot->step);
    forget_phase(t, p);
    if (!lac_mode_has(mode, phase->mode))
        return LAC_OK;
    const int64_t n_micros = (slot->batch[p].n + t->micro - 1) / t->micro;
    LAC_TRY(add_up(t, slot, p, total, n_micros));
    if (slot->out->phase[p].bad != 0)
        return find_bad(t, slot, p);
    for (int i = 0; i < phase->n_losses; i++)
        if (lac_mode_has(mode, phase->loss[i].mode))
            t->loss[p][i] = slot->count[p][i] > 0 ? total[i] / slot->count[p][i] : 0;
    for (int i = 0; i < phase->n_shown; i++)
        if (lac_mode_has(mode, phase->shown[i].mode))
            t->shown[p][i] = total[LAC_MAX_LOSSES + i] / (double)(n_micros * t->comm->size);
    t->grad_norm[p] = t->optim[p] != NULL ? lac_optim_grad_norm(&slot->out->phase[p].measured) : 0;
    return LAC_OK;
}

/* One that trains: there is one. */
static lac_optim *any_optim(const lac_trainer *t)
{
    int p = 0;
    while (t->optim[p] == NULL)
        p++;
    return t->optim[p];
}

static lac_status look_at(lac_trainer *t, lac_step_slot *slot)
{
    if (!slot->under_way)
        return LAC_OK;
    LAC_TRY(lac_optim_wait(any_optim(t), slot->done));
    LAC_TRY(lac_staging_receive(&t->staging, slot));
    for (int p = 0; p < t->recipe.n_phases; p++)
        LAC_TRY(look_at_phase(t, slot, p));
    slot->under_way = false;
    return LAC_OK;
}

lac_status lac_trainer_settle(lac_trainer *t)
{
    for (int i = 1; i <= t->staging.n_slots; i++)       /* the one whose turn is next is the oldest */
        LAC_TRY(look_at(t, &t->staging.slot[(t->staging.now + i) % t->staging.n_slots]));
    return LAC_OK;
}

/* ---- a step ---- */

/* What stands still does not count the step. */
static void write_scalars(lac_trainer *t, lac_step_slot *slot, int64_t step)
{
    const char *mode = lac_recipe_mode(&t->recipe, step);
    slot->step = step;
    for (int p = 0; p < t->recipe.n_phases; p++) {
        for (int i = 0; i < t->recipe.phase[p].n_losses; i++)
            slot->in->phase[p].seed[i] = slot->count[p][i] > 0 ? (float)(t->recipe.phase[p].loss[i].weight / slot->count[p][i]) : 0;
        if (t->optim[p] != NULL && lac_mode_has(mode, t->recipe.phase[p].mode))
            lac_optim_begin(t->optim[p], step, &slot->in->phase[p].update);
    }
}

/* Where every call is done when it returns each phase is looked at before the next, and all is known at the end. */
lac_status lac_trainer_step(lac_trainer *t, int64_t step, const lac_batch *const *batch, bool *stop)
{
    const bool at_once = t->recipe.backend->queue == NULL;
    const lac_batch *whole[LAC_MAX_PHASES];
    lac_step_slot *slot = lac_staging_next(&t->staging);
    LAC_TRY(lac_derived_take(&t->derived, &t->recipe, batch, whole));
    LAC_TRY(look_at(t, slot));
    LAC_TRY(count_losses(t, whole, slot->count, stop));
    write_scalars(t, slot, step);
    LAC_TRY(lac_staging_send(&t->staging, slot, whole));
    const char *mode = lac_recipe_mode(&t->recipe, step);
    for (int p = 0; p < t->recipe.n_phases; p++) {
        if (lac_mode_has(mode, t->recipe.phase[p].mode))
            LAC_TRY(run_phase(t, p, mode, &slot->batch[p]));
        if (at_once)
            LAC_TRY(look_at_phase(t, slot, p));
    }
    return at_once ? LAC_OK : lac_staging_return(&t->staging, slot);
}

static lac_status plan_phase(lac_trainer *t, int p, const lac_batch *batch, lac_plan_stats *stats)
{
    micro m = { t, lac_recipe_mode(&t->recipe, INT64_MAX), batch, p, 0, t->micro, false };
    LAC_TRY(lac_tape_begin(t->tape, "cost", true));
    const lac_status s = forward_backward(t->tape, &m), end = lac_tape_end(t->tape);
    LAC_TRY(s != LAC_OK ? s : end);
    return lac_tape_plan_stats(t->tape, "cost", stats);
}

lac_status lac_trainer_cost(lac_trainer *t, lac_plan_stats *step)
{
    const int64_t n = t->share;
    lac_batch batch;
    LAC_TRY(lac_derived_describe(&t->recipe, n, &batch));
    *step = (lac_plan_stats){ 0 };
    for (int p = 0; p < t->recipe.n_phases; p++) {
        lac_plan_stats stats;
        LAC_TRY(plan_phase(t, p, &batch, &stats));
        step->peak_bytes = LAC_MAX(step->peak_bytes, stats.peak_bytes);
        step->lower_bound_bytes = LAC_MAX(step->lower_bound_bytes, stats.lower_bound_bytes);
        step->flops += stats.flops * (n / t->micro);
        step->launches += stats.launches * (n / t->micro);
    }
    return LAC_OK;
}
