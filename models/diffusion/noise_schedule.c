#include "models/diffusion/noise_schedule.h"

#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* cos^2 at time x of [0, 1]. */
static double cosine(double x)
{
    const double c = cos((x + 0.008) / 1.008 * 1.57079632679489661923);
    return c * c;
}

static double beta_at(const json_t *config, int64_t i, int64_t n)
{
    const char *kind = lac_config_str(config, "beta_schedule");
    const double first = lac_config_num(config, "beta_start"), last = lac_config_num(config, "beta_end");
    const double at = n > 1 ? (double)i / (double)(n - 1) : 0;
    if (strcmp(kind, "linear") == 0)
        return first + at * (last - first);
    if (strcmp(kind, "scaled_linear") == 0) {
        const double root = sqrt(first) + at * (sqrt(last) - sqrt(first));
        return root * root;
    }
    return fmin(1 - cosine((double)(i + 1) / (double)n) / cosine((double)i / (double)n), 0.999);
}

static void rescale(lac_noise_schedule *s)
{
    const double first = sqrt(s->alpha_bar[0]), last = sqrt(s->alpha_bar[s->n - 1]);
    for (int64_t t = 0; t < s->n; t++) {
        const double r = (sqrt(s->alpha_bar[t]) - last) * first / (first - last);
        s->alpha_bar[t] = r * r;
    }
}

lac_status lac_noise_schedule_open(lac_noise_schedule *s, const json_t *config)
{
    const int64_t n = lac_config_int(config, "num_train_timesteps");
    const bool zero = lac_config_bool(config, "rescale_betas_zero_snr");
    *s = (lac_noise_schedule){ 0 };
    if (zero && n < 2)
        return LAC_FAIL(LAC_ERR_CONFIG, "'rescale_betas_zero_snr' wants at least 2 timesteps, 'num_train_timesteps' is %lld", (long long)n);
    LAC_TRY(lac_calloc((void **)&s->alpha_bar, (size_t)n, sizeof *s->alpha_bar));
    s->n = n;
    double product = 1;
    for (int64_t t = 0; t < n; t++)
        s->alpha_bar[t] = product *= 1 - beta_at(config, t, n);
    if (zero)
        rescale(s);
    return LAC_OK;
}

void lac_noise_schedule_free(lac_noise_schedule *s)
{
    free(s->alpha_bar);
    *s = (lac_noise_schedule){ 0 };
}

double lac_noise_sigma(double alpha_bar) { return sqrt((1 - alpha_bar) / alpha_bar); }
