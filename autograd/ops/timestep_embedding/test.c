#include "autograd/ops/timestep_embedding/formula.h"
#include "autograd/ops/timestep_embedding/timestep_embedding.h"
#include "tests/harness/op.h"

#include <math.h>

#define ATTR(...) &(const lac_timestep_embedding_attr){ __VA_ARGS__ }
#define CASE(a, ...) (lac_op_case){ .op = LAC_OP_timestep_embedding, .attr = a, .ref = timestep_embedding_ref, .in = { LAC_RANDOM(__VA_ARGS__) } }

LAC_TEST(timestep_embedding_matches_its_formula)
{
    LAC_CHECK(lac_op_value_gap(&CASE(ATTR(.width = 32), 3), LAC_F32) < 2e-7);
    LAC_CHECK(lac_op_value_gap(&CASE(ATTR(.width = 9, .flip_sin_to_cos = true, .freq_shift = 1), 5), LAC_F32) < 2e-7);
    LAC_CHECK(lac_op_value_gap(&CASE(ATTR(.width = 2), 4), LAC_F32) < 2e-7);
    LAC_CHECK(lac_op_value_gap(&CASE(ATTR(.width = 16, .dtype = LAC_BF16), 3), LAC_F32) < 4e-3);
}

LAC_TEST(timestep_embedding_agrees_with_diffusers)      /* timesteps up to 1000, fractions among them; its phases are f32 */
{
    LAC_CHECK(lac_op_golden_gap(LAC_OP_timestep_embedding, ATTR(.width = 320, .flip_sin_to_cos = true), "ops.safetensors", "time_320") < 1e-5);
    LAC_CHECK(lac_op_golden_gap(LAC_OP_timestep_embedding, ATTR(.width = 12, .freq_shift = 1), "ops.safetensors", "time_shifted") < 1e-5);
}

LAC_TEST(timestep_embedding_is_right_far_out)           /* every number, and not their mean alone */
{
    const int64_t half = 160;
    double worst = 0;
    for (float t = -20; t <= 1000; t += 0.9371f)
        for (int64_t i = 0; i < half; i++) {
            const double phase = (double)t * exp(-log(10000) * (double)i / (double)half);
            worst = fmax(worst, fabs((double)lac_timestep_value(t, i, 2 * half, 0, false) - sin(phase)));
            worst = fmax(worst, fabs((double)lac_timestep_value(t, half + i, 2 * half, 0, false) - cos(phase)));
        }
    LAC_CHECK(worst < 3e-7);
}

LAC_TEST(timestep_embedding_of_no_samples) { lac_op_check(&CASE(ATTR(.width = 6), 0)); }

LAC_TEST(timestep_embedding_names_what_does_not_fit)
{
    LAC_CHECK_FAILS(lac_op_status(&CASE(ATTR(.width = 6), 2, 1)), LAC_ERR_SHAPE, "timestep [N], got [2,1]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(ATTR(.width = 1), 2)), LAC_ERR_ARG, "width of at least 2, got 1");
    LAC_CHECK_FAILS(lac_op_status(&CASE(ATTR(.width = 4, .freq_shift = 2), 2)), LAC_ERR_ARG, "freq_shift below 2");
    LAC_CHECK_FAILS(lac_op_status(&CASE(ATTR(.width = 4, .dtype = LAC_U8), 2)), LAC_ERR_DTYPE, "not u8");
}
