#include "core/image/interpolate.h"
#include "core/image/opencv.h"
#include "core/image/resample.h"

#include "core/memory.h"
#include "tests/harness/golden.h"
#include "tests/harness/hash_data.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdlib.h>

static const char *const filters[] = { "nearest", "box", "bilinear", "hamming", "bicubic", "lanczos" };
static const int64_t sizes[][2] = { { 6, 23 }, { 8, 9 }, { 20, 24 }, { 17, 5 }, { 1, 21 }, { 17, 21 } };
static const struct { const char *name; lac_passes passes; } orders[] = {
    { "first", LAC_PASSES_HORIZONTAL_FIRST }, { "13", LAC_PASSES_PILLOW_13 },
};

/* Compares every golden tensor "FILTER.C.HxW.ORDER" of one filter; returns how many there were. */
static int resizes_as_pillow(const lac_golden *g, const char *filter, const lac_image *from)
{
    lac_filter f;
    int n = 0;
    LAC_CHECK_STATUS(lac_filter_named(&f, filter));
    for (size_t k = 0; k < LAC_COUNT(sizes) * LAC_COUNT(orders); k++) {
        const int64_t h = sizes[k / 2][0], w = sizes[k / 2][1];
        if (!lac_golden_has(g, "%s.%d.%dx%d.%s", filter, from->channels, (int)h, (int)w, orders[k % 2].name))
            continue;
        uint8_t *want = lac_golden_get(g, NULL, "%s.%d.%dx%d.%s", filter, from->channels, (int)h, (int)w, orders[k % 2].name);
        lac_image to;
        LAC_CHECK_STATUS(lac_image_resize(&to, from, h, w, f, orders[k % 2].passes));
        if (memcmp(to.pixels, want, (size_t)(h * w * to.channels)) != 0)
            fail_msg("%s, %d channels, %dx%d, %s: not Pillow's bytes", filter, from->channels, (int)h, (int)w, orders[k % 2].name);
        lac_image_free(&to);
        free(want);
        n++;
    }
    return n;
}

LAC_TEST(bytes_resize_as_in_pillow)
{
    lac_golden g = lac_golden_open("resample.safetensors");
    int n = 0;
    for (int c = 1; c <= 4; c += c == 1 ? 2 : 1) {
        lac_image from = { 17, 21, c, lac_golden_get(&g, NULL, "in.%d", c) };
        for (size_t i = 0; i < LAC_COUNT(filters); i++)
            n += resizes_as_pillow(&g, filters[i], &from);
        lac_image_free(&from);
    }
    LAC_CHECK(n == 109);                 /* all that the file holds */
    lac_golden_close(&g);
}

/* "in.HxW.HxW" of one input; returns how many there were. */
static int resizes_as_opencv(const lac_golden *g, const lac_image *from, int64_t h, int64_t w)
{
    lac_image to;
    uint8_t *want = lac_golden_get(g, NULL, "in.%dx%d.%dx%d", (int)from->height, (int)from->width, (int)h, (int)w);
    LAC_CHECK_STATUS(lac_image_resize_opencv_cubic(&to, from, h, w));
    LAC_CHECK(to.height == h && to.width == w && memcmp(to.pixels, want, (size_t)(3 * h * w)) == 0);
    lac_image_free(&to);
    free(want);
    return 1;
}

LAC_TEST(bytes_resize_as_in_opencv)
{
    static const int64_t size[][2] = { { 1, 1 }, { 2, 3 }, { 17, 17 }, { 40, 40 }, { 31, 60 } };
    lac_golden g = lac_golden_open("opencv.safetensors");
    int n = 0;
    for (size_t i = 0; i < LAC_COUNT(size); i++) {
        lac_image from = { size[i][0], size[i][1], 3, lac_golden_get(&g, NULL, "in.%dx%d", (int)size[i][0], (int)size[i][1]) }, to;
        n += resizes_as_opencv(&g, &from, 32, 32) + resizes_as_opencv(&g, &from, from.height, from.width) + resizes_as_opencv(&g, &from, 7, 13) +
             resizes_as_opencv(&g, &from, 61, 24);
        LAC_CHECK_FAILS(lac_image_resize_opencv_cubic(&to, &from, 0, 4), LAC_ERR_ARG, "0");
        lac_image_free(&from);
    }
    LAC_CHECK(n == 20);                  /* all that the file holds */
    lac_golden_close(&g);
}

LAC_TEST(floats_resize_as_in_pillow)
{
    static const int64_t size[][2] = { { 6, 23 }, { 8, 9 }, { 20, 24 }, { 17, 5 } };
    lac_golden g = lac_golden_open("resample.safetensors");
    float *from = lac_golden_get(&g, NULL, "in.F"), to[24 * 24];
    for (size_t k = 0; k < LAC_COUNT(filters) * LAC_COUNT(size); k++) {
        const int64_t h = size[k % 4][0], w = size[k % 4][1];
        lac_filter f;
        LAC_CHECK_STATUS(lac_filter_named(&f, filters[k / 4]));
        float *want = lac_golden_get(&g, NULL, "%s.F.%dx%d.13", filters[k / 4], (int)h, (int)w);
        LAC_CHECK_STATUS(lac_plane_resize(to, h, w, from, 17, 21, f, LAC_PASSES_PILLOW_13));
        LAC_CHECK(lac_gap(to, want, h * w) < 1e-7);     /* sums in double: the last bit of a float at most */
        free(want);
    }
    free(from);
    lac_golden_close(&g);
}

LAC_TEST(planes_resize_as_in_pytorch)
{
    static const int64_t size[][2] = { { 4, 5 }, { 12, 15 }, { 7, 20 }, { 3, 9 }, { 1, 1 } };
    static const char *const modes[] = { "bilinear", "bicubic", "bilinear_aa", "bicubic_aa", "tf1" };
    lac_golden g = lac_golden_open("resample.safetensors");
    float *from = lac_golden_get(&g, NULL, "x"), to[2 * 20 * 20];
    for (size_t k = 0; k < LAC_COUNT(modes) * LAC_COUNT(size); k++) {
        const int64_t h = size[k % 5][0], w = size[k % 5][1];
        float *want = lac_golden_get(&g, NULL, "%s.%dx%d", modes[k / 5], (int)h, (int)w);
        LAC_CHECK_STATUS(lac_interpolate(to, h, w, from, 7, 9, 2, (lac_interpolation)(k / 5)));
        const double gap = lac_gap(to, want, 2 * h * w);
        if (gap > (k / 5 == LAC_TF1_BILINEAR ? 0 : 1e-6))      /* f32 sums of up to 40 terms; TF1's are equal to the bit */
            fail_msg("%s %dx%d: gap %g", modes[k / 5], (int)h, (int)w, gap);
        free(want);
    }
    free(from);
    lac_golden_close(&g);
}

/* Wider than the vectors of the kernels, with a remainder: the sum over plain loops, straight from the formula. */
LAC_TEST(wide_rows_agree_with_plain_loops)
{
    enum { H = 40, W = 93, TO = 19 };
    lac_image from, to;
    LAC_CHECK_STATUS(lac_image_new(&from, H, W, 3));
    for (int i = 0; i < H * W * 3; i++)
        from.pixels[i] = (uint8_t)(i * 131 + i / 7 * 29);
    LAC_CHECK_STATUS(lac_image_resize(&to, &from, TO, W, LAC_FILTER_BOX, LAC_PASSES_HORIZONTAL_FIRST));
    for (int d = 0; d < TO; d++)
        for (int i = 0; i < W * 3; i++) {
            double sum = 0, n = 0;
            for (int k = 0; k < H; k++) {
                const double x = (k + 0.5 - (d + 0.5) * H / TO) / ((double)H / TO);
                if (x > -0.5 && x <= 0.5)
                    sum += from.pixels[k * W * 3 + i], n++;
            }
            LAC_CHECK(abs((int)to.pixels[d * W * 3 + i] - (int)(sum / n + 0.5)) <= 1);   /* halves may fall either way */
        }
    lac_image_free(&to);
    lac_image_free(&from);
}

LAC_TEST(resizing_refuses_what_it_cannot_do)
{
    lac_image from, to;
    lac_filter f;
    float x = 0;
    LAC_CHECK_FAILS(lac_filter_named(&f, "cubic"), LAC_ERR_ARG, "bicubic");
    LAC_CHECK_STATUS(lac_image_new(&from, 3, 3, 3));
    LAC_CHECK_FAILS(lac_image_resize(&to, &from, 0, 4, LAC_FILTER_BOX, LAC_PASSES_PILLOW_13), LAC_ERR_ARG, "0 x 4");
    LAC_CHECK_FAILS(lac_plane_resize(&x, 1, 0, &x, 1, 1, LAC_FILTER_BOX, LAC_PASSES_PILLOW_13), LAC_ERR_ARG, "1 x 0");
    LAC_CHECK_FAILS(lac_interpolate(&x, 1, 1, &x, 0, 1, 1, LAC_TORCH_BILINEAR), LAC_ERR_ARG, "0 x 1");
    for (int n = 0; n < 16; n++) {
        lac_alloc_fail_after(n);
        const lac_status s = lac_image_resize(&to, &from, 2, 5, LAC_FILTER_LANCZOS, LAC_PASSES_PILLOW_13);
        lac_alloc_fail_after(-1);
        LAC_CHECK(s == LAC_OK || (s == LAC_ERR_MEM && to.pixels == NULL));
        lac_image_free(&to);
    }
    lac_image_free(&from);
}

/* ---- values that are written down: the first channel of a hashed picture, 9 x 13 ---- */

enum { TALL = 9, LONG = 13 };

static lac_image plane(void)
{
    lac_image x;
    uint8_t picture[TALL * LONG * 3];
    lac_hash_picture(picture, 0, TALL, LONG);
    LAC_CHECK_STATUS(lac_image_new(&x, TALL, LONG, 1));
    for (int i = 0; i < TALL * LONG; i++)
        x.pixels[i] = picture[3 * i];
    return x;
}

LAC_TEST(bytes_have_the_values_that_are_written_down)
{
    static const struct { lac_filter filter; uint8_t small[20]; int large; } wanted[] = {
        { LAC_FILTER_BILINEAR, { 1, 4, 9, 18, 27, 6, 11, 19, 29, 41, 15, 22, 32, 46, 60, 25, 34, 47, 63, 79 }, 5567 },
        { LAC_FILTER_BICUBIC, { 1, 4, 9, 17, 27, 6, 11, 18, 29, 42, 15, 22, 32, 45, 61, 25, 35, 48, 64, 81 }, 5562 },
        { LAC_FILTER_LANCZOS, { 1, 3, 8, 17, 27, 5, 11, 18, 29, 42, 14, 22, 32, 45, 61, 25, 35, 49, 64, 82 }, 5563 },
        { LAC_FILTER_BOX, { 1, 4, 8, 16, 25, 6, 12, 19, 30, 42, 17, 25, 35, 48, 63, 27, 38, 50, 65, 82 }, 5535 },
        { LAC_FILTER_NEAREST, { 1, 4, 10, 20, 28, 6, 10, 19, 32, 42, 14, 20, 31, 46, 58, 24, 31, 46, 63, 77 }, 0 },
    };
    lac_image from = plane(), to;
    for (size_t k = 0; k < LAC_COUNT(wanted); k++) {
        int sum = 0;
        LAC_CHECK_STATUS(lac_image_resize(&to, &from, 4, 5, wanted[k].filter, LAC_PASSES_HORIZONTAL_FIRST));
        LAC_CHECK(memcmp(to.pixels, wanted[k].small, 20) == 0);
        lac_image_free(&to);
        LAC_CHECK_STATUS(lac_image_resize(&to, &from, 11, 17, wanted[k].filter, LAC_PASSES_HORIZONTAL_FIRST));
        for (int i = 0; i < 11 * 17; i++)
            sum += to.pixels[i];
        LAC_CHECK(wanted[k].large == 0 || sum == wanted[k].large);
        lac_image_free(&to);
    }
    lac_image_free(&from);
}

static void is_near(const float *found, const double *wanted, int n)
{
    for (int i = 0; i < n; i++)
        if (fabs((double)found[i] - wanted[i]) > 1e-4)          /* five digits are written down */
            fail_msg("%d: %.6f, wanted %.6f", i, (double)found[i], wanted[i]);
}

LAC_TEST(floats_have_the_values_that_are_written_down)
{
    static const struct { lac_interpolation how; double first[5]; } wanted[] = {
        { LAC_TORCH_BILINEAR, { 0.625, 3.425, 8.5, 16.675, 26.75 } }, { LAC_TORCH_BILINEAR_AA, { 1.32571, 4.14113, 9.70939, 17.97835, 27.15619 } },
        { LAC_TORCH_BICUBIC, { 0.38840, 3.07961, 8.11913, 16.07153, 26.32229 } }, { LAC_TORCH_BICUBIC_AA, { 0.69991, 3.40759, 8.81503, 17.00272, 26.93479 } },
        { LAC_TF1_BILINEAR, { 0, 0.6, 4.4, 11.4, 19.6 } },
    };
    lac_image from = plane();
    float x[TALL * LONG], to[11 * 17];
    for (int i = 0; i < TALL * LONG; i++)
        x[i] = from.pixels[i];
    lac_image_free(&from);
    for (size_t k = 0; k < LAC_COUNT(wanted); k++) {
        LAC_CHECK_STATUS(lac_interpolate(to, 4, 5, x, TALL, LONG, 1, wanted[k].how));
        is_near(to, wanted[k].first, 5);
    }
    is_near(to + 15, (double[]){ 19.75, 28, 40, 53.8, 70.45 }, 5);
    LAC_CHECK_STATUS(lac_interpolate(to, 11, 17, x, TALL, LONG, 1, LAC_TF1_BILINEAR));
    is_near(to, (double[]){ 0, 0, 0, .29412, 1.11765, 2.64706, 3.58824, 4.70588, 6.35294, 8.64706, 10.94118, 13.2353, 15.52941, 17.82353, 20.82353, 24.35294, 27 }, 17);
    LAC_CHECK_STATUS(lac_interpolate(to, 11, 17, x, TALL, LONG, 1, LAC_TORCH_BILINEAR));
    is_near(to, (double[]){ 0, 0, 0, .17647, .94118, 2.41176, 3.47059, 4.47059, 6, 8.29412, 10.58824, 12.88235, 15.17647, 17.47059, 20.35294, 23.76471, 27 }, 17);
    LAC_CHECK_STATUS(lac_plane_resize(to, 4, 5, x, TALL, LONG, LAC_FILTER_BICUBIC, LAC_PASSES_HORIZONTAL_FIRST));
    is_near(to, (double[]){ 0.699904, 3.407592, 8.815030, 17.002718, 26.934790 }, 5);
    is_near(to + 15, (double[]){ 25.314505, 35.033051, 48.362747, 64.091316, 81.226974 }, 5);
}
