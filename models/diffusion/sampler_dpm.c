/* DPM-Solver++ multistep (Lu et al. 2022b, algorithm 2 and eq. 14) and its SDE form. With alpha = 1 / sqrt(1 + sigma^2), s = sigma alpha,
 * lambda = -ln sigma, D the estimate of x_0 and h = lambda_1 - lambda_0, from step 0 to 1:
 *
 *     x_1 = s_1 / s_0 x - alpha_1 (e^-h - 1) D_0 + c_1 D' + c_2 D'',     c_1 = -alpha_1 (e^-h - 1) / 2 (midpoint) or alpha_1 ((e^-h - 1) / h + 1)
 *
 * D', D'' from D_0 and those of up to two steps before. SDE: x also times e^-h, e^-2h for e^-h in the rest, c_1 the midpoint's, and noise. */
#include "models/diffusion/sampler.h"
#include "models/diffusion/timesteps.h"

#include <math.h>
#include <string.h>

static bool is(const lac_sampler *s, const char *key, const char *word) { return strcmp(lac_config_str(s->config, key), word) == 0; }
static bool is_sde(const lac_sampler *s) { return is(s, "algorithm_type", "sde-dpmsolver++"); }

static lac_status init(lac_sampler *s)
{
    if (is_sde(s) && lac_config_int(s->config, "solver_order") > 2)
        return LAC_FAIL(LAC_ERR_CONFIG, "'solver_order' should be 1 or 2 for 'sde-dpmsolver++', is %lld", (long long)lac_config_int(s->config, "solver_order"));
    return lac_sigmas(s->timestep, s->sigma, &s->schedule, s->config, LAC_TIMESTEPS_MULTISTEP);
}

static int64_t order_at(const lac_sampler *s, int64_t k)
{
    const bool lower = lac_config_bool(s->config, "lower_order_final") && s->steps < 15;
    const bool last = k == s->n - 1 && (lower || lac_config_bool(s->config, "euler_at_final") || s->sigma[s->n] == 0);
    const int64_t most = LAC_MIN(lac_config_int(s->config, "solver_order"), k + 1);
    return last ? 1 : k == s->n - 2 && lower ? LAC_MIN(most, 2) : most;
}

static int place(int64_t k) { return LAC_SLOT_HISTORY + (int)(k % 3); }

/* (e^-h - 1) / h + 1 and (e^-h - 1 + h) / h^2 - 1/2, without loss for small h. */
static double phi_1(double h) { return fabs(h) < 1e-3 ? h / 2 - h * h / 6 + h * h * h / 24 : expm1(-h) / h + 1; }
static double phi_2(double h) { return fabs(h) < 1e-2 ? -h / 6 + h * h / 24 - h * h * h / 120 + h * h * h * h / 720 : (expm1(-h) + h) / (h * h) - 0.5; }

/* c_1 D' and c_2 D'': h0 is the length of the step before, h1 of that before it. */
static void add_second(lac_move *x, int64_t k, double c, double h, double h0)
{
    lac_move_add(x, place(k), c * h / h0);
    lac_move_add(x, place(k - 1), -c * h / h0);
}

static void add_third(lac_move *x, int64_t k, double c1, double c2, double h, double h0, double h1)
{
    const double d0 = h / h0, d1 = h / h1, r = h0 / (h0 + h1), of_first = c1 * (1 + r) + c2 * h / (h0 + h1), of_second = -c1 * r - c2 * h / (h0 + h1);
    lac_move_add(x, place(k), of_first * d0);
    lac_move_add(x, place(k - 1), -of_first * d0 + of_second * d1);
    lac_move_add(x, place(k - 2), -of_second * d1);
}

static void step(const lac_sampler *s, int64_t k, lac_sampler_moves *m)
{
    const double *sigma = s->sigma + k, alpha_0 = 1 / sqrt(1 + sigma[0] * sigma[0]), alpha_1 = 1 / sqrt(1 + sigma[1] * sigma[1]);
    const double h = log(sigma[0]) - log(sigma[1]), ratio = sigma[1] * alpha_1 / (sigma[0] * alpha_0), fall = expm1(is_sde(s) ? -2 * h : -h);
    const double h0 = k > 0 ? log(sigma[-1]) - log(sigma[0]) : 0, h1 = k > 1 ? log(sigma[-2]) - log(sigma[-1]) : 0;
    const int64_t order = order_at(s, k);
    lac_move_add_estimate(lac_moves_to(m, place(k)), lac_estimate_x0(s->prediction, alpha_0, sigma[0] * alpha_0), 1);
    lac_move *x = lac_moves_to(m, LAC_SLOT_SAMPLE);
    lac_move_add(x, LAC_SLOT_SAMPLE, is_sde(s) ? ratio * exp(-h) : ratio);
    lac_move_add(x, place(k), -alpha_1 * fall);
    if (order == 2)
        add_second(x, k, is_sde(s) || is(s, "solver_type", "midpoint") ? -0.5 * alpha_1 * fall : alpha_1 * phi_1(h), h, h0);
    if (order == 3)
        add_third(x, k, alpha_1 * phi_1(h), -alpha_1 * phi_2(h), h, h0, h1);
    if (is_sde(s))
        lac_move_add(x, LAC_SLOT_NOISE, sigma[1] * alpha_1 * sqrt(-fall));
}

static const lac_key keys[] = {
    LAC_SAMPLER_KEYS("\"linspace\""), LAC_PREDICTION_KEY,
    { "solver_order", LAC_KEY_INT, "2", .min = 1, .max = 3, .help = "estimates combined" },
    { "algorithm_type", LAC_KEY_STR, "\"dpmsolver++\"", .choices = "dpmsolver++|sde-dpmsolver++", .help = "without or with noise" },
    { "solver_type", LAC_KEY_STR, "\"midpoint\"", .choices = "midpoint|heun", .help = "of the second order" },
    { "lower_order_final", LAC_KEY_BOOL, "true", .help = "fewer estimates at the end of less than 15 steps" },
    { "euler_at_final", LAC_KEY_BOOL, "false", .help = "one estimate at the last step" },
    { "use_karras_sigmas", LAC_KEY_BOOL, "false", .help = "noise levels of Karras et al." },
    { "final_sigmas_type", LAC_KEY_STR, "\"zero\"", .choices = "zero|sigma_min", .help = "what the last step ends with" },
    { NULL },
};
const lac_sampler_def lac_sampler_dpm = { "DPMSolverMultistepScheduler", "DPM-Solver++ multistep, orders 1 to 3, and its SDE form", keys, init, step, is_sde };
