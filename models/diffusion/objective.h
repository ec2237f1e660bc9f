/* models/diffusion/objective.h -- what a diffusion network learns: noise added by timestep, the target, and the weight of its squared error.
 *
 *     x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) noise,   loss = mean over samples of weight_t mean (network(x_t, t) - target)^2
 *
 * Where the network says its variance too, the variational bound's term is added (autograd/ops/vlb_loss).
 *
 * On the tape these are ops with a row of coefficients a sample: lac_lincomb(t, rows, { x_0, noise }, 2, ...) for x_t and the target, lac_mse_loss with
 * the weights. The rows are made here in double, for given timesteps, or for all of them as a table. */
#pragma once

#include "models/diffusion/prediction.h"

typedef struct lac_objective { lac_noise_schedule schedule; lac_prediction prediction; double gamma; /* below 0: weights are 1 */ } lac_objective;

/* Keys of a config, with Stable Diffusion's schedule. */
extern const lac_key lac_objective_keys[];

/* config is resolved by lac_objective_keys. Ends with lac_objective_close, safe on zeroes. */
lac_status lac_objective_open(lac_objective *o, const json_t *config);
/* Stable Diffusion's schedule and no weights; prediction: "epsilon", "v_prediction", "sample". */
lac_status lac_objective_open_published(lac_objective *o, const char *prediction);
void lac_objective_close(lac_objective *o);

/* For n samples; members that are NULL are not wanted. */
typedef struct lac_objective_rows {
    float *sample, *velocity, *target;                  /* [n, 2]: of x_0 and of the noise */
    float *snr, *weight;                                /* [n] */
    float *variance;                                    /* [n, 4]: rows of lac_vlb_loss; at t = 0 the least of t = 1, for its own is nothing */
} lac_objective_rows;

/* timestep[n]; NULL: 0 .. n - 1. LAC_ERR_ARG where one is outside [0, T). */
lac_status lac_objective_fill(const lac_objective *o, const int64_t *timestep, int64_t n, const lac_objective_rows *rows);
