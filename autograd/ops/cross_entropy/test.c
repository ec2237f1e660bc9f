#include "autograd/ops/cross_entropy/cross_entropy.h"
#include "tests/harness/device.h"
#include "tests/harness/op.h"

#include <math.h>

#define CASE(...) (lac_op_case){ .op = LAC_OP_cross_entropy, .ref = cross_entropy_ref, .no_upstream = 2, .in = { __VA_ARGS__ } }

static void check(const lac_op_case *k)
{
    LAC_CHECK(lac_op_value_gap(k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_value_gap(k, LAC_BF16) < 1e-6);            /* sums of what the rounded logits give */
    LAC_CHECK(lac_op_gradient_gap(k, LAC_F32) < 1e-6);
    LAC_CHECK(lac_op_gradient_gap(k, LAC_BF16) < 4e-3);         /* gradients may be bf16 */
}

LAC_TEST(cross_entropy_matches_its_formula_and_differences)
{
    check(&CASE(LAC_RANDOM(5, 7), LAC_IDS(7, 5)));
    check(&CASE(LAC_RANDOM(3, 40), LAC_IDS(40, 3)));
    check(&CASE(LAC_RANDOM(4, 4)));                             /* the diagonal */
    check(&CASE(LAC_RANDOM(2, 5)));
}

LAC_TEST(cross_entropy_names_what_does_not_fit)
{
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(5), LAC_IDS(5, 5))), LAC_ERR_SHAPE, "logits [R, C], got [5]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(5, 3), LAC_IDS(3, 4))), LAC_ERR_SHAPE, "targets [4]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(5, 3))), LAC_ERR_SHAPE, "[5,3] has no diagonal");
}

typedef struct large { lac_tensor l, target, *sum; } large;

static lac_status body(lac_tape *t, void *context)
{
    large *x = context;
    return lac_keep(t, lac_cross_entropy(t, lac_tape_input(t, &x->l, LAC_F32), lac_tape_input(t, &x->target, LAC_I32), NULL), &x->sum);
}

static float loss_of(const lac_backend *b, float *logits, int32_t *target)
{
    large x = { .l = { .ndim = 2, .dim = { 1, 2 }, .data = logits }, .target = { .dtype = LAC_I32, .ndim = 1, .dim = { 1 }, .data = target } };
    lac_tape *t;
    LAC_CHECK_STATUS(lac_tape_new(&t, b));
    LAC_CHECK_STATUS(lac_tape_run(t, "large", body, &x));
    const float loss = *(const float *)x.sum->data;
    lac_tensor_free(x.sum);
    lac_tape_free(t);
    return loss;
}

LAC_TEST(cross_entropy_of_large_logits_is_finite_and_of_no_target_no_number)
{
    LAC_CHECK(loss_of(lac_test_device(), (float[]){ 1000, -1000 }, (int32_t[]){ 1 }) == 2000);
    LAC_CHECK(loss_of(lac_test_device(), (float[]){ 1000, -1000 }, (int32_t[]){ 0 }) == 0);
    LAC_CHECK(isnan(loss_of(lac_test_device(), (float[]){ 1, 2 }, (int32_t[]){ 2 })));
}

LAC_TEST(cross_entropy_of_any_size)
{
    lac_op_check_sizes(&CASE(LAC_RANDOM(LAC_N + LAC_H, LAC_C), LAC_IDS(LAC_C, LAC_N + LAC_H)));
    lac_op_check(&CASE(LAC_RANDOM(0, 3)));
}
