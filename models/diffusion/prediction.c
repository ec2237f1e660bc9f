#include "models/diffusion/prediction.h"

#include <math.h>

lac_prediction lac_prediction_of(const json_t *config)
{
    const char *word = lac_config_str(config, "prediction_type");
    return word[0] == 'e' ? LAC_PREDICT_EPSILON : word[0] == 'v' ? LAC_PREDICT_V : LAC_PREDICT_SAMPLE;
}

lac_estimate lac_estimate_x0(lac_prediction p, double alpha, double sigma)
{
    switch (p) {
    case LAC_PREDICT_EPSILON: return (lac_estimate){ 1 / alpha, -sigma / alpha };
    case LAC_PREDICT_V: return (lac_estimate){ alpha, -sigma };
    default: return (lac_estimate){ 0, 1 };
    }
}

lac_estimate lac_estimate_x0_to_cut(lac_prediction p, double alpha, double sigma) { return lac_estimate_x0(p, fmax(alpha, 1e-30), sigma); }

lac_estimate lac_estimate_noise(lac_prediction p, double alpha, double sigma)
{
    switch (p) {
    case LAC_PREDICT_EPSILON: return (lac_estimate){ 0, 1 };
    case LAC_PREDICT_V: return (lac_estimate){ sigma, alpha };
    default: return (lac_estimate){ 1 / sigma, -alpha / sigma };
    }
}

lac_mixture lac_mix_sample(double alpha_bar) { return (lac_mixture){ sqrt(alpha_bar), sqrt(1 - alpha_bar) }; }
lac_mixture lac_mix_velocity(double alpha_bar) { return (lac_mixture){ -sqrt(1 - alpha_bar), sqrt(alpha_bar) }; }

lac_mixture lac_mix_target(lac_prediction p, double alpha_bar)
{
    switch (p) {
    case LAC_PREDICT_EPSILON: return (lac_mixture){ 0, 1 };
    case LAC_PREDICT_V: return lac_mix_velocity(alpha_bar);
    default: return (lac_mixture){ 1, 0 };
    }
}

double lac_snr(double alpha_bar) { return alpha_bar / (1 - alpha_bar); }

double lac_min_snr_weight(lac_prediction p, double alpha_bar, double gamma)
{
    const double snr = lac_snr(alpha_bar), m = fmin(snr, gamma);
    switch (p) {
    case LAC_PREDICT_EPSILON: return snr > 0 ? m / snr : 1;
    case LAC_PREDICT_V: return m / (snr + 1);
    default: return m;
    }
}
