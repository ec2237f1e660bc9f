/* fmath against libm in double, philox against the published known answers. */
#include "core/philox.h"
#include "tests/harness/test.h"

static double worst(float (*ours)(float), double (*theirs)(double), double from, double to, double floor)
{
    double gap = 0;
    for (int i = 0; i <= 200000; i++) {
        const float x = (float)(from + (to - from) * i / 200000);
        const double y = theirs(x), e = fabs(ours(x) - y) / fmax(fabs(y), floor);
        gap = fmax(gap, e);
    }
    return gap;
}

static float our_exp(float x) { return lac_exp(x); }
static float our_expm1(float x) { return lac_expm1(x); }
static float our_exp_negative(float x) { return lac_exp_negative(x); }
static float our_log(float x) { return lac_log(x); }
static float our_tanh(float x) { return lac_tanh(x); }
static float our_sigmoid(float x) { return lac_sigmoid(x); }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static float our_sin(float x) { float s, c; lac_sincos2pi(x, &s, &c); return s; }
static float our_cos(float x) { float s, c; lac_sincos2pi(x, &s, &c); return c; }
static double sin2pi(double x) { return sin(2 * 3.14159265358979323846 * x); }
static double cos2pi(double x) { return cos(2 * 3.14159265358979323846 * x); }

LAC_TEST(fmath_agrees_with_libm)        /* 3e-7 relative: two units in the last place of f32 */
{
    LAC_CHECK(worst(our_exp, exp, -87, 88, 1e-38) < 3e-7);
    LAC_CHECK(worst(our_exp_negative, exp, -87, 0, 1e-38) < 3e-7);
    LAC_CHECK(worst(our_expm1, expm1, -20, 0, 1e-9) < 3e-7);
    LAC_CHECK(worst(our_expm1, expm1, -1, 1, 1e-9) < 3e-7);
    LAC_CHECK(worst(our_log, log, 1e-6, 10, 1e-2) < 3e-7);
    LAC_CHECK(worst(our_tanh, tanh, -12, 12, 1e-9) < 4e-7);
    LAC_CHECK(worst(our_sigmoid, sigmoid, -80, 20, 1e-38) < 3e-7);
    LAC_CHECK(worst(our_sin, sin2pi, 0, 0.9999999, 1) < 3e-7);
    LAC_CHECK(worst(our_cos, cos2pi, 0, 0.9999999, 1) < 3e-7);
}

static float coarse_elu(float x) { float slope; return lac_elu_coarse(x, &slope); }
static float coarse_slope(float x) { float slope; lac_elu_coarse(x, &slope); return slope; }
static float coarse_sigmoid(float x) { return lac_sigmoid_coarse(x); }

LAC_TEST(coarse_functions_are_good_for_bf16)            /* polynomials of 7.5e-5 and 1.5e-5; bf16 rounds to 2e-3 */
{
    LAC_CHECK(worst(coarse_sigmoid, sigmoid, -87, 87, 1e-38) < 8e-5);
    LAC_CHECK(worst(coarse_elu, expm1, -87, 0, 1e-9) < 2e-5);
    LAC_CHECK(worst(coarse_slope, exp, -87, 0, 1e-38) < 2e-5);
    LAC_CHECK(coarse_elu(3) == 3 && coarse_slope(3) == 1 && coarse_elu(-3e38f) == -1 && coarse_elu(0) == 0);
    LAC_CHECK(coarse_sigmoid(3e38f) == 1 && coarse_sigmoid(-3e38f) < 2e-38f && coarse_elu(1e38f) == 1e38f);
    LAC_CHECK(isnan(coarse_elu(NAN)) && isnan(coarse_elu(-NAN)) && isnan(coarse_sigmoid(NAN)) && isnan(coarse_sigmoid(-NAN)));
}

LAC_TEST(fmath_keeps_the_ends)
{
    LAC_CHECK(lac_exp(0) == 1 && lac_exp(-200) == 0 && isinf(lac_exp(200)) && isnan(lac_exp(NAN)));
    LAC_CHECK(lac_exp_negative(0) == 1 && lac_exp_negative(-88) == 0 && lac_exp_negative(-INFINITY) == 0 && isnan(lac_exp_negative(NAN)));
    LAC_CHECK(lac_expm1(-200) == -1 && isnan(lac_elu(NAN)) && isnan(lac_sigmoid(NAN)) && isnan(lac_tanh(NAN)));
    LAC_CHECK(lac_sigmoid(-200) == 0 && lac_sigmoid(200) == 1 && lac_tanh(50) == 1 && lac_tanh(-50) == -1);
    LAC_CHECK(lac_elu(0) == 0 && lac_elu(3) == 3);
}

LAC_TEST(philox_gives_the_published_known_answers)      /* Random123, kat_vectors, philox4x32 10 */
{
    uint32_t w[4];
    lac_philox p = { { 0, 0 }, { 0, 0, 0, 0 } };
    lac_philox_block(&p, 0, w);
    LAC_CHECK(w[0] == 0x6627e8d5 && w[1] == 0xe169c58d && w[2] == 0xbc57ac4c && w[3] == 0x9b00dbd8);
    p = (lac_philox){ { 0xa4093822, 0x299f31d0 }, { 0x243f6a88, 0x85a308d3, 0, 0x03707344 } };
    lac_philox_block(&p, 0x13198a2e, w);
    LAC_CHECK(w[0] == 0xd16cfe09 && w[1] == 0x94fdcceb && w[2] == 0x5001e420 && w[3] == 0x24126ea1);
}

LAC_TEST(normals_have_mean_0_and_variance_1)
{
    lac_stream s = lac_stream_at(7, lac_purpose("test"), 0, 0);
    double sum = 0, square = 0;
    const int n = 200000;                               /* standard error of the mean 0.0022, of the variance 0.0032 */
    for (int i = 0; i < n; i++) {
        const double x = lac_stream_normal(&s);
        sum += x, square += x * x;
    }
    LAC_CHECK(fabs(sum / n) < 0.01 && fabs(square / n - 1) < 0.015);
}
