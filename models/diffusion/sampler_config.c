/* From diffusers' scheduler config to a sampler. */
#include "models/diffusion/sampler.h"

#include "core/memory.h"
#include "core/named.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static lac_named samplers = { "sampler", LAC_ERR_CONFIG, {
#define LAC_SAMPLER(identifier) &lac_sampler_##identifier,
#include "models/diffusion/samplers.def"
#undef LAC_SAMPLER
} };

#define LOOSE(key, text) { key, LAC_KEY_ANY, "", .of = LAC_KEY_ANY, .help = text }

const lac_key lac_sampler_keys[] = {
    LOOSE("_class_name", "the sampler, by diffusers' class"),
    { "num_inference_steps", LAC_KEY_INT, NULL, .min = 1, .max = 1000000, .help = "steps, S" },
    LAC_NOISE_SCHEDULE_KEYS("1e-4", "0.02", "\"linear\""), LAC_PREDICTION_KEY,
    { "timestep_spacing", LAC_KEY_STR, "", .choices = "leading|trailing|linspace", .help = "which timesteps are taken" },
    { "steps_offset", LAC_KEY_INT, "0", .min = 0, .max = 1000000, .help = "added to timesteps of leading" },
    LOOSE("eta", "DDIM"), LOOSE("clip_sample", "DDPM, DDIM"), LOOSE("clip_sample_range", "DDPM, DDIM"), LOOSE("variance_type", "DDPM"), LOOSE("timesteps", "DDPM"),
    LOOSE("set_alpha_to_one", "DDIM, PNDM"), LOOSE("skip_prk_steps", "PNDM"), LOOSE("solver_order", "DPM, UniPC"), LOOSE("algorithm_type", "DPM"),
    LOOSE("solver_type", "DPM, UniPC"), LOOSE("lower_order_final", "DPM, UniPC"), LOOSE("euler_at_final", "DPM"), LOOSE("disable_corrector", "UniPC"),
    LOOSE("use_karras_sigmas", "DPM, UniPC, Euler"), LOOSE("final_sigmas_type", "DPM, UniPC, Euler"),
    LAC_KEY_INERT("trained_betas", "null"), LAC_KEY_INERT("thresholding", "false"), LAC_KEY_INERT("dynamic_thresholding_ratio", NULL),
    LAC_KEY_INERT("sample_max_value", NULL), LAC_KEY_INERT("use_exponential_sigmas", "false"), LAC_KEY_INERT("use_beta_sigmas", "false"),
    LAC_KEY_INERT("use_lu_lambdas", "false"), LAC_KEY_INERT("use_flow_sigmas", "false"), LAC_KEY_INERT("use_dynamic_shifting", "false"),
    LAC_KEY_INERT("flow_shift", "1.0"), LAC_KEY_INERT("time_shift_type", NULL), LAC_KEY_INERT("shift_terminal", "null"),
    LAC_KEY_INERT("lambda_min_clipped", "\"-Infinity\""), LAC_KEY_INERT("interpolation_type", "\"linear\""), LAC_KEY_INERT("timestep_type", "\"discrete\""),
    LAC_KEY_INERT("predict_x0", "true"), LAC_KEY_INERT("solver_p", "null"), LAC_KEY_INERT("sigma_min", "null"), LAC_KEY_INERT("sigma_max", "null"),
    { NULL },
};

/* The members of config that keys name, or (keys NULL) those that do not begin with _, and the class. */
static lac_status members(const json_t *config, const lac_key *keys, json_t **part)
{
    const char *name;
    json_t *value;
    *part = json_object();
    bool failed = *part == NULL;
    json_object_foreach((json_t *)config, name, value) {
        bool take = keys == NULL && (name[0] != '_' || strcmp(name, "_class_name") == 0);
        for (const lac_key *k = keys; k != NULL && k->name != NULL; k++)
            take = take || strcmp(k->name, name) == 0;
        failed = failed || (take && json_object_set(*part, name, value) != 0);
    }
    return failed ? LAC_FAIL(LAC_ERR_MEM, "out of memory: config") : LAC_OK;
}

/* Those keys of config, checked; *resolved may be dropped. */
static lac_status resolve(const json_t *config, const lac_key *schema, bool all, json_t **resolved)
{
    json_t *part = NULL;
    lac_status s = members(config, all ? NULL : schema, &part);
    if (s == LAC_OK)
        s = lac_config_resolve(resolved, schema, part, NULL, NULL);
    json_decref(part);
    return s;
}

static lac_status find(const lac_sampler_def **def, const json_t *config)
{
    const char *name = json_string_value(json_object_get(config, "_class_name"));
    if (name == NULL)
        return LAC_FAIL(LAC_ERR_CONFIG, "'_class_name' is missing: it says which sampler");
    return lac_context(LAC_NAMED_FIND(&samplers, name, def), "'_class_name'");
}

/* Division by nothing at all: a network that predicts noise says nothing of the picture where there is noise alone. */
static lac_status check_steps(const lac_sampler *s)
{
    for (int64_t k = 0; k < s->n; k++) {
        lac_sampler_moves m = { .n = 0 };
        s->def->step(s, k, &m);
        for (int i = 0; i < m.n; i++)
            for (int j = 0; j < m.move[i].n; j++)
                if (!isfinite(m.move[i].a[j]))
                    return s->schedule.alpha_bar[s->schedule.n - 1] == 0
                        ? LAC_FAIL(LAC_ERR_CONFIG, "'rescale_betas_zero_snr' leaves no picture at timestep %.9g: this 'prediction_type' cannot begin there", s->timestep[k])
                        : LAC_FAIL(LAC_ERR_CONFIG, "'num_inference_steps' is %lld: step %lld divides by zero", (long long)s->steps, (long long)k);
    }
    return LAC_OK;
}

static lac_status fill(lac_sampler *s)
{
    s->steps = s->n = lac_config_int(s->config, "num_inference_steps");
    s->prediction = lac_prediction_of(s->config);
    s->init_sigma = 1;
    LAC_TRY(lac_noise_schedule_open(&s->schedule, s->config));
    LAC_TRY(lac_calloc((void **)&s->timestep, (size_t)s->steps + 1, sizeof(double)));
    LAC_TRY(lac_calloc((void **)&s->sigma, (size_t)s->steps + 1, sizeof(double)));
    LAC_TRY(s->def->init(s));
    return check_steps(s);
}

lac_status lac_sampler_open(lac_sampler *s, const json_t *config)
{
    json_t *known = NULL;
    *s = (lac_sampler){ 0 };
    LAC_TRY(find(&s->def, config));
    LAC_TRY(resolve(config, lac_sampler_keys, true, &known));
    json_decref(known);
    LAC_TRY(resolve(config, s->def->keys, false, &s->config));
    const lac_status status = fill(s);
    if (status != LAC_OK)
        lac_sampler_close(s);
    return status;
}

void lac_sampler_close(lac_sampler *s)
{
    lac_noise_schedule_free(&s->schedule);
    free(s->timestep);
    free(s->sigma);
    json_decref(s->config);
    *s = (lac_sampler){ 0 };
}
