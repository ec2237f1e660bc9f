#include "models/diffusion/objective.h"

#include "models/diffusion/variance.h"

#include <math.h>

const lac_key lac_objective_keys[] = {
    LAC_NOISE_SCHEDULE_KEYS("0.00085", "0.012", "\"scaled_linear\""), LAC_PREDICTION_KEY,
    { "snr_gamma", LAC_KEY_NUM | LAC_KEY_NULL, "null", .min = 0, .max = 1e30, .help = "weights of min-SNR; null: 1" },
    { NULL },
};

lac_status lac_objective_open(lac_objective *o, const json_t *config)
{
    *o = (lac_objective){ .prediction = lac_prediction_of(config), .gamma = -1 };
    if (!json_is_null(lac_config_at(config, "snr_gamma")))
        o->gamma = lac_config_num(config, "snr_gamma");
    return lac_noise_schedule_open(&o->schedule, config);
}

lac_status lac_objective_open_published(lac_objective *o, const char *prediction)
{
    json_t *given = json_pack("{s:s}", "prediction_type", prediction), *config = NULL;
    *o = (lac_objective){ .gamma = -1 };
    lac_status s = given != NULL ? lac_config_resolve(&config, lac_objective_keys, given, NULL, NULL) : LAC_FAIL(LAC_ERR_MEM, "out of memory: config");
    if (s == LAC_OK)
        s = lac_objective_open(o, config);
    json_decref(config);
    json_decref(given);
    return s;
}

void lac_objective_close(lac_objective *o)
{
    lac_noise_schedule_free(&o->schedule);
    *o = (lac_objective){ 0 };
}

static void put(float *to, int64_t i, lac_mixture m)
{
    if (to != NULL) {
        to[2 * i] = (float)m.picture;
        to[2 * i + 1] = (float)m.noise;
    }
}

/* How far off the mean of the step down is where the prediction is off by 1, and the least of its variance and how far it goes. */
static void put_variance(const lac_objective *o, int64_t t, float *row)
{
    const double *bar = o->schedule.alpha_bar, now = bar[t], then = t > 0 ? bar[t - 1] : 1;
    const int64_t from = t == 0 && o->schedule.n > 1 ? 1 : t;
    const double of_x0 = sqrt(then) * (1 - now / then) / (1 - now);
    row[0] = (float)(of_x0 * lac_estimate_x0(o->prediction, sqrt(now), sqrt(1 - now)).output);
    const double least = lac_variance_range_of(bar[from], from > 0 ? bar[from - 1] : 1).least;
    row[1] = (float)least;
    row[2] = (float)(lac_variance_range_of(now, then).most - least);
    row[3] = t == 0;
}

lac_status lac_objective_fill(const lac_objective *o, const int64_t *timestep, int64_t n, const lac_objective_rows *rows)
{
    for (int64_t i = 0; i < n; i++) {
        const int64_t at = timestep != NULL ? timestep[i] : i;
        if (at < 0 || at >= o->schedule.n)
            return LAC_FAIL(LAC_ERR_ARG, "'timestep' is %lld, should be from 0 to %lld", (long long)at, (long long)(o->schedule.n - 1));
        const double alpha_bar = o->schedule.alpha_bar[at];
        put(rows->sample, i, lac_mix_sample(alpha_bar));
        put(rows->velocity, i, lac_mix_velocity(alpha_bar));
        put(rows->target, i, lac_mix_target(o->prediction, alpha_bar));
        if (rows->variance != NULL)
            put_variance(o, at, rows->variance + 4 * i);
        if (rows->snr != NULL)
            rows->snr[i] = (float)lac_snr(alpha_bar);
        if (rows->weight != NULL)
            rows->weight[i] = o->gamma < 0 ? 1.0f : (float)lac_min_snr_weight(o->prediction, alpha_bar, o->gamma);
    }
    return LAC_OK;
}
