/* Noise, targets and losses by timestep, guidance, and samplers fed with given outputs. All of it goes by elements, so maps stay as the file has them. */
#include "cli/probe/probe.h"

#include "autograd/ops/lincomb/lincomb.h"
#include "autograd/ops/mse_loss/mse_loss.h"
#include "autograd/ops/weighted_sum/weighted_sum.h"
#include "models/diffusion/guidance.h"
#include "models/diffusion/objective.h"
#include "models/diffusion/sampler.h"

#include <string.h>

#define MAP(name, flags) { name, LAC_LAYOUT_PLAIN, 4, flags, "[B,C,H,W]" }

/* ---- add-noise, diffusion-loss ---- */

/* Of the KIND's config, at the timesteps of its input, which must be as many as there are samples. */
static lac_status fill_rows(lac_probe *p, const char *samples, const lac_objective_rows *rows)
{
    const lac_tensor *x = lac_probe_host(p, samples), *timestep = lac_probe_host(p, "timestep");
    lac_objective o;
    if (timestep->dim[0] != x->dim[0])
        return LAC_FAIL(LAC_ERR_SHAPE, "input 'timestep' is %s, expected one for each of the %lld samples of '%s'", lac_shape_str(timestep), (long long)x->dim[0], samples);
    LAC_TRY(lac_objective_open(&o, p->config));
    const lac_status s = lac_context(lac_objective_fill(&o, timestep->data, x->dim[0], rows), "input");
    lac_objective_close(&o);
    return s;
}

static lac_tensor *numbers(lac_tape *t, float *x, int ndim, int64_t n)
{
    lac_tensor host = { .data = x };
    lac_tensor_shape(&host, LAC_F32, ndim, (int64_t[]){ n, 2 });
    return lac_tape_input(t, &host, LAC_F32);
}

static lac_tensor *mixed(const lac_probe *p, lac_tape *t, float *rows, int64_t n)
{
    return lac_lincomb(t, numbers(t, rows, 2, n), (lac_tensor *[]){ lac_probe_tensor(p, "x0"), lac_probe_tensor(p, "noise") }, 2, LAC_F32);
}

static lac_status add_noise(lac_probe *p, lac_tape *t)
{
    const int64_t n = lac_probe_host(p, "x0")->dim[0];
    float *memory;
    LAC_TRY(lac_probe_same_shape(p, "noise", "x0"));
    LAC_TRY(lac_probe_numbers(p, 6 * n, &memory));
    const lac_objective_rows rows = { .sample = memory, .velocity = memory + 2 * n, .snr = memory + 4 * n, .weight = memory + 5 * n };
    LAC_TRY(fill_rows(p, "x0", &rows));
    LAC_TRY(lac_probe_out(p, t, "x_t", LAC_LAYOUT_PLAIN, mixed(p, t, rows.sample, n)));
    LAC_TRY(lac_probe_out(p, t, "velocity", LAC_LAYOUT_PLAIN, mixed(p, t, rows.velocity, n)));
    LAC_TRY(lac_probe_out_into(p, t, "snr", LAC_LAYOUT_PLAIN, numbers(t, rows.snr, 1, n), NULL, true));
    return lac_probe_out_into(p, t, "weight", LAC_LAYOUT_PLAIN, numbers(t, rows.weight, 1, n), NULL, true);
}

static lac_status diffusion_loss(lac_probe *p, lac_tape *t)
{
    lac_tensor *output = lac_probe_tensor(p, "model_output"), *each;
    const int64_t n = output->dim[0];
    float *memory;
    LAC_TRY(lac_probe_same_shape(p, "x0", "model_output"));
    LAC_TRY(lac_probe_same_shape(p, "noise", "model_output"));
    LAC_TRY(lac_probe_numbers(p, 3 * n, &memory));
    const lac_objective_rows rows = { .target = memory, .weight = memory + 2 * n };
    LAC_TRY(fill_rows(p, "model_output", &rows));
    lac_tensor *target = mixed(p, t, rows.target, n);
    lac_tensor *sum = lac_mse_loss(t, output, target, numbers(t, rows.weight, 1, n), NULL, &each);
    LAC_TRY(lac_probe_out(p, t, "target", LAC_LAYOUT_PLAIN, target));
    LAC_TRY(lac_probe_out(p, t, "per_sample", LAC_LAYOUT_PLAIN, each));
    return lac_probe_out(p, t, "loss", LAC_LAYOUT_PLAIN, lac_weighted_sum(t, &sum, (float[]){ 1.0f / (float)lac_numel(output) }, 1));
}

static const lac_port noise_ports[] = {
    MAP("x0", LAC_PORT_F32), MAP("noise", LAC_PORT_F32), { "timestep", LAC_LAYOUT_PLAIN, 1, LAC_PORT_I64, "[B]" }, { NULL },
};
static const lac_port loss_ports[] = {
    MAP("model_output", 0), MAP("x0", LAC_PORT_F32), MAP("noise", LAC_PORT_F32), { "timestep", LAC_LAYOUT_PLAIN, 1, LAC_PORT_I64, "[B]" }, { NULL },
};
const lac_kind lac_kind_add_noise = { "add-noise", "a sample at a timestep, its velocity, signal to noise and weight", lac_objective_keys, noise_ports,
                                      "x_t, velocity, snr, weight", .forward = add_noise };
const lac_kind lac_kind_diffusion_loss = { "diffusion-loss", "weighted squared error of a prediction", lac_objective_keys, loss_ports,
                                           "target, per_sample, loss", .forward = diffusion_loss };

/* ---- guidance ---- */

/* The branches that the mode takes, no other input, all of one shape. */
static lac_status branches(const lac_probe *p, const lac_guidance *g, lac_tensor **branch)
{
    for (int i = 0; i < g->n; i++) {
        branch[i] = lac_probe_tensor(p, g->def->branch[i]);
        if (branch[i] == NULL)
            return LAC_FAIL(LAC_ERR_KEY, "input '%s' is missing: '%s' wants it", g->def->branch[i], g->def->name);
        LAC_TRY(lac_probe_same_shape(p, g->def->branch[i], g->def->branch[0]));
    }
    for (int64_t k = 0; k < p->n_in; k++) {
        bool taken = false;
        for (int i = 0; i < g->n; i++)
            taken = taken || strcmp(p->input[k].name, g->def->branch[i]) == 0;
        if (!taken)
            return LAC_FAIL(LAC_ERR_KEY, "'%s' is no input of '%s'", p->input[k].name, g->def->name);
    }
    return LAC_OK;
}

static lac_status guidance(lac_probe *p, lac_tape *t)
{
    lac_guidance g;
    lac_tensor *branch[LAC_GUIDANCE_BRANCHES];
    LAC_TRY(lac_guidance_open(&g, p->config));
    LAC_TRY(branches(p, &g, branch));
    return lac_probe_out(p, t, "guided", LAC_LAYOUT_PLAIN, lac_guide(t, &g, branch));
}

#define BRANCH(name) MAP(name, LAC_PORT_F32 | LAC_PORT_OPTIONAL)
static const lac_port guidance_ports[] = { BRANCH("uncond"), BRANCH("cond"), BRANCH("full"), BRANCH("image"), BRANCH("text"), { NULL } };
const lac_kind lac_kind_guidance = { "guidance", "several answers of a network as one", lac_guidance_keys, guidance_ports, "guided", .forward = guidance };

/* ---- scheduler ---- */

/* One step, in a region of its own. */
typedef struct fed {
    lac_sampler sampler;
    lac_sampler_state state;
    lac_tensor output, variance, noise;                 /* step k's, within the inputs; noise.data NULL: there is none */
    lac_tensor *seen;
} fed;

static lac_status feed(lac_tape *t, void *context)
{
    fed *f = context;
    lac_tensor *x = lac_sampler_input(t, &f->sampler, &f->state);
    LAC_TRY(lac_tape_status(t));
    LAC_TRY(lac_keep(t, x, &f->seen));
    lac_tensor *noise = lac_sampler_draws(&f->sampler, f->state.k) ? lac_tape_input(t, &f->noise, LAC_F32) : NULL;
    lac_tensor *variance = lac_sampler_learns_variance(&f->sampler) ? lac_tape_input(t, &f->variance, LAC_F32) : NULL;
    x = lac_sampler_step(t, &f->sampler, &f->state, lac_tape_input(t, &f->output, LAC_F32), variance, noise);
    return lac_sampler_keep(t, &f->state, x);
}

/* Part k of x, [N, ...] as N tensors of the sample's shape. */
static lac_tensor part(const lac_tensor *x, const lac_tensor *sample, int64_t k)
{
    lac_tensor y = *sample;
    y.data = x != NULL && x->data != NULL ? (float *)x->data + k * lac_numel(sample) : NULL;
    return y;
}

static lac_status check_sequence(const lac_probe *p, const char *name, int64_t n)
{
    const lac_tensor *x = lac_probe_host(p, name), *sample = lac_probe_host(p, "sample");
    lac_shape wanted = { .ndim = 5, .dim = { n } };
    memcpy(wanted.dim + 1, sample->dim, 4 * sizeof *wanted.dim);
    for (int i = 0; i < 5; i++)
        if (x->dim[i] != wanted.dim[i])
            return LAC_FAIL(LAC_ERR_SHAPE, "input '%s' is %s, expected %s: one for each of the %lld calls of the network", name, lac_shape_str(x),
                            lac_dims_str(5, wanted.dim), (long long)n);
    return LAC_OK;
}

static lac_status check_inputs(const lac_probe *p, const lac_sampler *s)
{
    LAC_TRY(check_sequence(p, "model_output", s->n));
    if ((lac_probe_host(p, "noise") != NULL) != lac_sampler_is_random(s))
        return LAC_FAIL(LAC_ERR_KEY, lac_sampler_is_random(s) ? "input 'noise' is missing: %s draws noise" : "'noise' is no input of %s, which draws none", s->def->name);
    const bool learns = lac_sampler_learns_variance(s);
    if ((lac_probe_host(p, "variance") != NULL) != learns)
        return LAC_FAIL(LAC_ERR_KEY, learns ? "input 'variance' is missing: %s takes what the network says of it" : "'variance' is no input of %s with this 'variance_type'", s->def->name);
    LAC_TRY(learns ? check_sequence(p, "variance", s->n) : LAC_OK);
    return lac_sampler_is_random(s) ? check_sequence(p, "noise", s->n) : LAC_OK;
}

static lac_status run_steps(lac_probe *p, lac_tape *t, fed *f, lac_tensor *inputs, lac_tensor *samples)
{
    const lac_tensor *sample = lac_probe_host(p, "sample");
    for (int64_t k = 0; k < f->sampler.n; k++) {
        char pattern[256];
        lac_sampler_pattern(&f->sampler, k, pattern, sizeof pattern);
        f->output = part(lac_probe_host(p, "model_output"), sample, k);
        f->variance = part(lac_probe_host(p, "variance"), sample, k);
        f->noise = part(lac_probe_host(p, "noise"), sample, k);
        LAC_TRY(lac_tape_run(t, pattern, feed, f));
        lac_sampler_next(&f->state);
        if (lac_numel(sample) > 0) {
            memcpy(part(inputs, sample, k).data, f->seen->data, lac_bytes(sample));
            memcpy(part(samples, sample, k).data, f->state.slot[LAC_SLOT_SAMPLE]->data, lac_bytes(sample));
        }
        lac_tensor_free(f->seen);
        f->seen = NULL;
    }
    return LAC_OK;
}

static lac_status run_sampler(lac_probe *p, lac_tape *t, fed *f)
{
    const lac_sampler *s = &f->sampler;
    const lac_tensor *sample = lac_probe_host(p, "sample"), *all = lac_probe_host(p, "model_output");
    lac_tensor *timesteps, *sigma, *inputs, *samples, *x;
    LAC_TRY(check_inputs(p, s));
    LAC_TRY(lac_probe_result(p, "timesteps", LAC_F32, 1, &s->n, &timesteps));
    LAC_TRY(lac_probe_result(p, "init_noise_sigma", LAC_F32, 0, NULL, &sigma));
    LAC_TRY(lac_probe_result(p, "model_inputs", LAC_F32, 5, all->dim, &inputs));
    LAC_TRY(lac_probe_result(p, "samples", LAC_F32, 5, all->dim, &samples));
    for (int64_t k = 0; k < s->n; k++)
        ((float *)timesteps->data)[k] = (float)s->timestep[k];
    *(float *)sigma->data = (float)s->init_sigma;
    LAC_TRY(lac_tensor_new(&x, LAC_F32, sample->ndim, sample->dim));
    if (lac_numel(sample) > 0)
        memcpy(x->data, sample->data, lac_bytes(sample));
    lac_sampler_begin_at(&f->state, 0, x);
    return run_steps(p, t, f, inputs, samples);
}

static lac_status scheduler(lac_probe *p)
{
    fed f = { .seen = NULL };
    lac_tape *t = NULL;
    LAC_TRY(lac_context(lac_sampler_open(&f.sampler, p->config), "config of %s", p->kind->name));
    lac_status s = lac_tape_new(&t, p->backend);
    if (s == LAC_OK)
        s = run_sampler(p, t, &f);
    lac_tape_free(t);
    lac_tensor_free(f.seen);
    lac_sampler_state_free(&f.state);
    lac_sampler_close(&f.sampler);
    return s;
}

static const lac_port scheduler_ports[] = {
    MAP("sample", 0), { "model_output", LAC_LAYOUT_PLAIN, 5, 0, "[N,B,C,H,W]" }, { "noise", LAC_LAYOUT_PLAIN, 5, LAC_PORT_OPTIONAL, "[N,B,C,H,W]" },
    { "variance", LAC_LAYOUT_PLAIN, 5, LAC_PORT_OPTIONAL, "[N,B,C,H,W]" }, { NULL },
};
const lac_kind lac_kind_scheduler = { "scheduler", "a sampler fed with a network's outputs; its other keys as diffusers' config, docs/diffusion.md", lac_sampler_keys,
                                      scheduler_ports, "timesteps, init_noise_sigma, model_inputs, samples", .compute = scheduler };
