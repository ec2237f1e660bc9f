/* Euler's method in terms of sigma (Karras et al. 2022, algorithm 2 without churn; ancestral steps after Crowson's k-diffusion). The sample is
 * y = x_0 + sigma noise, the network sees y / sqrt(sigma^2 + 1):
 *
 *     y <- y + (down - sigma) (y - x_0) / sigma + up noise
 *
 * up 0, down the next sigma s'; ancestral: up = sqrt(s'^2 (sigma^2 - s'^2) / sigma^2), down = sqrt(s'^2 - up^2). */
#include "models/diffusion/sampler.h"
#include "models/diffusion/timesteps.h"

#include <math.h>
#include <string.h>

static lac_status init(lac_sampler *s)
{
    LAC_TRY(lac_sigmas(s->timestep, s->sigma, &s->schedule, s->config, LAC_TIMESTEPS_EULER));
    double most = 0;
    for (int64_t k = 0; k <= s->n; k++)
        most = fmax(most, s->sigma[k]);
    s->init_sigma = strcmp(lac_config_str(s->config, "timestep_spacing"), "leading") == 0 ? sqrt(most * most + 1) : most;
    return LAC_OK;
}

/* x_0 from y and the output. */
static lac_estimate estimate(lac_prediction p, double sigma)
{
    switch (p) {
    case LAC_PREDICT_EPSILON: return (lac_estimate){ 1, -sigma };
    case LAC_PREDICT_V: return (lac_estimate){ 1 / (sigma * sigma + 1), -sigma / sqrt(sigma * sigma + 1) };
    default: return (lac_estimate){ 0, 1 };
    }
}

static void step_to(const lac_sampler *s, int64_t k, double down, double up, lac_sampler_moves *m)
{
    const double sigma = s->sigma[k];
    const lac_estimate x0 = estimate(s->prediction, sigma);
    lac_move *y = lac_moves_to(m, LAC_SLOT_SAMPLE);
    lac_move_add(y, LAC_SLOT_SAMPLE, 1 + (down - sigma) * (1 - x0.x) / sigma);
    lac_move_add(y, LAC_SLOT_OUTPUT, -(down - sigma) * x0.output / sigma);
    lac_move_add(y, LAC_SLOT_NOISE, up);
}

static void euler(const lac_sampler *s, int64_t k, lac_sampler_moves *m) { step_to(s, k, s->sigma[k + 1], 0, m); }

static void ancestral(const lac_sampler *s, int64_t k, lac_sampler_moves *m)
{
    const double from = s->sigma[k], to = s->sigma[k + 1], up = to * sqrt((from - to) * (from + to)) / from;
    step_to(s, k, sqrt((to - up) * (to + up)), up, m);
}

static bool is_random(const lac_sampler *s) { return (void)s, true; }

static const lac_key euler_keys[] = {
    LAC_SAMPLER_KEYS("\"linspace\""), LAC_PREDICTION_KEY,
    { "use_karras_sigmas", LAC_KEY_BOOL, "false", .help = "noise levels of Karras et al." },
    { "final_sigmas_type", LAC_KEY_STR, "\"zero\"", .choices = "zero|sigma_min", .help = "what the last step ends with" },
    { NULL },
};
static const lac_key ancestral_keys[] = {
    LAC_SAMPLER_KEYS("\"linspace\""),
    { "prediction_type", LAC_KEY_STR, "\"epsilon\"", .choices = "epsilon|v_prediction", .help = "what the network predicts" },
    { NULL },
};
const lac_sampler_def lac_sampler_euler = { "EulerDiscreteScheduler", "Euler", euler_keys, init, euler, .scales_input = true };
const lac_sampler_def lac_sampler_euler_ancestral = { "EulerAncestralDiscreteScheduler", "Euler, ancestral", ancestral_keys, init, ancestral, is_random, .scales_input = true };
