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
    check(&CASE(LAC_RANDOM(6, 70), LAC_IDS(3, 6), LAC_IDS(3, 70)));     /* by names, of which each is some columns' */
    check(&CASE(LAC_RANDOM(3, 4), LAC_IDS(1, 3), LAC_IDS(1, 4)));       /* all of one name */
}

LAC_TEST(cross_entropy_names_what_does_not_fit)
{
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(5), LAC_IDS(5, 5))), LAC_ERR_SHAPE, "logits [R, C], got [5]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(5, 3), LAC_IDS(3, 4))), LAC_ERR_SHAPE, "targets [4]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(5, 3))), LAC_ERR_SHAPE, "[5,3] has no diagonal");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(5, 3), LAC_IDS(2, 5), LAC_IDS(2, 4))), LAC_ERR_SHAPE, "names [4] are not one for each column of [5,3]");
    LAC_CHECK_FAILS(lac_op_status(&CASE(LAC_RANDOM(3, 3), { LAC_FILL_NONE }, LAC_IDS(2, 3))), LAC_ERR_DTYPE, "those of rows not there");
}

typedef struct large { lac_tensor l, target, column, *sum; } large;

static lac_status body(lac_tape *t, void *context)
{
    large *x = context;
    lac_tensor *column = x->column.data != NULL ? lac_tape_input(t, &x->column, LAC_I32) : NULL;
    return lac_keep(t, lac_cross_entropy_named(t, lac_tape_input(t, &x->l, LAC_F32), lac_tape_input(t, &x->target, LAC_I32), column, NULL), &x->sum);
}

static float loss_of(const lac_backend *b, float *logits, int32_t *target, int32_t *column)
{
    large x = { .column = { .dtype = LAC_I32, .ndim = 1, .dim = { 2 }, .data = column }, .l = { .ndim = 2, .dim = { 1, 2 }, .data = logits }, .target = { .dtype = LAC_I32, .ndim = 1, .dim = { 1 }, .data = target } };
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
    LAC_CHECK(loss_of(lac_test_device(), (float[]){ 1000, -1000 }, (int32_t[]){ 1 }, NULL) == 2000);
    LAC_CHECK(loss_of(lac_test_device(), (float[]){ 1000, -1000 }, (int32_t[]){ 0 }, NULL) == 0);
    LAC_CHECK(isnan(loss_of(lac_test_device(), (float[]){ 1, 2 }, (int32_t[]){ 2 }, NULL)));
    LAC_CHECK(isnan(loss_of(lac_test_device(), (float[]){ 1, 2 }, (int32_t[]){ 7 }, (int32_t[]){ 8, 9 })));
    LAC_CHECK(loss_of(lac_test_device(), (float[]){ 1000, -1000 }, (int32_t[]){ 7 }, (int32_t[]){ 7, 7 }) == 1000);
}

LAC_TEST(cross_entropy_of_any_size)
{
    lac_op_check_sizes(&CASE(LAC_RANDOM(LAC_N + LAC_H, LAC_C), LAC_IDS(LAC_C, LAC_N + LAC_H)));
    lac_op_check_sizes(&CASE(LAC_RANDOM(LAC_N + LAC_H, LAC_C), LAC_IDS(1, LAC_N + LAC_H), LAC_IDS(1, LAC_C)));
    lac_op_check(&CASE(LAC_RANDOM(0, 3)));
}
