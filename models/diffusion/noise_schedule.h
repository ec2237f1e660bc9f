/* models/diffusion/noise_schedule.h -- how much noise a sample holds at each training timestep.
 *
 *     x_t = sqrt(alpha_bar[t]) x_0 + sqrt(1 - alpha_bar[t]) noise,   alpha_bar[t] = product over i <= t of (1 - beta[i])
 *
 *     linear             beta from beta_start to beta_end
 *     scaled_linear      its square root from one's to the other's (Stable Diffusion)
 *     squaredcos_cap_v2  alpha_bar follows cos^2 (Nichol and Dhariwal 2021), beta at most 0.999
 *
 * With rescale_betas_zero_snr, r = sqrt(alpha_bar) becomes (r - r[T-1]) r[0] / (r[0] - r[T-1]): the last timestep is noise alone (Lin et al. 2023).
 * All in double. */
#pragma once

#include "core/config.h"

typedef struct lac_noise_schedule { int64_t n; double *alpha_bar; } lac_noise_schedule;

/* The keys of the config, with the defaults of the caller's system (C literals as JSON). */
#define LAC_NOISE_SCHEDULE_KEYS(start, end, kind)                                                                                       \
    { "num_train_timesteps", LAC_KEY_INT, "1000", .min = 1, .max = 1000000, .help = "timesteps of training, T" },                       \
    { "beta_start", LAC_KEY_NUM, start, .min = 1e-12, .max = 0.999999, .help = "first beta" },                                          \
    { "beta_end", LAC_KEY_NUM, end, .min = 1e-12, .max = 0.999999, .help = "last beta" },                                               \
    { "beta_schedule", LAC_KEY_STR, kind, .choices = "linear|scaled_linear|squaredcos_cap_v2", .help = "how beta goes from one to the other" }, \
    { "rescale_betas_zero_snr", LAC_KEY_BOOL, "false", .help = "the last timestep is noise alone" }

/* config is resolved and has these keys. LAC_ERR_CONFIG where nothing can be rescaled (T = 1). Ends with lac_noise_schedule_free, safe on zeroes. */
lac_status lac_noise_schedule_open(lac_noise_schedule *s, const json_t *config);
void lac_noise_schedule_free(lac_noise_schedule *s);

/* sqrt((1 - alpha_bar) / alpha_bar): the noise in a sample whose picture has scale 1. */
double lac_noise_sigma(double alpha_bar);
