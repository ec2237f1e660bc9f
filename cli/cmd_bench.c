/* lacuna bench: the training step of a config on random pictures, and the kernels of single ops, beside what the machine can do; and an
 * estimate of that step on many GPUs. */
#include "cli/commands.h"

#include "autograd/ops/activation/activation.h"
#include "autograd/ops/backend_cpu.h"
#include "autograd/ops/contextual_attention/contextual_attention.h"
#include "autograd/ops/conv2d/conv2d.h"
#include "autograd/ops/gate/gate.h"
#include "cli/bench_scaling.h"
#include "cli/lua_host.h"
#include "cli/options.h"
#include "core/comm/comm.h"
#include "core/cpu/features.h"
#include "core/cpu/peak.h"
#include "core/memory.h"
#include "core/philox.h"
#include "core/threads.h"
#include "train/run.h"
#include "train/step.h"
#include "train/timing.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct bench_options { const char *precision; int64_t size, batch, steps; lac_scaling_options scaling; } bench_options;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static lac_status say_machine(lac_peak *p)
{
    LAC_TRY(lac_peak_measure(p));
    printf("%s, %d threads: copies %.1f GB/s, f32 multiply-adds %.0f GFLOP/s\n", lac_cpu_model(), lac_threads(), p->copy_gbs, p->fma_gflops);
    return LAC_OK;
}

static void print_row(const lac_timing *t, lac_op op, bool backward, const char *shape, double total)
{
    const lac_op_time *of = &t->of[op][backward];
    printf("%-22s %-8s %-26s %10.3f %6.1f%% %8.1f %9.1f\n", lac_op_name(op), backward ? "backward" : "forward", shape, 1e3 * of->seconds,
           100 * of->seconds / total, 1e-9 * (double)of->bytes / of->seconds, 1e-9 * (double)of->flops / of->seconds);
}

static void print_heading(const char *shape) { printf("%-22s %-8s %-26s %10s %7s %8s %9s\n", "op", "", shape, "ms", "share", "GB/s", "GFLOP/s"); }

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
    snprintf(text, sizeof text, "precision=%.20s", o->precision ? o->precision : "");
    return s == LAC_OK && o->precision ? lac_experiment_override(e, text) : s;
}

static lac_status random_batch(lac_batch *b, int64_t n, int64_t size)
{
    lac_stream s = lac_stream_at(1, lac_purpose("bench"), 0, 0);
    b->n = n;
    b->n_fields = 2;
    for (int i = 0; i < 2; i++) {
        lac_tensor *x;
        LAC_TRY(lac_tensor_new(&x, LAC_U8, 4, (int64_t[]){ n, size, size, i ? 1 : 3 }));
        b->field[i] = (lac_field){ .name = i ? "mask" : "image", .tensor = *x };
        free(x);                                /* its data lives on in the field */
        uint8_t *v = b->field[i].tensor.data;
        for (int64_t k = 0; i == 0 && k < n * size * size * 3; k++)
            v[k] = (uint8_t)lac_stream_word(&s);
        for (int64_t k = 0; i == 1 && k < n * size * size; k++)
            v[k] = k / size % size >= size / 4 && k / size % size < 3 * size / 4 && k % size >= size / 4 && k % size < 3 * size / 4;
    }
    return LAC_OK;
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
    const int64_t warm = t->recipe.backend->queue != NULL ? 3 : 1;      /* the first makes plans and packs weights; a GPU captures the second */
    for (int64_t i = -warm; i < n; i++) {
        const double start = now();
        LAC_TRY(lac_trainer_step(t, i + warm, all, NULL));
        LAC_TRY(lac_trainer_settle(t));
        if (i >= 0)
            seconds[i] = now() - start;
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
    const double start = now();
    lac_status s = lac_trainer_step(t, 0, all, NULL);
    if (s == LAC_OK)
        s = lac_trainer_settle(t);
    *total = now() - start;
    lac_timing_stop(t->tape);
    return s;
}

static void print_table(const lac_timing *timing, double total)
{
    lac_op op;
    bool backward;
    print_heading("");
    for (int k = 0; lac_timing_at(timing, k, &op, &backward); k++)
        print_row(timing, op, backward, "", total);
    printf("%-58s %10.3f %6.1f%%\n", "no kernel of an op: optimizers, sums, host", 1e3 * (total - lac_timing_seconds(timing)),
           100 * (1 - lac_timing_seconds(timing) / total));
}

/* A step of a config as it was found here. */
typedef struct measured {
    double *seconds, total;                     /* of each step, sorted; of the one that `kernels` is of */
    int64_t n_steps, peak, flops;
    lac_timing kernels;
} measured;

static lac_status measure(lac_trainer *t, const json_t *config, measured *m)
{
    lac_batch batch = { 0 };
    lac_status s = random_batch(&batch, lac_config_int(config, "batch.global"), t->recipe.size);
    if (s == LAC_OK)
        s = lac_trainer_cost(t, &m->peak, &m->flops);
    if (s == LAC_OK)
        s = lac_calloc((void **)&m->seconds, (size_t)m->n_steps, sizeof *m->seconds);
    if (s == LAC_OK)
        s = time_steps(t, &batch, m->n_steps, m->seconds);
    if (s == LAC_OK) {
        qsort(m->seconds, (size_t)m->n_steps, sizeof *m->seconds, by_value);
        s = time_kernels(t, &batch, &m->kernels, &m->total);
    }
    for (int i = 0; i < 2; i++)
        free(batch.field[i].tensor.data);
    return s;
}

static lac_status report_step(lac_trainer *t, const json_t *config, const bench_options *o)
{
    static measured m;
    lac_peak peak;
    m.n_steps = o->steps;
    LAC_TRY(say_machine(&peak));
    const lac_status s = measure(t, config, &m);
    if (s == LAC_OK) {
        const long long n = (long long)lac_config_int(config, "batch.global"), size = (long long)t->recipe.size;
        const double median = m.seconds[m.n_steps / 2];
        printf("%lld pictures of %lldx%lld, %s: %.1f ms a step (%.1f to %.1f, %lld steps), %.2f images/s, %.0f GFLOP/s, %.1f MB of activations at most\n",
               n, size, size, lac_dtype_name(t->recipe.dtype), 1e3 * median, 1e3 * m.seconds[0], 1e3 * m.seconds[m.n_steps - 1],
               (long long)m.n_steps, (double)n / median, 1e-9 * (double)m.flops / median, 1e-6 * (double)m.peak);
        print_table(&m.kernels, m.total);
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
        parameters += lac_params_numel(t->recipe.phase[p].trains);
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

/* An op at one shape: inputs of random numbers, weights among them, and its attribute. */
typedef struct op_case {
    lac_op op;
    const void *attr;
    const char *about;
    int n_in;
    lac_shape in[3];
    bool mask_last;                             /* the last input is f32 and gets no gradient: a box of ones */
    lac_dtype dtype;
    lac_tensor *host[3];
} op_case;

static const lac_conv2d_attr conv3 = { { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, 1, LAC_ACT_NONE }, conv5 = { { 2, 2 }, { 1, 1 }, { 1, 2, 1, 2 }, 1, LAC_ACT_NONE };
static const lac_conv2d_attr dilated = { { 1, 1 }, { 4, 4 }, { 4, 4, 4, 4 }, 1, LAC_ACT_NONE };
static const lac_gate_attr gate1 = { LAC_ACT_ELU, 1 }, gate2 = { LAC_ACT_ELU, 2 };
static const lac_activation_attr leaky = { LAC_ACT_LEAKY };
static const lac_contextual_attention_attr attention = { .ksize = 3, .rate = 2, .fuse = true, .softmax_scale = 10 };

/* As DeepFill v2 meets them: batch 4, 256x256, cnum 48. */
static const op_case cases[] = {
    { LAC_OP_conv2d, &conv3, "48->96 k3 128x128", 2, { { 4, { 4, 128, 128, 48 } }, { 4, { 96, 3, 3, 48 } } }, false, 0, { NULL } },
    { LAC_OP_conv2d, &conv3, "96->192 k3 64x64", 2, { { 4, { 4, 64, 64, 96 } }, { 4, { 192, 3, 3, 96 } } }, false, 0, { NULL } },
    { LAC_OP_conv2d, &dilated, "96->192 k3 64x64 dilated 4", 2, { { 4, { 4, 64, 64, 96 } }, { 4, { 192, 3, 3, 96 } } }, false, 0, { NULL } },
    { LAC_OP_conv2d, &conv5, "128->256 k5 64x64 stride 2", 2, { { 4, { 8, 64, 64, 128 } }, { 4, { 256, 5, 5, 128 } } }, false, 0, { NULL } },
    { LAC_OP_gate, &gate1, "48 256x256", 1, { { 4, { 4, 256, 256, 48 } } }, false, 0, { NULL } },
    { LAC_OP_gate, &gate2, "96 128x128 upsampled", 1, { { 4, { 4, 128, 128, 96 } } }, false, 0, { NULL } },
    { LAC_OP_activation, &leaky, "64 128x128 leaky", 1, { { 4, { 8, 128, 128, 64 } } }, false, 0, { NULL } },
    { LAC_OP_contextual_attention, &attention, "96 64x64", 3, { { 4, { 4, 64, 64, 96 } }, { 0, { 0 } }, { 4, { 1, 64, 64, 1 } } }, true, 0, { NULL } },
};

static lac_status random_inputs(op_case *c)
{
    lac_stream s = lac_stream_at(1, lac_purpose("bench"), 0, 0);
    for (int i = 0; i < c->n_in; i++) {
        const bool mask = c->mask_last && i == c->n_in - 1;
        const lac_shape *shape = &c->in[i];
        if (shape->ndim == 0)
            continue;
        LAC_TRY(lac_tensor_new(&c->host[i], mask ? LAC_F32 : c->dtype, shape->ndim, shape->dim));
        const size_t element = lac_dtype_size(c->host[i]->dtype);
        for (int64_t k = 0; k < lac_numel(c->host[i]); k++) {
            const int64_t w = shape->dim[2], x = k % w, y = k / w % shape->dim[1];
            const float v = mask ? (float)(x >= w / 4 && x < 3 * w / 4 && y >= w / 4 && y < 3 * w / 4) : 2 * lac_stream_uniform(&s) - 1;
            lac_from_f32((char *)c->host[i]->data + (size_t)k * element, c->host[i]->dtype, &v, 1);
        }
    }
    return LAC_OK;
}

/* Forward and backward, all gradients asked for; the gradient handed in is the output. */
static lac_status both_ways(lac_tape *t, void *context)
{
    const op_case *c = context;
    lac_tensor *in[LAC_MAX_IN] = { NULL }, *out[LAC_MAX_OUT], *wanted[3], *g[3];
    int n = 0;
    for (int i = 0; i < c->n_in; i++)
        if (c->host[i] != NULL) {
            in[i] = lac_tape_input(t, c->host[i], c->host[i]->dtype);
            if (c->mask_last && i == c->n_in - 1)
                continue;
            lac_tape_watch(t, in[i]);
            wanted[n++] = in[i];
        }
    lac_apply_n(t, c->op, c->attr, in, out);
    LAC_TRY(lac_tape_status(t));
    return lac_grad(t, &(lac_root){ .y = out[0], .gy = out[0] }, 1, wanted, n, g);
}

static lac_status bench_one(lac_tape *t, op_case *c, int64_t repeats)
{
    static lac_timing timing;
    char signature[64];
    snprintf(signature, sizeof signature, "%s %s %s", lac_op_name(c->op), lac_dtype_name(c->dtype), c->about);
    lac_status s = random_inputs(c);
    if (s == LAC_OK)
        s = lac_tape_run(t, signature, both_ways, c);
    lac_timing_start(&timing, t);
    for (int64_t i = 0; s == LAC_OK && i < repeats; i++)
        s = lac_tape_run(t, signature, both_ways, c);
    lac_timing_stop(t);
    for (int i = 0; i < c->n_in; i++)
        lac_tensor_free(c->host[i]);
    char shape[64];
    snprintf(shape, sizeof shape, "%s %s", c->about, lac_dtype_name(c->dtype));
    const double total = lac_timing_seconds(&timing);
    for (int backward = 0; s == LAC_OK && backward < 2; backward++)
        print_row(&timing, c->op, backward, shape, total);
    return s;
}

static lac_status bench_ops(const bench_options *o)
{
    const lac_backend *b;
    lac_tape *t = NULL;
    lac_peak peak;
    int chosen = 0;
    LAC_TRY(lac_options_choose("precision", o->precision ? o->precision : "f32", (const char *const[]){ "f32", "bf16" }, 2, &chosen));
    LAC_TRY(lac_backend_cpu_register());
    LAC_TRY(lac_backend_get(&b, "cpu"));
    LAC_TRY(say_machine(&peak));
    LAC_TRY(lac_tape_new(&t, b));
    lac_status s = LAC_OK;
    print_heading("");
    for (size_t i = 0; s == LAC_OK && i < LAC_COUNT(cases); i++) {
        op_case c = cases[i];
        c.dtype = chosen ? LAC_BF16 : LAC_F32;
        s = bench_one(t, &c, o->steps);
    }
    lac_tape_free(t);
    return s;
}

static lac_status bench(const lac_words *words, const bench_options *o)
{
    static const char *const kinds[] = { "step", "ops", "scaling" };
    int kind;
    LAC_TRY(lac_options_choose("benchmark", words->word[0], kinds, 3, &kind));
    if (o->steps < 1)
        return LAC_FAIL(LAC_ERR_ARG, "--steps wants 1 or more, got %lld", (long long)o->steps);
    if (kind == 1 && (words->n > 1 || o->size != 0 || o->batch != 0))
        return LAC_FAIL(LAC_ERR_ARG, "lacuna bench ops takes no config, --size or --batch");
    if (kind != 2 && memcmp(&o->scaling, &lac_scaling_defaults, sizeof o->scaling) != 0)
        return LAC_FAIL(LAC_ERR_ARG, "--step-ms and what follows it in --help belong to lacuna bench scaling");
    return kind == 1 ? bench_ops(o) : with_trainer(words, o, kind == 0 ? report_step : report_scaling);
}

int lac_cmd_bench(int argc, char **argv)
{
    bench_options o = { NULL, 0, 0, 5, lac_scaling_defaults };
    const lac_option options[] = {
        { "precision", 0, "P", LAC_OPTION_STRING, &o.precision, "f32 or bf16; else what the config says, f32 without one" },
        { "size", 0, "N", LAC_OPTION_INT, &o.size, "pictures of NxN (step, scaling)" },
        { "batch", 0, "N", LAC_OPTION_INT, &o.batch, "pictures a step, all at once (step, scaling: on each GPU)" },
        { "steps", 0, "N", LAC_OPTION_INT, &o.steps, "how often each is timed (5)" },
        LAC_SCALING_OPTIONS(o.scaling),
        { NULL },
    };
    const lac_command command = { "lacuna bench", "step|ops|scaling [CONFIG.lua]", 1, 2,
        "step: the training step of a config on random pictures, by default DeepFill v2 of cnum 48, batch 4, 256x256.\n"
        "ops: kernels at shapes of that step. Both print what the machine can copy and multiply beside them.\n"
        "scaling: an estimate of that step's efficiency on 8 to 1024 GPUs, from its time on one (measured here, or --step-ms) and from\n"
        "the links; docs/clusters.md has the formulas.", options };
    lac_words words = { NULL, 0 };
    bool go;
    lac_status s = lac_options_begin(&command, argc, argv, &words, &go);
    if (go)
        s = bench(&words, &o);
    lac_words_free(&words);
    return lac_finish(s);
}
