/* PNDM without Runge-Kutta steps, which is PLMS (Liu et al. 2022, eq. 9, 11 and 12): a DDIM step with e', a combination of the outputs so far,
 *
 *     x_p = sqrt(alpha_bar_p / alpha_bar_t) x_t - (alpha_bar_p - alpha_bar_t) e' / (alpha_bar_t sqrt(1 - alpha_bar_p) + sqrt(alpha_bar_t (1 - alpha_bar_t) alpha_bar_p))
 *
 * The second timestep is called twice: call 1 repeats call 0's step from the sample that it began with, e' the mean of both outputs, and its output
 * is not remembered. Then 2, 3 and at last 4 outputs are combined (Adams and Bashforth). A v-prediction is turned into noise after it is combined. */
#include "models/diffusion/sampler.h"
#include "models/diffusion/timesteps.h"

#include <math.h>

static lac_status init(lac_sampler *s)
{
    if (!lac_config_bool(s->config, "skip_prk_steps"))
        return LAC_FAIL(LAC_ERR_CONFIG, "'skip_prk_steps' must be true: there are no Runge-Kutta steps");
    LAC_TRY(lac_timesteps(s->timestep, s->config, LAC_TIMESTEPS_PLAIN));
    if (s->steps > 1) {
        for (int64_t k = s->steps; k > 1; k--)
            s->timestep[k] = s->timestep[k - 1];
        s->n = s->steps + 1;
    }
    return LAC_OK;
}

/* The second timestep of those that are left comes twice. */
static void skipped(lac_sampler *s)
{
    s->timestep[0] = s->timestep[1];
    if (s->n > 2)
        s->timestep[1] = s->timestep[2];
    else
        s->n = 1;
}

static double alpha_bar_at(const lac_sampler *s, int64_t t)
{
    return t >= 0 ? s->schedule.alpha_bar[t] : lac_config_bool(s->config, "set_alpha_to_one") ? 1 : s->schedule.alpha_bar[0];
}

/* e' of call k: the weights of its own output and of those remembered, the latest first. */
static int weights(int64_t k, double w[4])
{
    static const double of[4][4] = { { 1 }, { 3 / 2.0, -1 / 2.0 }, { 23 / 12.0, -16 / 12.0, 5 / 12.0 }, { 55 / 24.0, -59 / 24.0, 37 / 24.0, -9 / 24.0 } };
    const int n = k < 2 ? 1 : k < 5 ? (int)k : 4;
    for (int i = 0; i < n; i++)
        w[i] = k == 1 ? 0.5 : of[n - 1][i];
    return n;
}

/* Call 0 is remembered in place 0, call k > 1 in place (k - 1) % 4. */
static int place(int64_t k) { return LAC_SLOT_HISTORY + (int)((k > 0 ? k - 1 : 0) % 4); }

static void step(const lac_sampler *s, int64_t k, lac_sampler_moves *m)
{
    const int64_t stride = s->schedule.n / s->steps, at = (int64_t)s->timestep[k], t = k == 1 ? at + stride : at, p = t - stride;
    const double now = alpha_bar_at(s, t), then = alpha_bar_at(s, p);
    const double of_noise = -(then - now) / (now * sqrt(1 - then) + sqrt(now * (1 - now) * then));
    const lac_estimate noise = lac_estimate_noise(s->prediction, sqrt(now), sqrt(1 - now));
    const int from = k == 1 ? LAC_SLOT_START : LAC_SLOT_SAMPLE;
    double w[4];
    const int n = weights(k, w);
    if (k == 0)
        lac_move_add(lac_moves_to(m, LAC_SLOT_START), LAC_SLOT_SAMPLE, 1);
    lac_move *x = lac_moves_to(m, LAC_SLOT_SAMPLE);
    lac_move_add(x, from, sqrt(then / now) + of_noise * noise.x);
    lac_move_add(x, LAC_SLOT_OUTPUT, of_noise * noise.output * w[0]);
    if (k == 1)
        lac_move_add(x, place(0), of_noise * noise.output * 0.5);
    for (int i = 1; i < n; i++)
        lac_move_add(x, place(k - i > 1 ? k - i : 0), of_noise * noise.output * w[i]);
    if (k != 1)
        lac_move_add(lac_moves_to(m, place(k)), LAC_SLOT_OUTPUT, 1);
}

static const lac_key keys[] = {
    LAC_SAMPLER_KEYS("\"leading\""),
    { "prediction_type", LAC_KEY_STR, "\"epsilon\"", .choices = "epsilon|v_prediction", .help = "what the network predicts" },
    { "skip_prk_steps", LAC_KEY_BOOL, "true", .help = "true" },
    { "set_alpha_to_one", LAC_KEY_BOOL, "false", .help = "the last step ends without noise, else with that of timestep 0" },
    { NULL },
};
const lac_sampler_def lac_sampler_pndm = { "PNDMScheduler", "PLMS", keys, init, step, .skipped = skipped };
