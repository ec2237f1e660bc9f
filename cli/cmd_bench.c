/* lacuna bench: the training step of a config on random pictures, and the kernels of single ops, beside what the machine can do; an estimate of that
 * step on many GPUs; and inpainters beside each other. */
#include "cli/commands.h"

#include "autograd/ops/backend_cpu.h"
#include "cli/bench_inpaint.h"
#include "cli/bench_ops.h"
#include "cli/bench_scaling.h"
#include "cli/lua_host.h"
#include "cli/options.h"
#include "core/clock.h"
#include "core/comm/comm.h"
#include "core/memory.h"
#include "core/philox.h"
#include "train/run.h"
#include "train/step.h"
#include "train/timing.h"

#include <stdlib.h>
#include <string.h>

enum { UNSET = -1 };            /* --steps, of which each kind has its own */

typedef struct bench_options { const char *precision, *device; int64_t size, batch, steps; lac_scaling_options scaling; lac_bench_inpaint_options inpaint; } bench_options;

/* The config's own keys, or those of DeepFill v2 at its published size, with what the command line says on top. */
static lac_status read_config(lac_experiment *e, const lac_words *words, const bench_options *o)
{
    char text[64];
    lac_status s = LAC_OK;
    if (words->n > 1)
        s = lac_experiment_open(e, words->word[1]);
    else {
        e->lines = json_object();               /* where overrides are noted */
        e->config = json_pack("{s:s,s:s,s:i,s:s,s:{s:i},s:{s:{s:i}},s:{s:{s:f},s:{s:f}}}", "name", "bench", "recipe", "deepfill", "steps", 1, "precision", "f32",
                              "batch", "global", 4, "data", "train", "size", 256, "optim", "generator", "lr", 1e-4, "discriminator", "lr", 1e-4);
    }
    if (s == LAC_OK && words->n == 1 && (e->config == NULL || e->lines == NULL))
        s = LAC_FAIL(LAC_ERR_MEM, "out of memory: bench");
    const struct { const char *format; int64_t value; } number[] = {
        { "data.train.size=%lld", o->size }, { "batch.global=%lld", o->batch }, { "batch.micro=%lld", o->batch } };
    for (size_t i = 0; s == LAC_OK && i < LAC_COUNT(number); i++)
        if (number[i].value > 0) {
            snprintf(text, sizeof text, number[i].format, (long long)number[i].value);
            s = lac_experiment_override(e, text);
        }
    const struct { const char *key, *value; } word[] = { { "precision", o->precision }, { "device", o->device } };
    for (size_t i = 0; s == LAC_OK && i < LAC_COUNT(word); i++)
        if (word[i].value != NULL) {
            snprintf(text, sizeof text, "%s=%.20s", word[i].key, word[i].value);
            s = lac_experiment_override(e, text);
        }
    return s;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static lac_status time_steps(lac_trainer *t, const lac_batch *batch, int64_t n, double *seconds)
{
    const lac_batch *all[LAC_MAX_PHASES];
    for (int p = 0; p < LAC_MAX_PHASES; p++)
        all[p] = batch;
    /* The first makes plans and packs weights; a GPU captures the second, and then runs on behind the host: 20 of its steps are timed as one. */
    const bool queue = t->recipe.backend->queue != NULL;
    const int64_t warm = queue ? 3 : 1, together = queue ? 20 : 1;
    int64_t step = 0;
    for (int64_t i = -warm; i < n; i++) {
        const double start = lac_seconds();
        for (int64_t k = 0; k < (i < 0 ? 1 : together); k++)
            LAC_TRY(lac_trainer_step(t, step++, all, NULL));
        LAC_TRY(lac_trainer_settle(t));
        if (i >= 0)
            seconds[i] = (lac_seconds() - start) / (double)together;
    }
    return LAC_OK;
}

/* One step more, kernel by kernel. */
static lac_status time_kernels(lac_trainer *t, const lac_batch *batch, lac_timing *timing, double *total)
{
    const lac_batch *all[LAC_MAX_PHASES];
    for (int p = 0; p < LAC_MAX_PHASES; p++)
        all[p] = batch;
    lac_timing_start(timing, t->tape);
    const double start = lac_seconds();
    lac_status s = lac_trainer_step(t, 0, all, NULL);
    if (s == LAC_OK)
        s = lac_trainer_settle(t);
    *total = lac_seconds() - start;
    lac_timing_stop(t->tape);
    return s;
}

static void print_table(const lac_timing *timing, double total, const lac_peaks *peaks)
{
    lac_op op;
    bool backward;
    lac_bench_heading();
    for (int k = 0; lac_timing_at(timing, k, &op, &backward); k++) {
        const lac_op_time *of = &timing->of[op][backward];
        lac_bench_row_print(&(lac_bench_row){ .name = lac_op_name(op), .way = backward ? "backward" : "forward", .shape = "", .seconds = of->seconds,
                                              .total = total, .bytes = of->bytes, .flops = of->flops }, peaks);
    }
    printf("%-72s %10.3f %6.1f%%\n", "no kernel of an op: optimizers, sums, host", 1e3 * (total - lac_timing_seconds(timing)),
           100 * (1 - lac_timing_seconds(timing) / total));
}

/* A step of a config as it was found here. */
typedef struct measured {
    double *seconds, total;                     /* of each step, sorted; of the one that `kernels` is of */
    int64_t n_steps;
    lac_plan_stats cost;
    lac_timing kernels;
} measured;

static lac_status measure(lac_trainer *t, const json_t *config, measured *m)
{
    lac_batch batch = { 0 };
    lac_status s = lac_batch_random(&batch, &(lac_loader_config){ .fields = t->recipe.fields, .latent = { t->recipe.latents[0].one, t->recipe.latents[1].one }, .view.size = t->recipe.size, .seed = 1,
                                                                  .count = lac_config_int(config, "batch.global") }, 0);
    if (s == LAC_OK)
        s = lac_trainer_cost(t, &m->cost);
    if (s == LAC_OK)
        s = lac_calloc((void **)&m->seconds, (size_t)m->n_steps, sizeof *m->seconds);
    if (s == LAC_OK)
        s = time_steps(t, &batch, m->n_steps, m->seconds);
    if (s == LAC_OK) {
        qsort(m->seconds, (size_t)m->n_steps, sizeof *m->seconds, by_value);
        s = time_kernels(t, &batch, &m->kernels, &m->total);
    }
    lac_batch_free(&batch);
    return s;
}

static lac_status report_step(lac_trainer *t, const json_t *config, const bench_options *o)
{
    static measured m;
    lac_peaks peaks;
    m.n_steps = o->steps;
    LAC_TRY(lac_bench_machine(t->recipe.backend, t->recipe.dtype, &peaks));
    const lac_status s = measure(t, config, &m);
    if (s == LAC_OK) {
        const long long n = (long long)lac_config_int(config, "batch.global"), size = (long long)t->recipe.size;
        const double median = m.seconds[m.n_steps / 2];
        printf("%lld pictures of %lldx%lld, %s: %.1f ms a step (%.1f to %.1f, %lld steps), %.2f images/s, %.0f GFLOP/s, %.1f MB of activations at most (%.1f%% over what is alive at once)\n",
               n, size, size, lac_dtype_name(t->recipe.dtype), 1e3 * median, 1e3 * m.seconds[0], 1e3 * m.seconds[m.n_steps - 1],
               (long long)m.n_steps, (double)n / median, 1e-9 * (double)m.cost.flops / median, 1e-6 * (double)m.cost.peak_bytes,
               100 * ((double)m.cost.peak_bytes / (double)m.cost.lower_bound_bytes - 1));
        print_table(&m.kernels, m.total, &peaks);
    }
    free(m.seconds);
    return s;
}

/* Shares of the step, as its kernels say: forward, backward, and what is no kernel of an op. */
static lac_status measure_shares(lac_trainer *t, const json_t *config, int64_t n_steps, lac_scaling_options *o)
{
    static measured m;
    m.n_steps = n_steps;
    const lac_status s = measure(t, config, &m);
    double backward = 0;
    for (int op = 0; op < LAC_N_OPS; op++)
        backward += m.kernels.of[op][1].seconds;
    if (s == LAC_OK) {
        o->step_ms = 1e3 * m.seconds[n_steps / 2];
        o->backward = backward / m.total;
        o->optimizer = 1 - lac_timing_seconds(&m.kernels) / m.total;
    }
    free(m.seconds);
    return s;
}

static lac_status report_scaling(lac_trainer *t, const json_t *config, const bench_options *options)
{
    char how[200];
    lac_scaling_options o = options->scaling;
    const bool given = o.step_ms > 0;
    int64_t parameters = 0;
    LAC_TRY(lac_scaling_check(&o));
    if (o.bucket_mib == 0)
        o.bucket_mib = lac_config_num(config, "comm.bucket");
    if (!given)
        LAC_TRY(measure_shares(t, config, options->steps, &o));
    for (int p = 0; p < t->recipe.n_phases; p++)
        for (int i = 0; i < t->recipe.phase[p].trains.n; i++)
            parameters += lac_params_numel(t->recipe.phase[p].trains.ps[i]);
    snprintf(how, sizeof how, given ? "given" : "measured here on %s in %s", t->recipe.backend->name, lac_dtype_name(t->recipe.dtype));
    lac_scaling_print(stdout, &o, lac_config_str(config, "name"), how, lac_config_int(config, "batch.global"), parameters);
    return LAC_OK;
}

/* Opens the config's trainer, on one rank, for one of the two above. */
static lac_status with_trainer(const lac_words *words, const bench_options *o,
                               lac_status (*then)(lac_trainer *t, const json_t *config, const bench_options *o))
{
    lac_experiment e = { 0 };
    lac_stages stages = { 0 };
    lac_trainer t = { 0 };
    lac_comm *comm = NULL;
    const lac_backend *b;
    lac_dtype d;
    lac_status s = read_config(&e, words, o);
    if (s == LAC_OK)
        s = lac_stages_resolve(&stages, e.config, lac_experiment_where, &e);
    if (s == LAC_OK)
        s = lac_run_device(stages.stage[0].config, &b, &d);
    if (s == LAC_OK)
        s = lac_comm_alone(&comm);
    if (s == LAC_OK)
        s = lac_trainer_open(&t, stages.stage[0].recipe, stages.stage[0].config, stages.stage[0].name, b, d, comm);
    if (s == LAC_OK)
        s = then(&t, stages.stage[0].config, o);
    lac_trainer_close(&t);
    lac_comm_free(comm);
    lac_stages_free(&stages);
    lac_experiment_free(&e);
    return s;
}

static lac_status bench_ops(const lac_words *words, const bench_options *o)
{
    const lac_backend *b;
    int chosen = 0;
    LAC_TRY(lac_options_choose("precision", o->precision ? o->precision : "f32", (const char *const[]){ "f32", "bf16" }, 2, &chosen));
    LAC_TRY(lac_backend_cpu_register());
    LAC_TRY(lac_backend_get(&b, o->device ? o->device : "cpu"));
    return lac_bench_ops(b, chosen ? LAC_BF16 : LAC_F32, words->n > 1 ? words->word[1] : NULL, o->steps);
}

/* The options that are the others' too, in its place. */
static lac_status bench_inpaint(const lac_words *words, const bench_options *o)
{
    const lac_words models = { words->word + 1, words->n - 1 };
    lac_bench_inpaint_options own = o->inpaint;
    char steps[24];
    snprintf(steps, sizeof steps, "%lld", (long long)o->steps);
    own.how.device = o->device != NULL ? o->device : "auto";
    own.how.precision = o->precision != NULL ? o->precision : "auto";
    own.how.steps = o->steps != UNSET ? steps : NULL;
    own.size = o->size != 0 ? o->size : 512;
    own.batch = o->batch != 0 ? o->batch : 1;
    return lac_bench_inpaint(&models, &own, stdout);
}

static bool says_inpaint(const lac_bench_inpaint_options *o)
{
    return o->rounds != 5 || o->prompt != NULL || o->out != NULL || o->paced || o->how.guidance != NULL || o->how.set.n > 0;
}

static lac_status bench(const lac_words *words, bench_options *o)
{
    static const char *const kinds[] = { "step", "ops", "scaling", "inpaint" };
    enum { STEP, OPS, SCALING, INPAINT };
    int kind;
    LAC_TRY(lac_options_choose("benchmark", words->word[0], kinds, 4, &kind));
    if (kind != SCALING && memcmp(&o->scaling, &lac_scaling_defaults, sizeof o->scaling) != 0)
        return LAC_FAIL(LAC_ERR_ARG, "--step-ms and what follows it in --help belong to lacuna bench scaling");
    if (kind == INPAINT)
        return bench_inpaint(words, o);
    if (says_inpaint(&o->inpaint) || words->n > 2)
        return LAC_FAIL(LAC_ERR_ARG, "several models, --rounds, --prompt, --guidance, --setting, --out and --paced belong to lacuna bench inpaint");
    o->steps = o->steps != UNSET ? o->steps : 5;
    if (o->steps < 1)
        return LAC_FAIL(LAC_ERR_ARG, "--steps wants 1 or more, got %lld", (long long)o->steps);
    if (kind == OPS && (o->size != 0 || o->batch != 0))
        return LAC_FAIL(LAC_ERR_ARG, "lacuna bench ops takes no --size or --batch");
    return kind == OPS ? bench_ops(words, o) : with_trainer(words, o, kind == STEP ? report_step : report_scaling);
}

int lac_cmd_bench(int argc, char **argv)
{
    bench_options o = { .steps = UNSET, .scaling = lac_scaling_defaults, .inpaint = { .rounds = 5 } };
    const lac_option options[] = {
        { "precision", 0, "P", LAC_OPTION_STRING, &o.precision, "f32 or bf16; else what the config says, f32 without one" },
        { "device", 0, "NAME", LAC_OPTION_STRING, &o.device, "auto, cpu or cuda; else what the config says (ops: cpu)" },
        { "size", 0, "N", LAC_OPTION_INT, &o.size, "pictures of NxN (step, scaling; inpaint: 512)" },
        { "batch", 0, "N", LAC_OPTION_INT, &o.batch, "pictures a step, all at once (step, scaling: on each GPU; inpaint: 1)" },
        { "steps", 0, "N", LAC_OPTION_INT, &o.steps, "how often each is timed (5); inpaint: steps of the samplers (as the models say)" },
        { "rounds", 0, "N", LAC_OPTION_INT, &o.inpaint.rounds, "how often each model takes its turn (5; inpaint, as the next five)" },
        { "prompt", 0, "TEXT", LAC_OPTION_STRING, &o.inpaint.prompt, "what all are told to paint" },
        { "guidance", 0, "X", LAC_OPTION_STRING, &o.inpaint.how.guidance, "how much it counts; 1: without guidance" },
        { "setting", 0, "KEY=VALUE", LAC_OPTION_MULTIPLE, &o.inpaint.how.set, "any other key of the models' sampling" },
        { "out", 'o', "FILE", LAC_OPTION_STRING, &o.inpaint.out, "the times as JSON" },
        { "paced", 0, NULL, LAC_OPTION_FLAG, &o.inpaint.paced, "before the kernels are timed, and before each round, a line is read from stdin" },
        LAC_SCALING_OPTIONS(o.scaling),
        { NULL },
    };
    const lac_command command = { "lacuna bench", "step|ops|scaling|inpaint [CONFIG.lua|OP|MODEL...]", 1, -1,
        "step: the training step of a config on random pictures, by default DeepFill v2 of cnum 48, batch 4, 256x256.\n"
        "ops: every op at shapes of that step and of SD 1.x's UNet, or one OP's, 'update' being the optimizer's pass. Both print bytes and FLOP a second as shares of what the device can copy and multiply\n"
        "just then; on a GPU by its own clock, calls captured and replayed (the table of a step: call by call, each waited for).\n"
        "scaling: an estimate of that step's efficiency on 8 to 1024 GPUs, from its time on one (measured here, or --step-ms) and from\n"
        "the links; docs/clusters.md has the formulas.\n"
        "inpaint: seconds a picture of MODELs (runs, weights, or JSON files {inpainter, networks, config, tokenizer} whose weights are drawn), which take turns; ratios to the first\n"
        "round by round, and where the time goes, by network.", options };
    lac_words words = { NULL, 0 };
    bool go;
    lac_status s = lac_options_begin(&command, argc, argv, &words, &go);
    if (go)
        s = bench(&words, &o);
    lac_words_free(&o.inpaint.how.set);
    lac_words_free(&words);
    return lac_finish(s);
}
