/* DDPM (Ho, Jain and Abbeel 2020, eq. 6 and 7): t -> p, beta = 1 - alpha_bar_t / alpha_bar_p,
 *
 *     x_p = sqrt(alpha_bar_p) beta / (1 - alpha_bar_t) x_0 + sqrt(alpha_bar_t / alpha_bar_p) (1 - alpha_bar_p) / (1 - alpha_bar_t) x_t + sqrt(v) noise
 *
 * v is beta (1 - alpha_bar_p) / (1 - alpha_bar_t), or beta (fixed_large), or between the two where the network says (learned_range, Nichol and Dhariwal 2021); there is
 * no noise at t = 0. p is the next timestep taken, by the spacing or of a list. */
#include "models/diffusion/sampler.h"
#include "models/diffusion/timesteps.h"
#include "models/diffusion/variance.h"

#include <math.h>
#include <string.h>

static lac_status init(lac_sampler *s)
{
    const json_t *list = lac_config_at(s->config, "timesteps");
    return json_is_array(list) ? lac_timesteps_listed(s->timestep, s->config, list) : lac_timesteps(s->timestep, s->config, LAC_TIMESTEPS_PLAIN);
}

/* alpha_bar of timestep k and of the one that it goes to. */
static void levels(const lac_sampler *s, int64_t k, double *now, double *then)
{
    *now = s->schedule.alpha_bar[(int64_t)s->timestep[k]];
    *then = k + 1 < s->n ? s->schedule.alpha_bar[(int64_t)s->timestep[k + 1]] : 1;
}

static bool variance(const lac_sampler *s, int64_t k, lac_variance_range *range)
{
    double now, then;
    levels(s, k, &now, &then);
    *range = lac_variance_range_of(now, then);
    return strcmp(lac_config_str(s->config, "variance_type"), "learned_range") == 0;
}

static void step(const lac_sampler *s, int64_t k, lac_sampler_moves *m)
{
    double now, then;
    levels(s, k, &now, &then);
    const double beta = 1 - now / then, share = (1 - then) / (1 - now), of_x0 = sqrt(then) * beta / (1 - now);
    const char *kind = lac_config_str(s->config, "variance_type");
    const bool clip = lac_config_bool(s->config, "clip_sample");
    const lac_estimate x0 = (clip ? lac_estimate_x0_to_cut : lac_estimate_x0)(s->prediction, sqrt(now), sqrt(1 - now));
    if (clip) {
        lac_move *estimate = lac_moves_to(m, LAC_SLOT_X0);
        lac_move_add_estimate(estimate, x0, 1);
        estimate->clip = lac_config_num(s->config, "clip_sample_range");
    }
    lac_move *x = lac_moves_to(m, LAC_SLOT_SAMPLE);
    lac_move_add(x, LAC_SLOT_SAMPLE, sqrt(now / then) * share);
    if (clip)
        lac_move_add(x, LAC_SLOT_X0, of_x0);
    else
        lac_move_add_estimate(x, x0, of_x0);
    if (s->timestep[k] > 0)
        lac_move_add(x, LAC_SLOT_NOISE, strcmp(kind, "learned_range") == 0 ? 1 : sqrt(strcmp(kind, "fixed_large") == 0 ? beta : fmax(share * beta, 1e-20)));
}

static bool is_random(const lac_sampler *s) { return (void)s, true; }

static const lac_key keys[] = {
    LAC_SAMPLER_KEYS("\"leading\""), LAC_PREDICTION_KEY,
    { "clip_sample", LAC_KEY_BOOL, "true", .help = "cut the estimate of x_0" },
    { "clip_sample_range", LAC_KEY_NUM, "1", .min = 1e-6, .max = 1e6, .help = "to plus and minus this" },
    { "variance_type", LAC_KEY_STR, "\"fixed_small\"", .choices = "fixed_small|fixed_large|learned_range", .help = "of the noise added; learned_range: the network says" },
    { "timesteps", LAC_KEY_LIST | LAC_KEY_NULL, "null", .of = LAC_KEY_INT, .min = 0, .max = 999999, .help = "which are taken, falling; null: by timestep_spacing" },
    { NULL },
};
const lac_sampler_def lac_sampler_ddpm = { "DDPMScheduler", "DDPM, ancestral steps", keys, init, step, is_random, .variance = variance };
