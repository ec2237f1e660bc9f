/* Samplers against diffusers in double, step by step; that they stop and go on; levels; schedules' published values. */
#include "autograd/ops/backend_cpu.h"
#include "core/file/weights.h"
#include "models/diffusion/guidance.h"
#include "models/diffusion/objective.h"
#include "models/diffusion/sampler.h"
#include "models/diffusion/timesteps.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdlib.h>

enum { EACH = 4, CALLS = 17 };

typedef struct bench { lac_tape *t; lac_weights *w; json_t *cases; lac_tensor *sample, *output, *variance, *noise, *timesteps, *samples; } bench;

static lac_tensor *read(lac_weights *w, const char *name)
{
    lac_tensor *x;
    const int64_t i = lac_weights_find(w, name);
    LAC_CHECK(i >= 0);
    const lac_shape s = lac_weights_shape(w, i);
    LAC_CHECK_STATUS(lac_tensor_new(&x, LAC_F32, s.ndim, s.dim));
    LAC_CHECK_STATUS(lac_weights_read_f32(w, i, x->data));
    return x;
}

static void begin(bench *b)
{
    const lac_backend *cpu;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    LAC_CHECK_STATUS(lac_tape_new(&b->t, cpu));
    LAC_CHECK_STATUS(lac_weights_open(&b->w, lac_test_golden("samplers.safetensors")));
    b->cases = json_load_file(lac_test_golden("samplers.json"), 0, NULL);
    LAC_CHECK(json_array_size(b->cases) > 200);
    b->sample = read(b->w, "sample");
    b->output = read(b->w, "output");
    b->variance = read(b->w, "variance");
    b->noise = read(b->w, "noise");
    b->timesteps = read(b->w, "timesteps");
    b->samples = read(b->w, "samples");
}

static void end(bench *b)
{
    lac_tensor *const all[] = { b->sample, b->output, b->variance, b->noise, b->timesteps, b->samples };
    for (size_t i = 0; i < LAC_COUNT(all); i++)
        lac_tensor_free(all[i]);
    json_decref(b->cases);
    lac_weights_close(b->w);
    lac_tape_free(b->t);
}

static lac_tensor *copy_of(const lac_tensor *x)
{
    lac_tensor *y;
    LAC_CHECK_STATUS(lac_tensor_new(&y, LAC_F32, x->ndim, x->dim));
    memcpy(y->data, x->data, lac_bytes(x));
    return y;
}

typedef struct region { const bench *b; const lac_sampler *s; lac_sampler_state *st; bool silent, untold; } region;

static lac_tensor part(const bench *b, const lac_tensor *x, int64_t k)
{
    lac_tensor y = *b->sample;
    y.data = (float *)x->data + k * EACH;
    return y;
}

static lac_status one_step(lac_tape *t, void *context)
{
    const region *r = context;
    const lac_tensor output = part(r->b, r->b->output, r->st->k), noise = part(r->b, r->b->noise, r->st->k), said = part(r->b, r->b->variance, r->st->k);
    lac_sampler_input(t, r->s, r->st);
    lac_tensor *n = lac_sampler_draws(r->s, r->st->k) && !r->silent ? lac_tape_input(t, &noise, LAC_F32) : NULL;
    lac_tensor *variance = lac_sampler_learns_variance(r->s) && !r->untold ? lac_tape_input(t, &said, LAC_F32) : NULL;
    return lac_sampler_keep(t, r->st, lac_sampler_step(t, r->s, r->st, lac_tape_input(t, &output, LAC_F32), variance, n));
}

static void step(const bench *b, const lac_sampler *s, lac_sampler_state *st)
{
    char pattern[256];
    region r = { b, s, st, false, false };
    lac_sampler_pattern(s, st->k, pattern, sizeof pattern);
    LAC_CHECK_STATUS(lac_tape_run(b->t, pattern, one_step, &r));        /* steps of one pattern share a plan, whatever the sampler */
    lac_sampler_next(st);
}

static double gap_of(const lac_sampler_state *st, const float *want) { return lac_gap(st->slot[LAC_SLOT_SAMPLE]->data, want, EACH); }

static void follow(const bench *b, const json_t *line)
{
    lac_sampler s;
    lac_sampler_state st;
    const int64_t at = json_integer_value(json_object_get(line, "at"));
    LAC_CHECK_STATUS(lac_sampler_open(&s, json_object_get(line, "config")));
    lac_sampler_begin(&s, &st, copy_of(b->sample));
    LAC_CHECK(fabs(s.init_sigma / json_number_value(json_object_get(line, "sigma")) - 1) < 1e-12);
    double worst = 0;
    while (st.k < s.n) {
        const int64_t row = at + st.k;
        LAC_CHECK((float)s.timestep[st.k] == ((const float *)b->timesteps->data)[row]);
        step(b, &s, &st);
        worst = fmax(worst, gap_of(&st, (const float *)b->samples->data + row * EACH));
    }
    /* f32 throughout: a few roundings a step, of some steps */
    if (!(worst < 2e-6)) {
        char *text = json_dumps(json_object_get(line, "config"), 0);
        print_error("%s: off by %.2g\n", text, worst);
        free(text);
        fail();
    }
    lac_sampler_state_free(&st);
    lac_sampler_close(&s);
}

LAC_TEST(samplers_make_what_diffusers_makes_in_double)
{
    bench b;
    size_t i;
    json_t *line;
    begin(&b);
    json_array_foreach(b.cases, i, line)
        follow(&b, line);
    end(&b);
}

/* The last case of a class. */
static const json_t *config_of(const bench *b, const char *name)
{
    for (size_t i = json_array_size(b->cases); i-- > 0;) {
        const json_t *config = json_object_get(json_array_get(b->cases, i), "config");
        if (strcmp(json_string_value(json_object_get(config, "_class_name")), name) == 0)
            return config;
    }
    return NULL;
}

LAC_TEST(a_sampler_stops_and_goes_on_with_the_same_bits)
{
    static const char *const names[] = { "DDPMScheduler", "PNDMScheduler", "DPMSolverMultistepScheduler", "UniPCMultistepScheduler", "EulerDiscreteScheduler" };
    bench b;
    begin(&b);
    for (size_t i = 0; i < LAC_COUNT(names); i++) {
        lac_sampler s, again;
        lac_sampler_state st, other = { 0 };
        LAC_CHECK_STATUS(lac_sampler_open(&s, config_of(&b, names[i])));
        LAC_CHECK_STATUS(lac_sampler_open(&again, config_of(&b, names[i])));
        lac_sampler_begin(&s, &st, copy_of(b.sample));
        while (st.k < s.n) {
            if (st.k == 3) {                            /* all that there is to carry over */
                other.k = st.k;
                for (int k = 0; k < LAC_SLOTS_KEPT; k++)
                    other.slot[k] = st.slot[k] ? copy_of(st.slot[k]) : NULL;
            }
            step(&b, &s, &st);
        }
        while (other.k < again.n)
            step(&b, &again, &other);
        LAC_CHECK(memcmp(other.slot[LAC_SLOT_SAMPLE]->data, st.slot[LAC_SLOT_SAMPLE]->data, EACH * sizeof(float)) == 0);
        lac_sampler_state_free(&st);
        lac_sampler_state_free(&other);
        lac_sampler_close(&s);
        lac_sampler_close(&again);
    }
    end(&b);
}

LAC_TEST(a_sampler_says_what_it_lacks)
{
    bench b;
    lac_sampler s;
    lac_sampler_state st;
    begin(&b);
    LAC_CHECK_STATUS(lac_sampler_open(&s, config_of(&b, "DDPMScheduler")));
    lac_sampler_begin(&s, &st, copy_of(b.sample));
    region r = { &b, &s, &st, true, false };
    LAC_CHECK_FAILS(lac_tape_run(b.t, "silent", one_step, &r), LAC_ERR_STATE, "adds noise in step 0");
    st.k = s.n;
    LAC_CHECK_FAILS(lac_tape_run(b.t, "beyond", one_step, &r), LAC_ERR_STATE, "no step 5 of 5");
    lac_sampler_state_free(&st);
    lac_sampler_close(&s);
    LAC_CHECK_STATUS(lac_sampler_open(&s, config_of(&b, "UniPCMultistepScheduler")));
    lac_sampler_begin_at(&st, 2, copy_of(b.sample));
    LAC_CHECK_FAILS(lac_tape_run(b.t, "late", one_step, &r), LAC_ERR_STATE, "cannot begin with step 2");
    lac_sampler_state_free(&st);
    lac_sampler_close(&s);
    json_t *learned = json_copy((json_t *)config_of(&b, "DDPMScheduler"));
    json_object_set_new(learned, "variance_type", json_string("learned_range"));
    LAC_CHECK_STATUS(lac_sampler_open(&s, learned));
    lac_sampler_begin(&s, &st, copy_of(b.sample));
    LAC_CHECK_FAILS(lac_tape_run(b.t, "untold", one_step, &(region){ &b, &s, &st, false, true }), LAC_ERR_STATE, "wants the variance that the network says in step 0");
    lac_sampler_state_free(&st);
    lac_sampler_close(&s);
    json_decref(learned);
    end(&b);
}

/* 27 steps of GLIDE's upsampler, as its released code takes them but the first; and parts that are not of one length. */
LAC_TEST(timesteps_are_taken_by_sections)
{
    static const double known[] = { 999, 800, 799, 600, 599, 500, 400, 399, 377, 355, 333, 311, 288, 266, 244, 222, 200, 199, 177, 155, 133, 111, 88, 66, 44, 22, 0 };
    double t[LAC_COUNT(known)];
    LAC_CHECK_STATUS(lac_timesteps_sections(t, (const int64_t[]){ 10, 10, 3, 2, 2 }, 5, 1000));
    LAC_CHECK(memcmp(t, known, sizeof t) == 0);
    LAC_CHECK_STATUS(lac_timesteps_sections(t, (const int64_t[]){ 4, 1, 2 }, 3, 11));
    LAC_CHECK(memcmp(t, (const double[]){ 10, 8, 4, 3, 2, 1, 0 }, 7 * sizeof *t) == 0);
    LAC_CHECK_FAILS(lac_timesteps_sections(t, (const int64_t[]){ 2, 5 }, 2, 8), LAC_ERR_CONFIG, "5 timesteps of 4 cannot be taken");
}

LAC_TEST(a_list_of_timesteps_falls_and_is_as_long_as_there_are_steps)
{
    static const struct { const char *list, *says; } wrong[] = {
        { "[5, 4]", "'timesteps' are 2, 'num_inference_steps' is 3" }, { "[1000, 4, 3]", "at most 999, found 1000" }, { "[5, 7, 3]", "found 7" },
    };
    lac_sampler s;
    for (size_t i = 0; i < LAC_COUNT(wrong); i++) {
        json_t *config = json_pack("{s:s, s:i, s:o}", "_class_name", "DDPMScheduler", "num_inference_steps", 3, "timesteps", json_loads(wrong[i].list, 0, NULL));
        LAC_CHECK_FAILS(lac_sampler_open(&s, config), LAC_ERR_CONFIG, wrong[i].says);
        json_decref(config);
    }
}

/* 1e-6: rows are f32. */
LAC_TEST(rows_of_variance_are_those_of_the_posterior)
{
    json_t *given = json_pack("{s:s, s:i, s:s}", "beta_schedule", "squaredcos_cap_v2", "num_train_timesteps", 50, "prediction_type", "v_prediction"), *config = NULL;
    lac_objective o;
    float row[4 * 50];
    LAC_CHECK_STATUS(lac_config_resolve(&config, lac_objective_keys, given, NULL, NULL));
    LAC_CHECK_STATUS(lac_objective_open(&o, config));
    LAC_CHECK_STATUS(lac_objective_fill(&o, NULL, 50, &(lac_objective_rows){ .variance = row }));
    for (int t = 0; t < 50; t++) {
        const double *bar = o.schedule.alpha_bar, before = t > 0 ? bar[t - 1] : 1, beta = 1 - bar[t] / before;
        const double mean_of_v = -sqrt(before) * beta / sqrt(1 - bar[t]);               /* x_0 = alpha x_t - sigma v, of which the mean has sqrt(before) beta / (1 - bar) */
        const double least = t > 0 ? log(beta * (1 - before) / (1 - bar[t])) : (double)row[4 + 1];
        LAC_CHECK(fabs((double)row[4 * t] / mean_of_v - 1) < 1e-6 && fabs((double)row[4 * t + 1] - least) < 1e-6 && fabs((double)row[4 * t + 2] - (log(beta) - least)) < 1e-6);
        LAC_CHECK(row[4 * t + 3] == (t == 0));
    }
    lac_objective_close(&o);
    json_decref(config);
    json_decref(given);
}

/* sigma and lambda of Stable Diffusion at some timesteps, as published implementations have them. */
LAC_TEST(the_schedule_of_stable_diffusion_has_its_published_values)
{
    static const struct { int64_t t; double alpha_bar, sigma; } known[] = {
        { 0, 0.99915, 0.0291672 }, { 21, 0.980380748, 0.1414633 }, { 250, 0.673792625, 0.6957989 }, { 500, 0.276332684, 1.6182788 }, { 999, 0.004660099, 14.6146412 },
    };
    json_t *config = NULL, *none = json_object();
    lac_objective o;
    LAC_CHECK_STATUS(lac_config_resolve(&config, lac_objective_keys, none, NULL, NULL));
    LAC_CHECK_STATUS(lac_objective_open(&o, config));
    for (size_t i = 0; i < LAC_COUNT(known); i++) {
        LAC_CHECK(fabs(o.schedule.alpha_bar[known[i].t] - known[i].alpha_bar) < 1e-9);
        LAC_CHECK(fabs(lac_noise_sigma(o.schedule.alpha_bar[known[i].t]) / known[i].sigma - 1) < 2e-6);      /* as many digits as are printed */
    }
    lac_objective_close(&o);
    json_decref(config);
    json_decref(none);
}

LAC_TEST(levels_are_those_of_the_samples)
{
    bench b;
    lac_sampler s;
    begin(&b);
    LAC_CHECK_STATUS(lac_sampler_open(&s, config_of(&b, "DDIMScheduler")));
    const double alpha_bar = s.schedule.alpha_bar[(int64_t)s.timestep[2]];
    LAC_CHECK(lac_sampler_level(&s, 2).picture == sqrt(alpha_bar) && lac_sampler_level(&s, 2).noise == sqrt(1 - alpha_bar));
    LAC_CHECK(lac_sampler_level(&s, s.n).noise == 0 && !lac_sampler_is_random(&s));
    lac_sampler_close(&s);
    LAC_CHECK_STATUS(lac_sampler_open(&s, config_of(&b, "DPMSolverMultistepScheduler")));
    const lac_mixture m = lac_sampler_level(&s, 1);
    LAC_CHECK(fabs(m.noise / m.picture / s.sigma[1] - 1) < 1e-12 && fabs(m.noise * m.noise + m.picture * m.picture - 1) < 1e-12);
    lac_sampler_close(&s);
    LAC_CHECK_STATUS(lac_sampler_open(&s, config_of(&b, "EulerDiscreteScheduler")));
    LAC_CHECK(lac_sampler_level(&s, 0).picture == 1 && lac_sampler_level(&s, 0).noise == s.init_sigma);
    lac_sampler_close(&s);
    end(&b);
}

/* Weights as the systems' pages have them, and those at which a form gives one branch back. */
LAC_TEST(guidance_weighs_the_branches_that_are_named)
{
    static const struct { const char *config; int n; float w[3]; } known[] = {
        { "{\"guidance_scale\": 1}", 2, { 0, 1 } }, { "{}", 2, { -6.5f, 7.5f } }, { "{\"mode\": \"ip2p\"}", 3, { -0.5f, -6, 7.5f } },
        { "{\"mode\": \"instructdiffusion\"}", 3, { 6.25f, -4.5f, -0.75f } },
        { "{\"mode\": \"instructdiffusion\", \"guidance_scale\": 6, \"image_guidance_scale\": 0.5}", 3, { 6.5f, -5.5f, 0 } },
    };
    for (size_t i = 0; i < LAC_COUNT(known); i++) {
        json_t *given = json_loads(known[i].config, 0, NULL), *config = NULL;
        lac_guidance g;
        LAC_CHECK_STATUS(lac_config_resolve(&config, lac_guidance_keys, given, NULL, NULL));
        LAC_CHECK_STATUS(lac_guidance_open(&g, config));
        LAC_CHECK(g.n == known[i].n && memcmp(g.weight, known[i].w, (size_t)g.n * sizeof(float)) == 0);
        json_decref(given);
        json_decref(config);
    }
}
