/* UniPC (Zhao et al. 2023, eq. 3 and 9), predicting x_0. alpha, s, lambda and D as in sampler_dpm.c. From a to b = a + 1, of order p, m = D_a:
 *
 *     h = lambda_b - lambda_a, u = -h, phi = e^u - 1, B = u (bh1) or phi (bh2), r_j = (lambda_{a-j} - lambda_a) / h, r_p = 1
 *     x_b = s_b / s_a x_a - alpha_b phi m - alpha_b B (sum over j < p of rho_j (D_{a-j} - m) / r_j [+ rho_p (D_b - m)])
 *
 * The step at i first corrects x_i, with what is in brackets, the order of the predictor before and D_i of the uncorrected x_i; then it predicts. rho
 * solves sum over j of r_j^{k-1} rho_j = g_k k! / B, g_1 = phi / u - 1, g_{k+1} = g_k / u - 1 / (k+1)!. */
#include "models/diffusion/sampler.h"
#include "models/diffusion/timesteps.h"

#include <math.h>
#include <string.h>

enum { ORDERS = 5 };            /* a corrector of order p has p + 2 terms */

static int64_t order_at(const lac_sampler *s, int64_t k)
{
    const int64_t most = LAC_MIN(lac_config_int(s->config, "solver_order"), k + 1);
    return lac_config_bool(s->config, "lower_order_final") ? LAC_MIN(most, s->n - k) : most;
}

static lac_status init(lac_sampler *s)
{
    LAC_TRY(lac_sigmas(s->timestep, s->sigma, &s->schedule, s->config, LAC_TIMESTEPS_MULTISTEP));
    if (s->sigma[s->n] == 0 && order_at(s, s->n - 1) > 1)
        return LAC_FAIL(LAC_ERR_CONFIG, "'lower_order_final' must be true where 'final_sigmas_type' is 'zero'");
    return LAC_OK;
}

static int place(int64_t k) { return LAC_SLOT_HISTORY + (int)(k % ORDERS); }

/* Gauss with the largest pivot; n is small. */
static void solve(double a[ORDERS][ORDERS], double b[ORDERS], int n)
{
    for (int i = 0; i < n; i++) {
        int best = i;
        for (int k = i + 1; k < n; k++)
            best = fabs(a[k][i]) > fabs(a[best][i]) ? k : best;
        for (int j = 0; j < n; j++) {
            const double v = a[i][j];
            a[i][j] = a[best][j];
            a[best][j] = v;
        }
        const double v = b[i];
        b[i] = b[best];
        b[best] = v;
        for (int k = 0; k < n; k++) {
            const double f = k == i ? 0 : a[k][i] / a[i][i];
            for (int j = i; j < n; j++)
                a[k][j] -= f * a[i][j];
            b[k] -= f * b[i];
        }
    }
    for (int i = 0; i < n; i++)
        b[i] /= a[i][i];
}

typedef struct leap { double alpha, ratio, phi, scale, r[ORDERS], rho[ORDERS]; } leap;

/* The leading n equations for rho. */
static void weigh(leap *l, double u, int n)
{
    double a[ORDERS][ORDERS], g = l->phi / u - 1, factorial = 1;
    for (int k = 0; k < n; k++) {
        for (int j = 0; j < n; j++)
            a[k][j] = pow(l->r[j], k);
        l->rho[k] = g * factorial / l->scale;
        factorial *= k + 2;
        g = g / u - 1 / factorial;
    }
    solve(a, l->rho, n);
}

static leap leap_from(const lac_sampler *s, int64_t a, int p, bool correct)
{
    const double *sigma = s->sigma + a, alpha_0 = 1 / sqrt(1 + sigma[0] * sigma[0]), alpha_1 = 1 / sqrt(1 + sigma[1] * sigma[1]);
    const double h = log(sigma[0]) - log(sigma[1]);
    leap l = { .alpha = alpha_1, .ratio = sigma[1] * alpha_1 / (sigma[0] * alpha_0), .phi = expm1(-h) };
    const int n = correct ? p : p - 1;
    l.scale = strcmp(lac_config_str(s->config, "solver_type"), "bh1") == 0 ? -h : l.phi;
    for (int j = 1; j < p; j++)
        l.r[j - 1] = (log(sigma[0]) - log(sigma[-j])) / h;
    l.r[p - 1] = 1;
    if (n == 1)
        l.rho[0] = 0.5;
    else if (n > 0 && h != 0)
        weigh(&l, -h, n);
    return l;
}

/* x_b into the sample's slot; start is the slot of x_a. */
static void add_leap(lac_move *x, const leap *l, int64_t a, int p, int start, bool correct)
{
    const double c = -l->alpha * l->scale;
    lac_move_add(x, start, l->ratio);
    lac_move_add(x, place(a), -l->alpha * l->phi);
    for (int j = 1; j < p; j++) {
        lac_move_add(x, place(a - j), c * l->rho[j - 1] / l->r[j - 1]);
        lac_move_add(x, place(a), -c * l->rho[j - 1] / l->r[j - 1]);
    }
    if (correct) {
        lac_move_add(x, place(a + 1), c * l->rho[p - 1]);
        lac_move_add(x, place(a), -c * l->rho[p - 1]);
    }
}

static bool corrects(const lac_sampler *s, int64_t k)
{
    const json_t *without = lac_config_at(s->config, "disable_corrector");
    for (size_t i = 0; i < json_array_size(without); i++)
        if (json_integer_value(json_array_get(without, i)) == k - 1)
            return false;
    return k > 0;
}

static void step(const lac_sampler *s, int64_t k, lac_sampler_moves *m)
{
    const double sigma = s->sigma[k], alpha = 1 / sqrt(1 + sigma * sigma);
    const int p = (int)order_at(s, k);
    const leap ahead = leap_from(s, k, p, false);
    lac_move_add_estimate(lac_moves_to(m, place(k)), lac_estimate_x0(s->prediction, alpha, sigma * alpha), 1);
    if (corrects(s, k)) {
        const int before = (int)order_at(s, k - 1);
        const leap again = leap_from(s, k - 1, before, true);
        add_leap(lac_moves_to(m, LAC_SLOT_SAMPLE), &again, k - 1, before, LAC_SLOT_START, true);
    }
    lac_move_add(lac_moves_to(m, LAC_SLOT_START), LAC_SLOT_SAMPLE, 1);
    add_leap(lac_moves_to(m, LAC_SLOT_SAMPLE), &ahead, k, p, LAC_SLOT_SAMPLE, false);
}

static const lac_key keys[] = {
    LAC_SAMPLER_KEYS("\"linspace\""), LAC_PREDICTION_KEY,
    { "solver_order", LAC_KEY_INT, "2", .min = 1, .max = ORDERS - 1, .help = "estimates combined" },
    { "solver_type", LAC_KEY_STR, "\"bh2\"", .choices = "bh1|bh2", .help = "B(h)" },
    { "lower_order_final", LAC_KEY_BOOL, "true", .help = "fewer estimates at the end" },
    { "disable_corrector", LAC_KEY_LIST, "[]", .of = LAC_KEY_INT, .help = "steps whose result is not corrected" },
    { "use_karras_sigmas", LAC_KEY_BOOL, "false", .help = "noise levels of Karras et al." },
    { "final_sigmas_type", LAC_KEY_STR, "\"zero\"", .choices = "zero|sigma_min", .help = "what the last step ends with" },
    { NULL },
};
const lac_sampler_def lac_sampler_unipc = { "UniPCMultistepScheduler", "UniPC, orders 1 to 4, with corrector", keys, init, step };
