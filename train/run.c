#include "train/run_internal.h"
#include "train/frozen.h"

#include "core/clock.h"
#include "core/file/atomic.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool run_speaks(const run *r) { return r->comm->rank == 0; }

int64_t run_end(const lac_stages *stages, int64_t stage)
{
    int64_t sum = 0;
    for (int64_t k = 0; k <= stage; k++)
        sum += lac_config_int(stages->stage[k].config, "steps");
    return sum;
}

void run_say(const run *r, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (run_speaks(r))
        r->hooks->say(r->hooks->context, line);
}

static bool every(const run *r, const char *key)
{
    const int64_t n = lac_config_int(r->config, key);
    return n > 0 && r->step % n == 0;
}

static void report_progress(run *r, int64_t end, double seconds)
{
    const double images = (double)lac_config_int(r->config, "batch.global");
    r->seconds_per_step = r->seconds_per_step > 0 ? 0.95 * r->seconds_per_step + 0.05 * seconds : seconds;
    const lac_progress p = { .step = r->step, .steps = end, .loss = lac_trainer_total(&r->trainer),
                             .images_per_second = r->seconds_per_step > 0 ? images / r->seconds_per_step : 0,
                             .seconds_per_step = r->seconds_per_step };
    if (run_speaks(r))
        r->hooks->progress(r->hooks->context, &p);
}

static lac_status profile_window(run *r)
{
    const int64_t n = lac_config_int(r->config, "profile"), begin = r->begun + 2;
    char *path;
    if (n > 0 && r->step == begin && r->trace == NULL && run_speaks(r)) {
        LAC_TRY(lac_format(&path, "%s/trace.json", r->folder));
        const lac_status s = lac_trace_open(&r->trace, path);
        free(path);
        if (s == LAC_OK)
            lac_tape_profile(r->trainer.tape, lac_trace_sink, r->trace);
        return s;
    }
    if (r->trace == NULL || r->step != begin + n)
        return LAC_OK;
    lac_tape_profile(r->trainer.tape, NULL, NULL);
    lac_trace *t = r->trace;
    r->trace = NULL;
    return lac_trace_close(t);
}

static lac_status after_step(run *r, bool last)
{
    if (last || every(r, "log.every"))
        LAC_TRY(run_write_log(r));
    if (every(r, "sample.every") || (last && lac_config_int(r->config, "sample.every") > 0))
        LAC_TRY(run_write_samples(r));
    if (every(r, "validate.every") || (last && lac_config_int(r->config, "validate.every") > 0))
        LAC_TRY(run_validate(r));
    if (every(r, "validate.loss.every") || (last && r->held_out != NULL))
        LAC_TRY(run_validate_loss(r));
    return last || every(r, "checkpoint.every") ? run_save(r) : LAC_OK;
}

/* After a step that somebody asked any of the ranks to stop at. */
static lac_status stop_here(run *r, bool saved)
{
    if (!saved)
        LAC_TRY(run_save(r));
    return LAC_FAIL(LAC_ERR_STOPPED, "stopped after step %lld, saved; the same command goes on from here", (long long)r->step);
}

static lac_status take_steps(run *r, int64_t end)
{
    const lac_batch *batch[LAC_MAX_PHASES];
    while (r->step < end) {
        const double start = lac_seconds();
        bool stop = r->hooks->stop(r->hooks->context);
        LAC_TRY(profile_window(r));
        LAC_TRY(run_next_batches(r, batch));
        LAC_TRY(lac_trainer_step(&r->trainer, r->step - r->first_step, batch, &stop));
        r->step++;
        report_progress(r, end, lac_seconds() - start);
        LAC_TRY(after_step(r, r->step == end));
        if (stop)
            return stop_here(r, r->step == end || every(r, "checkpoint.every"));
    }
    return profile_window(r);
}

/* What of one network has another's name and shape; *all: every parameter found its like. */
static lac_status hand_over_network(lac_params *to, const lac_params *from, bool *all)
{
    *all = true;
    for (int64_t k = 0; k < to->n; k++) {
        lac_param *p = to->param[k];
        const lac_param *q = lac_params_find(from, p->name);
        float *x;
        if (q == NULL || !lac_same_shape(q->value, p->value)) {
            *all = false;
            continue;
        }
        LAC_TRY(lac_malloc((void **)&x, (size_t)lac_numel(p->value) * sizeof *x));
        lac_status s = lac_param_get(q, x);
        if (s == LAC_OK)
            s = lac_param_set(p, x);
        free(x);
        LAC_TRY(s);
    }
    return LAC_OK;
}

/* Networks of the stage before, by name and shape, where `init` does not say otherwise. */
static lac_status hand_over(lac_trainer *to, const lac_trainer *from)
{
    for (int i = 0; i < to->recipe.n_nets; i++) {
        const lac_params *source = lac_recipe_find_network(&from->recipe, to->recipe.net[i]->name);
        bool all;
        if (source == NULL)
            continue;
        LAC_TRY(hand_over_network(to->recipe.net[i], source, &all));
        lac_frozen_handed_over(to, i, from, source, all);
    }
    for (int p = 0; p < to->recipe.n_phases; p++)
        LAC_TRY(lac_optim_restart_ema(to->optim[p]));
    return LAC_OK;
}

static void say_what(const run *r)
{
    const lac_recipe *recipe = &r->trainer.recipe;
    int64_t n = 0;
    for (int i = 0; i < recipe->n_nets; i++)
        n += lac_params_numel(recipe->net[i]);
    run_say(r, "%s: %s, %lld parameters, %s on %s, %lld photographs, batch %lld", r->stage->name, recipe->def->name, (long long)n,
        lac_dtype_name(recipe->dtype), recipe->backend->name, (long long)lac_loader_records(r->loader[0]),
        (long long)lac_config_int(r->config, "batch.global"));
}

/* The run's own choices of how to compute, where it has made any: with them a run that goes on has the same bits. */
static lac_status read_plans(run *r)
{
    const lac_backend *b = r->trainer.recipe.backend;
    char *path;
    if (b->plans_read == NULL)
        return LAC_OK;
    LAC_TRY(lac_format(&path, "%s/plans.json", r->folder));
    lac_status s = access(path, F_OK) == 0 ? b->plans_read(path) : LAC_OK;
    free(path);
    if (s == LAC_ERR_STATE) {
        run_say(r, "%s: results will differ from there on by rounding", lac_error_message());
        lac_error_clear();
        s = LAC_OK;
    }
    return s;
}

/* Planning a step makes the choices; over several ranks the first one makes them for all. */
static lac_status plan_step(run *r)
{
    const bool for_all = r->comm->size > 1 && r->trainer.recipe.backend->plans_write != NULL, first = run_speaks(r);
    lac_plan_stats step = { 0 };
    lac_status s = LAC_OK;
    if (for_all) {
        if (first && (s = lac_make_folders(r->folder)) == LAC_OK && (s = lac_trainer_cost(&r->trainer, &step)) == LAC_OK)
            s = run_write_plans(r);
        LAC_TRY(lac_comm_agree(r->comm, s));
        LAC_TRY(first ? LAC_OK : read_plans(r));
    }
    if (!for_all || !first)
        LAC_TRY(lac_trainer_cost(&r->trainer, &step));
    r->flops = step.flops;
    return LAC_OK;
}

/* A stage whose trainer is open and holds what it starts from. */
static lac_status run_stage(run *r, int64_t end)
{
    LAC_TRY(lac_tape_new(&r->painter, r->trainer.recipe.backend));
    lac_status s = read_plans(r);
    LAC_TRY(lac_comm_agree(r->comm, s == LAC_OK ? plan_step(r) : s));
    s = run_open_data(r);
    if (s == LAC_OK)
        s = run_open_output(r);
    LAC_TRY(lac_comm_agree(r->comm, s));
    if (r->step < end)
        say_what(r);
    return end > r->first_step ? take_steps(r, end) : run_save(r);      /* no steps: what it starts from */
}

static void leave_stage(run *r)
{
    run_close_data(r);
    lac_tape_free(r->painter);
    r->painter = NULL;
    r->waited = 0;
}

static lac_status enter_stage(run *r, int64_t k, const char *checkpoint)
{
    lac_trainer before = r->trainer;
    r->stage = &r->stages->stage[k];
    r->config = r->stage->config;
    r->first_step = k > 0 ? run_end(r->stages, k - 1) : 0;
    lac_status s = run_open_trainer(&r->trainer, r->stage, r->comm);
    if (s == LAC_OK && checkpoint != NULL)
        s = run_restore(&r->trainer, r->stages, k, checkpoint);
    else if (s == LAC_OK && before.tape != NULL)
        s = hand_over(&r->trainer, &before);
    if (s == LAC_OK && checkpoint == NULL)
        s = run_init_weights(r);
    lac_trainer_close(&before);
    return lac_comm_agree(r->comm, s);
}

static lac_status all_stages(run *r, int64_t first, const char *checkpoint)
{
    for (int64_t k = first; k < r->stages->n; k++) {
        LAC_TRY(enter_stage(r, k, k == first ? checkpoint : NULL));
        const lac_status s = run_stage(r, run_end(r->stages, k));
        leave_stage(r);
        LAC_TRY(s);
    }
    return LAC_OK;
}

static lac_status check_same(const lac_stages *stages, const json_t *before, const char *folder)
{
    json_t *now = lac_stages_json(stages);
    char *differences;
    lac_status s = lac_stages_differences(before, now, &differences);
    if (s == LAC_OK && differences[0] != '\0')
        s = LAC_FAIL(LAC_ERR_CONFIG, "run '%s' was begun with another config: %s; go on with the old one, or give --fork NAME", folder, differences);
    free(differences);
    json_decref(now);
    return s;
}

/* Steps are for raising: what has been trained stays trained, and a stage that ended ended where it did. */
static lac_status check_steps(const run *r, const json_t *before, int64_t stage)
{
    for (int64_t k = 0; k <= stage; k++) {
        const lac_stage *s = &r->stages->stage[k];
        const int64_t steps = lac_config_int(s->config, "steps"), done = r->step - (k > 0 ? run_end(r->stages, k - 1) : 0);
        const int64_t was = lac_config_int(lac_stages_json_at(before, k), "steps");
        if (k < stage && steps != was)
            return LAC_FAIL(LAC_ERR_CONFIG, "stage '%s' of run '%s' ended after %lld steps: steps = %lld comes too late", s->name, r->folder,
                            (long long)was, (long long)steps);
        if (k == stage && steps < done)
            return LAC_FAIL(LAC_ERR_CONFIG, "stage '%s' of run '%s' has been trained for %lld steps already, more than steps = %lld", s->name,
                            r->folder, (long long)done, (long long)steps);
    }
    return LAC_OK;
}

static lac_status stand_at(run *r, const lac_checkpoint *about, int64_t *stage)
{
    json_t *before = json_loads(about->config, 0, NULL), *numbers = json_loads(about->numbers, 0, NULL);
    lac_status s = json_is_object(before) && json_is_object(numbers) ? LAC_OK : LAC_FAIL(LAC_ERR_FORMAT, "it tells no config, or no numbers");
    if (s == LAC_OK)
        s = check_same(r->stages, before, r->folder);
    *stage = -1;
    for (int64_t k = 0; s == LAC_OK && k < r->stages->n; k++)
        if (strcmp(r->stages->stage[k].name, about->stage) == 0)
            *stage = k;
    if (s == LAC_OK && *stage < 0)
        s = LAC_FAIL(LAC_ERR_FORMAT, "it is of stage '%s', which the config has not", about->stage);
    r->step = about->step;
    r->best_step = lac_config_int(numbers, "best_step");
    r->best = lac_config_num(numbers, "best");
    if (s == LAC_OK)
        s = check_steps(r, before, *stage);
    json_decref(before);
    json_decref(numbers);
    return s;
}

/* Where a run that has a checkpoint stands. */
static lac_status pick_up(run *r, const char *checkpoint, int64_t *stage)
{
    lac_checkpoint about;
    LAC_TRY(lac_checkpoint_about(&about, checkpoint));
    const lac_status s = stand_at(r, &about, stage);
    lac_checkpoint_clear(&about);
    LAC_TRY(s == LAC_ERR_FORMAT ? lac_context(s, "checkpoint '%s'", checkpoint) : s);
    run_say(r, "going on from step %lld (%s)", (long long)r->step, checkpoint);
    return LAC_OK;
}

static void pass_note(void *context, const char *line)
{
    const run *r = context;
    r->hooks->say(r->hooks->context, line);
}

/* The newest checkpoint in the folder, as the first rank sees it; *path NULL for none. */
static lac_status find_checkpoint(run *r, const char *folder, char **path)
{
    char name[4096] = "";
    lac_status s = run_speaks(r) ? lac_checkpoint_find(path, folder, pass_note, r) : LAC_OK;
    if (s == LAC_OK && *path != NULL)
        snprintf(name, sizeof name, "%s", *path);
    LAC_TRY(lac_comm_agree(r->comm, s));
    LAC_TRY(r->comm->broadcast(r->comm, name, sizeof name, 0));
    return *path == NULL && name[0] != '\0' ? lac_strdup(path, name) : LAC_OK;
}

lac_status lac_run(const lac_stages *stages, const char *folder, lac_comm *comm, const lac_run_hooks *hooks)
{
    run r = { .stages = stages, .folder = folder, .comm = comm, .hooks = hooks };
    char *ckpt = NULL, *checkpoint = NULL;
    int64_t stage = 0;
    lac_status s = lac_format(&ckpt, "%s/ckpt", folder);
    if (s == LAC_OK)
        s = find_checkpoint(&r, ckpt, &checkpoint);
    if (s == LAC_OK && checkpoint != NULL)
        s = pick_up(&r, checkpoint, &stage);
    r.begun = r.step;
    if (s == LAC_OK && checkpoint != NULL && r.step == run_end(stages, stages->n - 1))
        run_say(&r, "nothing is left to do");
    else if (s == LAC_OK)
        s = all_stages(&r, stage, checkpoint);
    const lac_status closed = run_close_output(&r);
    lac_trainer_close(&r.trainer);
    free(checkpoint);
    free(ckpt);
    return s != LAC_OK ? s : closed;
}
