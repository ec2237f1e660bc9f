#include "models/diffusion/timesteps.h"

#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* a / b rounded, halves to even; a >= 0. */
static int64_t round_ratio(int64_t a, int64_t b)
{
    const int64_t down = a / b, rest = 2 * (a % b);
    return down + (rest > b || (rest == b && down % 2 != 0));
}

/* Point k of `steps`, counted from the lowest. */
static double point(const char *spacing, int64_t k, int64_t all, int64_t steps, int64_t offset, lac_timesteps_style style)
{
    const int64_t multi = style == LAC_TIMESTEPS_MULTISTEP;
    const int64_t gaps = steps - 1 + multi;                     /* of linspace */
    if (strcmp(spacing, "leading") == 0)
        return (double)((k + multi) * (all / (steps + multi)) + offset);
    if (strcmp(spacing, "trailing") == 0)
        return (double)(round_ratio(all * (k + 1), steps) - 1);
    if (gaps == 0)
        return 0;
    return style == LAC_TIMESTEPS_EULER ? (double)k * ((double)(all - 1) / (double)gaps) : (double)round_ratio((k + multi) * (all - 1), gaps);
}

static lac_status check(const double *t, int64_t n, int64_t all, const char *spacing)
{
    if (t[0] > (double)(all - 1))
        return LAC_FAIL(LAC_ERR_CONFIG, "'steps_offset' takes timestep %.9g beyond the last, %lld", t[0], (long long)(all - 1));
    for (int64_t k = 1; k < n; k++)
        if (t[k] >= t[k - 1])
            return LAC_FAIL(LAC_ERR_CONFIG, "'num_inference_steps' is %lld: of %lld timesteps, '%s' takes %.9g twice", (long long)n, (long long)all, spacing, t[k]);
    return LAC_OK;
}

lac_status lac_timesteps(double *t, const json_t *config, lac_timesteps_style style)
{
    const int64_t all = lac_config_int(config, "num_train_timesteps"), n = lac_config_int(config, "num_inference_steps");
    const char *spacing = lac_config_str(config, "timestep_spacing");
    if (n > all)
        return LAC_FAIL(LAC_ERR_CONFIG, "'num_inference_steps' is %lld, at most 'num_train_timesteps' are possible: %lld", (long long)n, (long long)all);
    for (int64_t k = 0; k < n; k++)
        t[n - 1 - k] = point(spacing, k, all, n, lac_config_int(config, "steps_offset"), style);
    return check(t, n, all, spacing);
}

lac_status lac_timesteps_listed(double *t, const json_t *config, const json_t *list)
{
    const int64_t all = lac_config_int(config, "num_train_timesteps"), n = lac_config_int(config, "num_inference_steps");
    if ((int64_t)json_array_size(list) != n)
        return LAC_FAIL(LAC_ERR_CONFIG, "'timesteps' are %lld, 'num_inference_steps' is %lld", (long long)json_array_size(list), (long long)n);
    for (int64_t k = 0; k < n; k++) {
        t[k] = (double)json_integer_value(json_array_get(list, (size_t)k));
        if (t[k] > (double)(all - 1) || (k > 0 && t[k] >= t[k - 1]))
            return LAC_FAIL(LAC_ERR_CONFIG, "'timesteps' must fall from at most %lld, found %.9g", (long long)(all - 1), t[k]);
    }
    return LAC_OK;
}

lac_status lac_timesteps_sections(double *t, const int64_t *counts, int64_t n, int64_t all)
{
    int64_t left = 0, first = 0;
    for (int64_t i = 0; i < n; i++)
        left += counts[i];
    for (int64_t i = 0; i < n; i++) {
        const int64_t size = all / n + (i < all % n);
        if (size < counts[i])
            return LAC_FAIL(LAC_ERR_CONFIG, "%lld timesteps of %lld cannot be taken", (long long)counts[i], (long long)size);
        for (int64_t k = 0; k < counts[i]; k++)
            t[--left] = (double)(first + (counts[i] > 1 ? round_ratio(k * (size - 1), counts[i] - 1) : 0));
        first += size;
    }
    return LAC_OK;
}

/* ---- sigmas ---- */

static double at_timestep(const double *sigma, int64_t n, double t)
{
    const int64_t low = (int64_t)t;
    return low + 1 < n ? sigma[low] + (t - (double)low) * (sigma[low + 1] - sigma[low]) : sigma[low];
}

/* The timestep of a sigma, between the two nearest in log sigma: the last two where sigmas do not rise throughout (a schedule of zero SNR, whose end is given). */
static double timestep_of(const double *sigma, int64_t n, double value)
{
    int64_t low = n - 1;
    while (low > 0 && sigma[low] > value)
        low--;
    if (n < 2)
        return 0;
    low = LAC_MIN(low, n - 2);
    const double a = log(sigma[low]), b = log(sigma[low + 1]), w = (a - log(fmax(value, 1e-10))) / (a - b);
    return (double)low + fmin(fmax(w, 0), 1);
}

/* n sigmas from most to least, evenly spaced in their 7th roots. */
static void karras(double *sigma, int64_t n, double most, double least)
{
    const double from = pow(most, 1 / 7.0), to = pow(least, 1 / 7.0);
    for (int64_t k = 0; k < n; k++)
        sigma[k] = k == 0 ? most : pow(from + (double)k / (double)(n - 1) * (to - from), 7);
}

static void fill(double *timestep, double *sigma, const double *all, int64_t n_all, const json_t *config, lac_timesteps_style style)
{
    const int64_t n = lac_config_int(config, "num_inference_steps");
    const bool euler = style == LAC_TIMESTEPS_EULER;
    for (int64_t k = 0; k < n; k++)
        sigma[k] = at_timestep(all, n_all, timestep[k]);
    sigma[n] = strcmp(lac_config_str(config, "final_sigmas_type"), "sigma_min") == 0 ? all[0] : 0;
    if (!lac_config_bool(config, "use_karras_sigmas"))
        return;
    karras(sigma, n, euler ? sigma[0] : all[n_all - 1], euler ? sigma[n - 1] : all[0]);
    for (int64_t k = 0; k < n; k++) {
        const double t = timestep_of(all, n_all, sigma[k]);
        timestep[k] = euler ? t : rint(t);
    }
    if (sigma[n] > 0 && !euler)
        sigma[n] = sigma[n - 1];
}

lac_status lac_sigmas(double *timestep, double *sigma, const lac_noise_schedule *s, const json_t *config, lac_timesteps_style style)
{
    double *all;
    LAC_TRY(lac_timesteps(timestep, config, style));
    LAC_TRY(lac_calloc((void **)&all, (size_t)s->n, sizeof *all));
    for (int64_t t = 0; t < s->n; t++)
        all[t] = lac_noise_sigma(t + 1 == s->n && lac_config_bool(config, "rescale_betas_zero_snr") ? 0x1p-24 : s->alpha_bar[t]);
    fill(timestep, sigma, all, s->n, config, style);
    free(all);
    return LAC_OK;
}
