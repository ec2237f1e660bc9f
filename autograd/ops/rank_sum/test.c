#include "autograd/ops/rank_sum/rank_sum.h"
#include "tests/harness/op.h"

/* Over several ranks: tests/test_train_autoencoder.c. */
LAC_TEST(rank_sum_of_one_rank_is_the_same)
{
    const lac_op_case k = { .op = LAC_OP_rank_sum, .ref = rank_sum_ref, .in = { LAC_RANDOM(3, 5) } };
    LAC_CHECK(lac_op_value_gap(&k, LAC_F32) == 0);
}

LAC_TEST(rank_sum_of_any_size) { lac_op_check_sizes(&(lac_op_case){ .op = LAC_OP_rank_sum, .in = { LAC_RANDOM(LAC_N, LAC_H, LAC_W, LAC_C) } }); }
