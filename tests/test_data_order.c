#include "core/philox.h"
#include "data/order.h"
#include "tests/harness/test.h"

LAC_TEST(order_is_a_permutation_for_every_size)
{
    static uint8_t seen[5000];
    for (int64_t n = 1; n <= 5000; n += n < 300 ? 1 : 997) {
        memset(seen, 0, sizeof seen);
        for (int64_t i = 0; i < n; i++) {
            const int64_t x = lac_permute(7, lac_purpose("order"), 3, n, i);
            LAC_CHECK(x >= 0 && x < n && seen[x]++ == 0);
        }
    }
}

LAC_TEST(order_starts_each_epoch_anew)
{
    const uint32_t purpose = lac_purpose("order");
    int same_epoch = 0, same_seed = 0;
    for (int64_t i = 0; i < 1000; i++) {
        same_epoch += lac_order_record(1, purpose, 1000, i) == lac_order_record(1, purpose, 1000, 1000 + i);
        same_seed += lac_order_record(1, purpose, 1000, i) == lac_order_record(2, purpose, 1000, i);
    }
    LAC_CHECK(same_epoch < 10 && same_seed < 10);           /* one on average, were they independent */
}

/* Where a record lands over many epochs is uniform: chi-square of 10 x 10 cells, 81 degrees of freedom, 99.9 % point 126. */
LAC_TEST(order_puts_every_record_everywhere)
{
    double count[10][10] = { 0 }, chi = 0;
    for (uint32_t e = 0; e < 2000; e++)
        for (int64_t i = 0; i < 10; i++)
            count[i][lac_permute(5, 1, e, 10, i)]++;
    for (int i = 0; i < 100; i++)
        chi += (count[i / 10][i % 10] - 200) * (count[i / 10][i % 10] - 200) / 200;
    LAC_CHECK(chi < 126);
}

LAC_TEST(order_neighbours_do_not_stay_together)
{
    int together = 0;
    for (int64_t i = 0; i + 1 < 2000; i++)
        together += lac_permute(9, 1, 0, 2000, i) + 1 == lac_permute(9, 1, 0, 2000, i + 1);
    LAC_CHECK(together < 10);
}

LAC_TEST(mix_takes_each_source_by_its_weight_and_in_its_own_order)
{
    static uint8_t seen[3][4 * LAC_MIX_BLOCK];
    lac_mix m;
    int64_t own, count[3] = { 0 };
    LAC_CHECK_STATUS(lac_mix_new(&m, (double[]){ 1, 2, 1e-9 }, 3));
    memset(seen, 0, sizeof seen);
    for (int64_t p = 0; p < 4 * LAC_MIX_BLOCK; p++) {
        const int k = lac_mix_source(&m, 3, 1, p, &own);
        count[k]++;
        LAC_CHECK(seen[k][own]++ == 0);
    }
    LAC_CHECK(count[0] == 4 * 341 && count[1] == 4 * 682 && count[2] == 4);
    for (int k = 0; k < 3; k++)
        for (int64_t i = 0; i < count[k]; i++)
            LAC_CHECK(seen[k][i] == 1);                     /* no record of a source is passed over */
    LAC_CHECK_FAILS(lac_mix_new(&m, (double[]){ 1, 0 }, 2), LAC_ERR_CONFIG, "source 2 has weight 0");
}
