#include "data/tint.h"
#include "tests/harness/test.h"

LAC_TEST(tint_of_share_0_changes_nothing)
{
    uint8_t x[6] = { 0, 1, 2, 128, 254, 255 };
    lac_stream s = lac_stream_at(1, lac_purpose("tint"), 2, 3);
    const lac_tint t = lac_tint_draw(0, &s);
    lac_tint_apply(&t, x, 2);
    LAC_CHECK(memcmp(x, (uint8_t[]){ 0, 1, 2, 128, 254, 255 }, 6) == 0);
}

LAC_TEST(tint_follows_its_formula_and_its_counter)
{
    int negatives = 0, kept = 0;
    for (uint32_t sample = 0; sample < 4000; sample++) {
        lac_stream s = lac_stream_at(1, lac_purpose("tint"), 0, sample), again = s;
        const lac_tint t = lac_tint_draw(0.5f, &s), same = lac_tint_draw(0.5f, &again);
        LAC_CHECK(memcmp(&t, &same, sizeof t) == 0);
        LAC_CHECK((1 << t.channel[0] | 1 << t.channel[1] | 1 << t.channel[2]) == 7);
        const int rise = t.level[0][180] - t.level[0][80];          /* 100 levels apart, far from the ends */
        LAC_CHECK((rise >= 69 && rise <= 131) || (rise <= -69 && rise >= -131));
        negatives += rise < 0;
        kept += t.level[0][0] == 0 && t.level[0][100] == 100 && t.level[2][200] == 200;
    }
    LAC_CHECK(negatives > 400 && negatives < 600);                  /* an eighth of 4000; standard deviation 21 */
    LAC_CHECK(kept > 1850 && kept < 2150);                          /* half; standard deviation 32 */
}

LAC_TEST(tint_moves_a_colour_from_or_to_its_mean)
{
    lac_stream s = lac_stream_at(1, lac_purpose("tint"), 0, 0);
    lac_tint t = lac_tint_draw(0, &s);
    t.saturation = 2;
    uint8_t x[6] = { 100, 120, 140, 0, 30, 240 };
    lac_tint_apply(&t, x, 2);
    LAC_CHECK(memcmp(x, (uint8_t[]){ 80, 120, 160, 0, 0, 255 }, 6) == 0);
    t.saturation = 0.5f;
    lac_tint_apply(&t, x, 1);
    LAC_CHECK(memcmp(x, (uint8_t[]){ 100, 120, 140 }, 3) == 0);
}
