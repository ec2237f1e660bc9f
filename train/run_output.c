/* What a run leaves behind: log lines, sample grids, validation, checkpoints. */
#include "train/run_internal.h"

#include "core/clock.h"
#include "core/file/atomic.h"
#include "core/image/grid.h"
#include "core/image/paste.h"
#include "core/memory.h"
#include "data/eval_set.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static lac_status in_folder(const run *r, const char *name, char **path) { return lac_format(path, "%s/%s", r->folder, name); }

/* The run's folders, without what a killed process left in them. */
static lac_status make_folders(run *r)
{
    static const char *const names[] = { "", "/ckpt", "/samples" };
    for (size_t i = 0; i < LAC_COUNT(names); i++) {
        char *path;
        LAC_TRY(lac_format(&path, "%s%s", r->folder, names[i]));
        lac_status s = i < 2 ? lac_make_folders(path) : LAC_OK;
        if (s == LAC_OK)
            s = lac_atomic_tidy(path);
        free(path);
        LAC_TRY(s);
    }
    return r->hooks->begun(r->hooks->context, r->folder, r->stages);
}

/* Of a recipe that makes no pictures. */
static lac_status check_unasked(const run *r)
{
    static const char *const keys[] = { "sample.every", "validate.every" };
    for (size_t i = 0; i < LAC_COUNT(keys); i++)
        if (lac_config_int(r->config, keys[i]) != 0)
            return LAC_FAIL(LAC_ERR_CONFIG, "%s must be 0, found %lld: recipe '%s' makes no pictures", keys[i], (long long)lac_config_int(r->config, keys[i]),
                            r->trainer.recipe.def->name);
    return LAC_OK;
}

/* A prompt that the inpainter would refuse at its first grid is refused before the first step. */
static lac_status check_prompt(const run *r)
{
    lac_inpainter ip;
    const json_t *prompt = lac_config_at(r->config, "data.eval.prompt");
    const char *text = prompt != NULL ? json_string_value(prompt) : "";
    if (r->trainer.recipe.def->inpainter == NULL)
        return check_unasked(r);
    r->trainer.recipe.def->inpainter(&r->trainer.recipe, r->config, &ip);
    return lac_context(lac_inpainter_takes(ip.def, &(lac_ask){ .prompt = text[0] ? text : NULL }), "data.eval.prompt");
}

lac_status run_open_output(run *r)
{
    char *path;
    LAC_TRY(check_prompt(r));
    r->last_log = r->started = lac_seconds();
    r->last_log_step = r->step;
    if (!run_speaks(r))
        return LAC_OK;
    LAC_TRY(make_folders(r));
    LAC_TRY(run_write_plans(r));
    LAC_TRY(in_folder(r, "log.jsonl", &path));
    lac_status s = r->log == NULL ? lac_log_open(&r->log, path, r->step) : LAC_OK;
    free(path);
    if (s == LAC_OK && r->board == NULL && lac_config_bool(r->config, "log.tensorboard"))
        s = lac_tensorboard_open(&r->board, r->folder, r->step);
    return s;
}

lac_status run_close_output(run *r)
{
    const lac_status a = lac_log_close(r->log), b = lac_tensorboard_close(r->board), c = lac_trace_close(r->trace);
    r->log = NULL;
    r->board = NULL;
    r->trace = NULL;
    return a != LAC_OK ? a : b != LAC_OK ? b : c;
}

static lac_status note(run *r, json_t *line, const char *key, double value)
{
    LAC_TRY(lac_log_number(line, key, value));
    return r->board != NULL ? lac_tensorboard_scalar(r->board, r->step, key, (float)value) : LAC_OK;
}

static lac_status note_losses(run *r, json_t *line)
{
    const lac_trainer *t = &r->trainer;
    char key[96];
    for (int p = 0; p < t->recipe.n_phases; p++) {
        const lac_phase *phase = &t->recipe.phase[p];
        for (int i = 0; i < phase->n_losses; i++) {
            snprintf(key, sizeof key, "loss.%s", phase->loss[i].name);
            LAC_TRY(note(r, line, key, t->loss[p][i]));
        }
        for (int i = 0; i < phase->n_shown; i++) {
            snprintf(key, sizeof key, "shown.%s", phase->shown[i].name);
            LAC_TRY(note(r, line, key, t->shown[p][i]));
        }
        if (t->optim[p] == NULL)
            continue;
        snprintf(key, sizeof key, "lr.%s", phase->optim);
        LAC_TRY(note(r, line, key, lac_optim_lr(t->optim[p], r->step - 1 - r->first_step)));
        snprintf(key, sizeof key, "grad_norm.%s", phase->optim);
        LAC_TRY(note(r, line, key, t->grad_norm[p]));
    }
    return LAC_OK;
}

static double waited(const run *r)
{
    double sum = 0;
    for (int p = 0; p < LAC_MAX_PHASES; p++)
        sum += r->loader[p] != NULL ? lac_loader_waited(r->loader[p]) : 0;
    return sum;
}

static lac_status note_speed(run *r, json_t *line)
{
    struct rusage use;
    const double now = lac_seconds(), wait = waited(r), steps = (double)(r->step - r->last_log_step);
    const double seconds = now - r->last_log, images = (double)lac_config_int(r->config, "batch.global");
    getrusage(RUSAGE_SELF, &use);
    LAC_TRY(note(r, line, "speed.images_per_second", seconds > 0 ? steps * images / seconds : 0));
    LAC_TRY(note(r, line, "speed.gflops", seconds > 0 ? steps * (double)r->flops / seconds * 1e-9 : 0));
    LAC_TRY(note(r, line, "speed.loader_wait", seconds > 0 ? (wait - r->waited) / seconds : 0));
    LAC_TRY(note(r, line, "memory.peak_gb", (double)use.ru_maxrss * 1024e-9));
    r->last_log = now;
    r->last_log_step = r->step;
    r->waited = wait;
    return LAC_OK;
}

static json_t *new_line(const run *r)
{
    json_t *line = json_object();
    json_object_set_new(line, "step", json_integer(r->step));
    return line;
}

lac_status run_write_log(run *r)
{
    LAC_TRY(lac_trainer_settle(&r->trainer));
    if (!run_speaks(r))
        return LAC_OK;
    json_t *line = new_line(r);
    lac_status s = lac_log_number(line, "loss.total", lac_trainer_total(&r->trainer));
    if (s == LAC_OK)
        s = note_losses(r, line);
    if (s == LAC_OK)
        s = note_speed(r, line);
    if (s == LAC_OK)
        s = lac_log_write(r->log, line);
    json_decref(line);
    return s;
}

typedef lac_status with_network(run *r, const lac_inpainter *ip);

/* f with the averaged weights in place, where there are any. */
static lac_status with_averages(run *r, with_network *f)
{
    lac_inpainter ip = { 0 };
    LAC_TRY(lac_trainer_swap_ema(&r->trainer));
    if (r->trainer.recipe.def->inpainter != NULL)
        r->trainer.recipe.def->inpainter(&r->trainer.recipe, r->config, &ip);
    const lac_status s = lac_comm_agree(r->comm, f(r, &ip));
    LAC_TRY(s == LAC_ERR_TIMEOUT ? s : LAC_OK);
    const lac_status back = lac_trainer_swap_ema(&r->trainer);
    return s != LAC_OK ? s : back;
}

/* The pictures of a sample: what is known, what was made of it, the truth; of what is made anew, the picture and what was made of it. */
static int64_t shown_of(const lac_inpainter *ip) { return ip->def->whole ? 2 : 3; }

/* Sample i is for rank i mod size to make. */
static bool is_mine(const run *r, int64_t i) { return i % r->comm->size == r->comm->rank; }

static lac_status sample(run *r, const lac_inpainter *ip, const lac_image *truth, const lac_image *mask, const lac_ask *ask, bool mine,
                         lac_image *shown)
{
    LAC_TRY(lac_image_crop(&shown[0], truth, 0, 0, truth->height, truth->width));
    if (!ip->def->whole)
        lac_hole_grey(shown[0].pixels, mask->pixels, mask->height * mask->width);
    LAC_TRY(mine ? lac_inpaint(ip, r->painter, &shown[0], mask, ask, &shown[1]) : lac_image_new(&shown[1], truth->height, truth->width, 3));
    return ip->def->whole ? LAC_OK : lac_image_crop(&shown[2], truth, 0, 0, truth->height, truth->width);
}

/* Brings what the ranks made together. */
static lac_status gather_made(run *r, lac_image *shown, int64_t each_shown, int64_t n)
{
    const int64_t size = r->comm->size, each = (n + size - 1) / size;
    const size_t bytes = n > 0 ? (size_t)(shown[0].height * shown[0].width * 3) : 0;
    uint8_t *all;
    if (size == 1 || n == 0)
        return LAC_OK;
    LAC_TRY(lac_calloc((void **)&all, (size_t)(size * each), bytes));
    uint8_t *own = all + (size_t)(r->comm->rank * each) * bytes;
    for (int64_t i = r->comm->rank; i < n; i += size)
        memcpy(own + (size_t)(i / size) * bytes, shown[each_shown * i + 1].pixels, bytes);
    const lac_status s = r->comm->all_gather(r->comm, all, own, (size_t)each * bytes);
    for (int64_t i = 0; s == LAC_OK && i < n; i++)
        memcpy(shown[each_shown * i + 1].pixels, all + (size_t)(i % size * each + i / size) * bytes, bytes);
    free(all);
    return s;
}

static lac_status write_grid(run *r, const lac_image *shown, int64_t each_shown, int64_t n)
{
    char name[64], *path, *folder;
    lac_image sheet = { 0 };
    LAC_TRY(in_folder(r, "samples", &folder));
    lac_status s = lac_make_folders(folder);
    free(folder);
    LAC_TRY(s);
    snprintf(name, sizeof name, "samples/step-%06lld.png", (long long)r->step);
    LAC_TRY(in_folder(r, name, &path));
    s = lac_image_grid(&sheet, shown, n, n >= 4 * each_shown ? 4 * each_shown : n, 2);
    if (s == LAC_OK)
        s = lac_image_save_png(&sheet, path);
    if (s == LAC_OK && r->board != NULL)
        s = lac_tensorboard_image(r->board, r->step, "samples", &sheet);
    lac_image_free(&sheet);
    free(path);
    return s;
}

/* What an evaluation asks of the picture too: its prompt where the inpainter takes one, noise by the record. */
static lac_ask ask_of(const lac_inpainter *ip, const lac_eval_picture *p)
{
    return (lac_ask){ .prompt = ip->def->asks & LAC_ASK_PROMPT ? p->prompt : NULL, .sample = (uint32_t)p->record };
}

static lac_status make_samples(run *r, const lac_inpainter *ip, lac_eval_set *set, lac_image *shown, json_t *told)
{
    for (int64_t i = 0; i < lac_eval_set_count(set); i++) {
        lac_eval_picture p;
        LAC_TRY(lac_eval_set_picture(set, i, &p));
        const lac_ask ask = ask_of(ip, &p);
        const lac_image truth = { p.side, p.side, 3, (uint8_t *)p.pixels }, mask = { p.side, p.side, 1, (uint8_t *)p.mask };
        LAC_TRY(sample(r, ip, &truth, &mask, &ask, is_mine(r, i), shown + shown_of(ip) * i));
        json_array_append_new(told, json_pack("{s:s, s:s?}", "picture", p.name, "prompt", ask.prompt));
    }
    return LAC_OK;
}

/* Beside the grid, which pictures it shows and with which prompts, row by row; nothing for an inpainter that takes none. */
static lac_status write_prompts(run *r, const lac_inpainter *ip, const lac_eval_set *set, const json_t *told)
{
    char name[64], *path;
    const bool own = lac_eval_set_about(set).prompt == NULL;
    if (!(ip->def->asks & LAC_ASK_PROMPT))
        return LAC_OK;
    json_t *all = json_pack("{s:s, s:O}", "prompts", own ? "the records' own" : "data.eval.prompt", "pictures", told);
    char *text = json_dumps(all, JSON_INDENT(1));
    json_decref(all);
    if (text == NULL)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory: prompts of a grid");
    snprintf(name, sizeof name, "samples/step-%06lld.json", (long long)r->step);
    lac_status s = in_folder(r, name, &path);
    if (s == LAC_OK) {
        s = lac_file_write(path, text, strlen(text));
        free(path);
    }
    free(text);
    return s;
}

static lac_status fill_grid(run *r, const lac_inpainter *ip, lac_eval_set *set, lac_image *shown)
{
    const int64_t n = lac_eval_set_count(set);
    json_t *told = json_array();
    lac_status s = lac_comm_agree(r->comm, make_samples(r, ip, set, shown, told));
    if (s == LAC_OK)
        s = gather_made(r, shown, shown_of(ip), n);
    if (s == LAC_OK && run_speaks(r))
        s = write_grid(r, shown, shown_of(ip), shown_of(ip) * n);
    if (s == LAC_OK && run_speaks(r))
        s = write_prompts(r, ip, set, told);
    json_decref(told);
    return s;
}

static lac_status draw_samples(run *r, const lac_inpainter *ip)
{
    const int64_t images = lac_config_int(r->config, "sample.images");
    lac_eval_set *set = NULL;
    lac_image *shown = NULL;
    lac_status s = lac_eval_set_open(&set, lac_config_at(r->config, "data.eval"), images, r->hooks->locate, r->hooks->context);
    if (s == LAC_OK)
        s = lac_calloc((void **)&shown, (size_t)(shown_of(ip) * images), sizeof *shown);
    s = lac_comm_agree(r->comm, s);
    if (s == LAC_OK)
        s = fill_grid(r, ip, set, shown);
    for (int64_t i = 0; shown != NULL && i < shown_of(ip) * images; i++)
        lac_image_free(&shown[i]);
    free(shown);
    lac_eval_set_close(set);
    return s;
}

lac_status run_write_samples(run *r) { return lac_context(with_averages(r, draw_samples), "samples"); }

static lac_status keep_best(run *r, const lac_inpainter *ip, double score)
{
    char *path;
    if (!lac_config_bool(r->config, "validate.keep_best") || !isfinite(score) || (r->best_step > 0 && score >= r->best))
        return LAC_OK;
    r->best = score;
    r->best_step = r->step;
    if (!run_speaks(r))
        return LAC_OK;
    LAC_TRY(in_folder(r, "ckpt/best.safetensors", &path));
    const lac_status s = lac_inpainter_save(path, ip, LAC_F32);
    free(path);
    return s;
}

static lac_status validate(run *r, const lac_inpainter *ip)
{
    json_t *values = NULL, *line, *value;
    const char *key;
    char tag[96];
    double score;
    LAC_TRY(r->hooks->validate(r->hooks->context, ip, r->painter, r->config, r->comm, &values, &score));
    line = new_line(r);
    lac_status s = LAC_OK;
    json_object_foreach(values, key, value) {
        snprintf(tag, sizeof tag, "validate.%s", key);
        if (s == LAC_OK)
            s = note(r, line, tag, json_number_value(value));
    }
    if (s == LAC_OK && run_speaks(r))
        s = lac_log_write(r->log, line);
    if (s == LAC_OK)
        s = keep_best(r, ip, score);
    json_decref(line);
    json_decref(values);
    return s;
}

lac_status run_validate(run *r) { return lac_context(with_averages(r, validate), "validation"); }

/* ---- the recipe's own loss ---- */

static lac_status note_held_out(run *r, json_t *line, double loss[LAC_MAX_PHASES][LAC_MAX_LOSSES], double total)
{
    char key[96];
    double value[LAC_MAX_JUDGED];
    int n;
    LAC_TRY(lac_held_out_judge(r->held_out, value, &n));
    LAC_TRY(note(r, line, "validate.loss.total", total));
    for (int i = 0; i < n; i++) {
        snprintf(key, sizeof key, "validate.%s", r->trainer.recipe.def->judged[i]);
        LAC_TRY(note(r, line, key, value[i]));
        run_say(r, "step %lld: %s %.4g", (long long)r->step, r->trainer.recipe.def->judged[i], value[i]);
    }
    for (int p = 0; p < r->trainer.recipe.n_phases; p++)
        for (int i = 0; i < r->trainer.recipe.phase[p].n_losses; i++) {
            snprintf(key, sizeof key, "validate.loss.%s", r->trainer.recipe.phase[p].loss[i].name);
            if (!isnan(loss[p][i]))
                LAC_TRY(note(r, line, key, loss[p][i]));
        }
    return lac_log_write(r->log, line);
}

static lac_status validate_loss(run *r, const lac_inpainter *ip)
{
    double loss[LAC_MAX_PHASES][LAC_MAX_LOSSES], total;
    (void)ip;
    LAC_TRY(lac_held_out_run(r->held_out, loss, &total));
    if (!run_speaks(r))
        return LAC_OK;
    run_say(r, "step %lld: loss %.4g on %lld pictures of data.eval", (long long)r->step, total, (long long)lac_held_out_pictures(r->held_out));
    json_t *line = new_line(r);
    const lac_status s = note_held_out(r, line, loss, total);
    json_decref(line);
    return s;
}

lac_status run_validate_loss(run *r) { return lac_context(with_averages(r, validate_loss), "validation of the loss"); }

lac_status run_write_plans(const run *r)
{
    const lac_backend *b = r->trainer.recipe.backend;
    char *path;
    if (b->plans_write == NULL)
        return LAC_OK;
    LAC_TRY(in_folder(r, "plans.json", &path));
    const lac_status s = b->plans_write(path);
    free(path);
    return s;
}

/* The choices first: who goes on from the checkpoint finds those it was made with. */
static lac_status write_checkpoint(run *r, lac_state *s)
{
    char numbers[160], *folder;
    json_t *whole = lac_stages_json(r->stages);
    char *config = json_dumps(whole, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(whole);
    snprintf(numbers, sizeof numbers, "{\"best\":%.17g,\"best_step\":%lld}", r->best_step ? r->best : 0, (long long)r->best_step);
    const lac_checkpoint about = { .step = r->step, .stage = r->stage->name, .model = (char *)r->stage->recipe->name, .config = config,
                                   .numbers = numbers, .code = (char *)r->hooks->code };
    lac_status status = config != NULL ? run_write_plans(r) : LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
    if (status == LAC_OK)
        status = in_folder(r, "ckpt", &folder);
    if (status == LAC_OK) {
        status = lac_checkpoint_save(folder, &about, s, (int)lac_config_int(r->config, "checkpoint.keep"));
        free(folder);
    }
    free(config);
    return status;
}

lac_status run_save(run *r)
{
    lac_state s = { 0 };
    lac_status status = lac_trainer_state(&r->trainer, &s);
    if (status == LAC_OK)
        status = lac_comm_agree(r->comm, run_speaks(r) ? write_checkpoint(r, &s) : LAC_OK);
    lac_trainer_state_end(&r->trainer);
    lac_state_free(&s);
    return status;
}
