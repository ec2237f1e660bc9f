/* models/diffusion/timesteps.h -- at which of T training timesteps a sampler of S steps calls the network, and with how much noise.
 *
 *     leading    k floor(T / S) + offset
 *     trailing   round(T - k T / S) - 1
 *     linspace   round of S points from 0 to T - 1
 *
 * descending; halves round to even. Samplers of the Euler family do not round linspace; multistep solvers take S + 1 points of linspace, and of
 * leading with stride floor(T / (S + 1)), without the lowest. */
#pragma once

#include "models/diffusion/noise_schedule.h"

typedef enum { LAC_TIMESTEPS_PLAIN, LAC_TIMESTEPS_EULER, LAC_TIMESTEPS_MULTISTEP } lac_timesteps_style;

/* t[S]. config: num_train_timesteps, num_inference_steps, timestep_spacing, steps_offset. LAC_ERR_CONFIG names the key that takes a timestep out of
 * [0, T), or makes two of them equal. */
lac_status lac_timesteps(double *t, const json_t *config, lac_timesteps_style style);

/* Those of the list, num_inference_steps of them, falling. LAC_ERR_CONFIG says what is wrong with it. */
lac_status lac_timesteps_listed(double *t, const json_t *config, const json_t *list);

/* counts[n], each at least 1: T timesteps in n equal parts, the lowest first (the first ones longer by 1 where they are not equal), and of each so many from its first to
 * its last, rounded: how GLIDE's released code skips timesteps. t[sum of counts], descending. LAC_ERR_CONFIG where a part has not so many. */
lac_status lac_timesteps_sections(double *t, const int64_t *counts, int64_t n, int64_t all);

/* What solvers in terms of sigma (noise_schedule.h) go by: timestep[S] and sigma[S + 1], the last one final. config as above, and of these what the
 * sampler has: final_sigmas_type ("zero", or "sigma_min": that of timestep 0), use_karras_sigmas (Karras et al. 2022, eq. 5, rho 7: timesteps by
 * interpolation in log sigma; over the range of training and rounded, or with the Euler style over that of the list and as they are). An
 * alpha_bar of 0 counts as 2^-24. */
lac_status lac_sigmas(double *timestep, double *sigma, const lac_noise_schedule *s, const json_t *config, lac_timesteps_style style);
