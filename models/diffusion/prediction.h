/* models/diffusion/prediction.h -- what a network predicts, and what follows from it. With x_t = alpha x_0 + sigma noise, alpha^2 + sigma^2 = 1:
 *
 *     epsilon        the noise
 *     v_prediction   v = alpha noise - sigma x_0 (Salimans and Ho 2022)
 *     sample         x_0
 *
 * Each of x_0 and the noise is a combination of x_t and the prediction. */
#pragma once

#include <stdint.h>

#include "models/diffusion/noise_schedule.h"

typedef enum { LAC_PREDICT_EPSILON, LAC_PREDICT_V, LAC_PREDICT_SAMPLE } lac_prediction;

#define LAC_PREDICTION_KEY { "prediction_type", LAC_KEY_STR, "\"epsilon\"", .choices = "epsilon|v_prediction|sample", .help = "what the network predicts" }

lac_prediction lac_prediction_of(const json_t *config);     /* key "prediction_type" */

/* x times x_t plus output times the prediction. */
typedef struct lac_estimate { double x, output; } lac_estimate;
lac_estimate lac_estimate_x0(lac_prediction p, double alpha, double sigma);
/* The same of an estimate that is cut, which may be as large as it likes: where there is noise alone (alpha 0), one of the two ends. */
lac_estimate lac_estimate_x0_to_cut(lac_prediction p, double alpha, double sigma);
lac_estimate lac_estimate_noise(lac_prediction p, double alpha, double sigma);

/* Of training, at one alpha_bar: each is picture times x_0 plus noise times the noise. */
typedef struct lac_mixture { double picture, noise; } lac_mixture;
lac_mixture lac_mix_sample(double alpha_bar);                       /* x_t */
lac_mixture lac_mix_velocity(double alpha_bar);
lac_mixture lac_mix_target(lac_prediction p, double alpha_bar);     /* what the network should predict */

double lac_snr(double alpha_bar);                                   /* alpha_bar / (1 - alpha_bar) */
/* Min-SNR weight of the squared error (Hang et al. 2023), m = min(snr, gamma): m / snr (1 where snr is 0), m / (snr + 1), or m. */
double lac_min_snr_weight(lac_prediction p, double alpha_bar, double gamma);
