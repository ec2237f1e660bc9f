#include "core/image/interpolate.h"
#include "core/image/opencv.h"
#include "core/image/resample.h"

#include "core/memory.h"
#include "tests/harness/golden.h"
#include "tests/harness/test.h"

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
