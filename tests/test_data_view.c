#include "data/view.h"
#include "harness/test.h"

#include <string.h>

/* A 3 x 3 picture of one channel, read off by hand. */
LAC_TEST(a_window_is_flipped_first_and_then_turned_clockwise)
{
    uint8_t pixels[] = { 1, 2, 3,
                         4, 5, 6,
                         7, 8, 9 }, to[9];
    static const uint8_t expected[2][4][9] = {
        { { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, { 7, 4, 1, 8, 5, 2, 9, 6, 3 }, { 9, 8, 7, 6, 5, 4, 3, 2, 1 }, { 3, 6, 9, 2, 5, 8, 1, 4, 7 } },
        { { 3, 2, 1, 6, 5, 4, 9, 8, 7 }, { 9, 6, 3, 8, 5, 2, 7, 4, 1 }, { 7, 8, 9, 4, 5, 6, 1, 2, 3 }, { 1, 4, 7, 2, 5, 8, 3, 6, 9 } },
    };
    const lac_image image = { .pixels = pixels, .height = 3, .width = 3, .channels = 1 };
    for (int flip = 0; flip < 2; flip++)
        for (int turns = 0; turns < 4; turns++) {
            const lac_window w = { .height = 3, .width = 3, .flip = flip, .turns = turns };
            LAC_CHECK_STATUS(lac_window_cut(&w, &image, 3, to));
            LAC_CHECK(memcmp(to, expected[flip][turns], 9) == 0);
        }
}

LAC_TEST(each_orientation_is_drawn_for_its_share_of_the_samples)
{
    const lac_view view = { .size = 4, .crop = LAC_CROP_RANDOM, .flip = true, .turn = 0.75f };
    int seen[2][4] = { 0 };
    for (int64_t sample = 0; sample < 4000; sample++) {
        lac_stream s = lac_stream_at(1, lac_purpose("crop"), 0, sample);
        const lac_window w = lac_view_window(&view, 8, 8, &s);
        seen[w.flip][w.turns]++;
    }
    for (int flip = 0; flip < 2; flip++)
        for (int turns = 0; turns < 4; turns++)
            LAC_CHECK(seen[flip][turns] > 420 && seen[flip][turns] < 580);      /* 500 +- 4 sigma (21) */
}
