#include "models/glide/glide.h"

#include "core/memory.h"
#include "models/diffusion/timesteps.h"

#include <stdlib.h>

enum { MULTIPLE = 8 };

lac_status lac_glide_factor(const json_t *config, int64_t *factor)
{
    *factor = lac_config_int(config, "factor");
    return *factor > 1 && MULTIPLE % *factor == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_CONFIG, "'factor' is %lld, expected 2, 4 or 8", (long long)*factor);
}

/* ---- which timesteps the upsampler takes ---- */

static int64_t steps_of(const json_t *sections)
{
    int64_t n = 0;
    for (size_t i = 0; i < json_array_size(sections); i++)
        n += json_integer_value(json_array_get(sections, i));
    return n;
}

/* t[steps]: of the sections; the first is another where the config says so. */
static lac_status take_sections(double *t, const json_t *config, const json_t *scheduler)
{
    const json_t *sections = lac_config_at(config, "upsampler_sections"), *first = lac_config_at(config, "upsampler_first"), *all = json_object_get(scheduler, "num_train_timesteps");
    const int64_t n = (int64_t)json_array_size(sections);
    int64_t *count;
    LAC_TRY(lac_calloc((void **)&count, (size_t)n, sizeof *count));
    for (int64_t i = 0; i < n; i++)
        count[i] = json_integer_value(json_array_get(sections, (size_t)i));
    const lac_status s = lac_timesteps_sections(t, count, n, all != NULL ? json_integer_value(all) : 1000);
    free(count);
    if (json_is_integer(first))
        t[0] = (double)json_integer_value(first);
    return s;
}

static lac_status put_sections(const json_t *config, json_t *scheduler, int64_t steps)
{
    json_t *list = json_array();
    double *t = NULL;
    lac_status s = list != NULL ? lac_calloc((void **)&t, (size_t)steps, sizeof *t) : LAC_FAIL(LAC_ERR_MEM, "out of memory: timesteps");
    if (s == LAC_OK)
        s = take_sections(t, config, scheduler);
    bool failed = false;
    for (int64_t k = 0; s == LAC_OK && k < steps; k++)
        failed |= json_array_append_new(list, json_integer((json_int_t)t[k])) != 0;
    free(t);
    if (s != LAC_OK) {
        json_decref(list);
        return lac_context(s, "'upsampler_sections'");
    }
    failed |= json_object_set_new(scheduler, "timesteps", list) != 0;
    return failed ? LAC_FAIL(LAC_ERR_MEM, "out of memory: timesteps") : LAC_OK;
}

lac_status lac_glide_sampler(lac_sampler *s, const json_t *config, lac_glide_role role)
{
    const bool large = role == LAC_GLIDE_UPSAMPLER;
    const char *key = large ? "upsampler_scheduler" : "scheduler";
    const int64_t steps = large ? steps_of(lac_config_at(config, "upsampler_sections")) : lac_config_int(config, "steps");
    json_t *scheduler = json_copy((json_t *)lac_config_at(config, key));
    const bool made = scheduler != NULL && json_object_set_new(scheduler, "num_inference_steps", json_integer(steps)) == 0;
    lac_status status = made ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory: scheduler");
    *s = (lac_sampler){ 0 };
    if (status == LAC_OK && large)
        status = put_sections(config, scheduler, steps);
    if (status == LAC_OK)
        status = lac_context(lac_sampler_open(s, scheduler), "'%s'", key);
    json_decref(scheduler);
    return status;
}
