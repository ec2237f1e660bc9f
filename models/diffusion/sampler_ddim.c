/* DDIM (Song, Meng and Ermon 2021, eq. 12 and 16): t -> p = t - floor(T / S), where alpha_bar_p is 1 or that of timestep 0 below 0,
 *
 *     x_p = sqrt(alpha_bar_p) x_0 + sqrt(1 - alpha_bar_p - v) noise_t + sqrt(v) noise
 *     v = eta^2 (1 - alpha_bar_p) / (1 - alpha_bar_t) (1 - alpha_bar_t / alpha_bar_p)
 *
 * noise_t is what the network says, also where the estimate of x_0 is cut. */
#include "models/diffusion/sampler.h"
#include "models/diffusion/timesteps.h"

#include <math.h>

static lac_status init(lac_sampler *s) { return lac_timesteps(s->timestep, s->config, LAC_TIMESTEPS_PLAIN); }

static void step(const lac_sampler *s, int64_t k, lac_sampler_moves *m)
{
    const double *alpha_bar = s->schedule.alpha_bar, eta = lac_config_num(s->config, "eta");
    const int64_t t = (int64_t)s->timestep[k], p = t - s->schedule.n / s->steps;
    const double now = alpha_bar[t], then = p >= 0 ? alpha_bar[p] : lac_config_bool(s->config, "set_alpha_to_one") ? 1 : alpha_bar[0];
    const double v = eta * eta * (1 - then) / (1 - now) * (1 - now / then);
    const bool clip = lac_config_bool(s->config, "clip_sample");
    const lac_estimate x0 = (clip ? lac_estimate_x0_to_cut : lac_estimate_x0)(s->prediction, sqrt(now), sqrt(1 - now));
    const lac_estimate noise = lac_estimate_noise(s->prediction, sqrt(now), sqrt(1 - now));
    if (clip) {
        lac_move *estimate = lac_moves_to(m, LAC_SLOT_X0);
        lac_move_add_estimate(estimate, x0, 1);
        estimate->clip = lac_config_num(s->config, "clip_sample_range");
    }
    lac_move *x = lac_moves_to(m, LAC_SLOT_SAMPLE);
    if (clip)
        lac_move_add(x, LAC_SLOT_X0, sqrt(then));
    else
        lac_move_add_estimate(x, x0, sqrt(then));
    lac_move_add_estimate(x, noise, sqrt(fmax(1 - then - v, 0)));
    lac_move_add(x, LAC_SLOT_NOISE, sqrt(v));
}

static bool is_random(const lac_sampler *s) { return lac_config_num(s->config, "eta") > 0; }

static const lac_key keys[] = {
    LAC_SAMPLER_KEYS("\"leading\""), LAC_PREDICTION_KEY,
    { "eta", LAC_KEY_NUM, "0", .min = 0, .max = 1, .help = "how much noise is drawn anew; 1: as much as DDPM" },
    { "clip_sample", LAC_KEY_BOOL, "true", .help = "cut the estimate of x_0" },
    { "clip_sample_range", LAC_KEY_NUM, "1", .min = 1e-6, .max = 1e6, .help = "to plus and minus this" },
    { "set_alpha_to_one", LAC_KEY_BOOL, "true", .help = "the last step ends without noise, else with that of timestep 0" },
    { NULL },
};
const lac_sampler_def lac_sampler_ddim = { "DDIMScheduler", "DDIM, with eta", keys, init, step, is_random };
