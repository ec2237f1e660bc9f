/* DDPM (Ho, Jain and Abbeel 2020, eq. 6 and 7): t -> p, beta = 1 - alpha_bar_t / alpha_bar_p,
 *
 *     x_p = sqrt(alpha_bar_p) beta / (1 - alpha_bar_t) x_0 + sqrt(alpha_bar_t / alpha_bar_p) (1 - alpha_bar_p) / (1 - alpha_bar_t) x_t + sqrt(v) noise
 *
 * v is beta (1 - alpha_bar_p) / (1 - alpha_bar_t), or beta (fixed_large); there is no noise at t = 0. p is the next timestep taken. */
#include "models/diffusion/sampler.h"
#include "models/diffusion/timesteps.h"

#include <math.h>
#include <string.h>

static lac_status init(lac_sampler *s) { return lac_timesteps(s->timestep, s->config, LAC_TIMESTEPS_PLAIN); }

static void step(const lac_sampler *s, int64_t k, lac_sampler_moves *m)
{
    const int64_t t = (int64_t)s->timestep[k];
    const double now = s->schedule.alpha_bar[t], then = k + 1 < s->n ? s->schedule.alpha_bar[(int64_t)s->timestep[k + 1]] : 1;
    const double beta = 1 - now / then, share = (1 - then) / (1 - now), of_x0 = sqrt(then) * beta / (1 - now);
    const bool large = strcmp(lac_config_str(s->config, "variance_type"), "fixed_large") == 0;
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
    if (t > 0)
        lac_move_add(x, LAC_SLOT_NOISE, sqrt(large ? beta : fmax(share * beta, 1e-20)));
}

static bool is_random(const lac_sampler *s) { return (void)s, true; }

static const lac_key keys[] = {
    LAC_SAMPLER_KEYS("\"leading\""), LAC_PREDICTION_KEY,
    { "clip_sample", LAC_KEY_BOOL, "true", .help = "cut the estimate of x_0" },
    { "clip_sample_range", LAC_KEY_NUM, "1", .min = 1e-6, .max = 1e6, .help = "to plus and minus this" },
    { "variance_type", LAC_KEY_STR, "\"fixed_small\"", .choices = "fixed_small|fixed_large", .help = "of the noise added" },
    { NULL },
};
const lac_sampler_def lac_sampler_ddpm = { "DDPMScheduler", "DDPM, ancestral steps", keys, init, step, is_random };
