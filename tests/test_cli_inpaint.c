/* lacuna inpaint: what stays, what is refused, folders, channel order. */
#include "core/file/atomic.h"
#include "core/image/paste.h"
#include "tests/harness/cli.h"
#include "tests/harness/pictures.h"

#define TINY "{\"cnum\": 4}"

/* Pixels outside the rectangle are the source's; inside, at least one is not. */
static void check_outside(const char *source, const char *result, int64_t top, int64_t left, int64_t h, int64_t w)
{
    lac_image a = { 0 }, b = { 0 };
    int64_t inside = 0, outside = 0;
    LAC_CHECK_STATUS(lac_image_load(&a, source, 3));
    LAC_CHECK_STATUS(lac_image_load(&b, result, 3));
    LAC_CHECK(a.height == b.height && a.width == b.width);
    for (int64_t i = 0; i < a.height * a.width; i++) {
        const int64_t y = i / a.width, x = i % a.width;
        const bool hole = y >= top && y < top + h && x >= left && x < left + w, same = memcmp(a.pixels + 3 * i, b.pixels + 3 * i, 3) == 0;
        inside += hole && !same;
        outside += !hole && !same;
    }
    LAC_CHECK(outside == 0 && inside > 0);
    lac_image_free(&a);
    lac_image_free(&b);
}

LAC_TEST(any_size_keeps_its_size_and_every_pixel_outside_the_mask)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *model = lac_cli_model(f, "m.safetensors", TINY, false, 1), *out = lac_cli_path(f, "out.png");
    const char *image = lac_cli_picture(f, "a.jpg", 513, 771, 3), *mask = lac_cli_mask(f, "m.png", 513, 771, 200, 500, 90, 271);
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, model, "--image", image, "--mask", mask, "-o", out, "--precision", "f32") == 0);
    LAC_CHECK(said.err[0] == '\0');
    check_outside(image, out, 200, 500, 90, 271);
}

LAC_TEST(dilation_grows_the_hole_to_all_sides_and_no_further)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *model = lac_cli_model(f, "m.safetensors", TINY, false, 1), *out = lac_cli_path(f, "out.png");
    const char *image = lac_cli_picture(f, "a.png", 40, 56, 3), *mask = lac_cli_mask(f, "m.png", 40, 56, 0, 20, 1, 1);
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, model, "-i", image, "-m", mask, "-o", out, "--dilate", "3") == 0);
    check_outside(image, out, 0, 17, 4, 7);
    const char *wide = lac_cli_mask(f, "w.png", 40, 56, 0, 17, 4, 7), *same = lac_cli_path(f, "same.png");
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, model, "-i", image, "-m", wide, "-o", same) == 0);
    LAC_CHECK(lac_cli_same_file(out, same));
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, model, "-i", image, "-m", mask, "-o", out, "--dilate", "-1") == 2);
    LAC_CHECK(lac_cli_complains(&said, "--dilate must be"));
}

LAC_TEST(bad_pictures_masks_and_models_are_one_line_and_no_file)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *model = lac_cli_model(f, "m.safetensors", TINY, false, 1), *out = lac_cli_path(f, "out.png");
    const char *image = lac_cli_picture(f, "a.jpg", 40, 56, 3), *png = lac_cli_picture(f, "a.png", 40, 56, 3);
    const char *mask = lac_cli_mask(f, "m.png", 40, 56, 8, 8, 8, 8), *other = lac_cli_mask(f, "o.png", 40, 57, 8, 8, 8, 8);
    const char *empty = lac_cli_mask(f, "e.png", 40, 56, 8, 8, 0, 0), *cut = lac_cli_path(f, "cut.jpg"), *cut_png = lac_cli_path(f, "cut.png");
    lac_cli_copy(image, cut, 0.6);
    lac_cli_copy(png, cut_png, 0.6);
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, model, "-i", image, "-m", other, "-o", out) == 1);
    LAC_CHECK(lac_cli_complains(&said, "is 57x40") && lac_cli_complains(&said, "56x40 (width x height)"));
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, model, "-i", image, "-m", empty, "-o", out) == 1 && lac_cli_complains(&said, "has no hole"));
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, model, "-i", cut, "-m", mask, "-o", out) == 1 && lac_cli_complains(&said, "cut.jpg"));
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, model, "-i", cut_png, "-m", mask, "-o", out) == 1 && lac_cli_complains(&said, "cut.png"));
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, model, "-i", image, "-m", cut_png, "-o", out) == 1 && lac_cli_complains(&said, "cut.png"));
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, lac_cli_path(f, "none"), "-i", image, "-m", mask, "-o", out) == 1);
    LAC_CHECK(lac_cli_complains(&said, "there is no run and no weights file"));
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, image, "-i", image, "-m", mask, "-o", out) == 1 && lac_cli_complains(&said, "a.jpg"));
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, model, "-i", image, "-m", f, "-o", out) == 2 && lac_cli_complains(&said, "both folders"));
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, model, "-i", image, "-m", mask, "-o", out, "--precision", "f16") == 2);
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, model, "-i", image, "-m", mask) == 2 && lac_cli_complains(&said, "--out"));
    LAC_CHECK(access(out, F_OK) != 0);
}

LAC_TEST(folders_pair_by_stem_and_a_bad_pair_stops_no_other)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *model = lac_cli_model(f, "m.safetensors", TINY, false, 1);
    const char *images = lac_cli_path(f, "images"), *masks = lac_cli_path(f, "masks"), *out = lac_cli_path(f, "made/out");
    LAC_CHECK_STATUS(lac_make_folders(images));
    LAC_CHECK_STATUS(lac_make_folders(masks));
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, model, "-i", images, "-m", masks, "-o", out) == 1 && lac_cli_complains(&said, "there is no .png"));
    const char *a = lac_cli_picture(images, "a.jpg", 40, 48, 1), *b = lac_cli_picture(images, "b.png", 33, 50, 2);
    lac_cli_mask(masks, "a.png", 40, 48, 4, 4, 20, 20);
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, model, "-i", images, "-m", masks, "-o", out) == 1 && lac_cli_complains(&said, "no mask 'b'"));
    lac_cli_mask(masks, "b.png", 33, 50, 4, 4, 20, 20);
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, model, "-i", images, "-m", masks, "-o", out) == 0);
    check_outside(a, lac_cli_path(out, "a.png"), 4, 4, 20, 20);
    check_outside(b, lac_cli_path(out, "b.png"), 4, 4, 20, 20);
    const char *once = lac_cli_path(f, "once");                                 /* b is of another size: it waits for no other */
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, model, "-i", images, "-m", masks, "-o", once, "--batch", "4") == 0);
    LAC_CHECK(lac_cli_same_file(lac_cli_path(once, "a.png"), lac_cli_path(out, "a.png")) && lac_cli_same_file(lac_cli_path(once, "b.png"), lac_cli_path(out, "b.png")));
    lac_cli_mask(masks, "a.png", 41, 48, 4, 4, 20, 20);
    unlink(lac_cli_path(out, "b.png"));
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, model, "-i", images, "-m", masks, "-o", out) == 1);
    LAC_CHECK(strstr(said.err, "a.png' is 48x41") != NULL && strstr(said.err, "1 of 2 pictures could not be done") != NULL);
    LAC_CHECK(access(lac_cli_path(out, "b.png"), F_OK) == 0);
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, model, "-i", images, "-m", masks, "-o", once, "--batch", "4") == 1);
    LAC_CHECK(strstr(said.err, "a.png' is 48x41") != NULL && strstr(said.err, "1 of 2 pictures could not be done") != NULL);
}

static void swap(lac_image *x)
{
    for (int64_t i = 0; i < x->height * x->width; i++) {
        const uint8_t r = x->pixels[3 * i];
        x->pixels[3 * i] = x->pixels[3 * i + 2];
        x->pixels[3 * i + 2] = r;
    }
}

static void open_model(lac_inpainter *ip, lac_tape **t, const char *path)
{
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_STATUS(lac_inpainter_load(ip, path, NULL, b, LAC_F32));
    LAC_CHECK_STATUS(lac_tape_new(t, b));
}

LAC_TEST(a_bgr_model_is_the_rgb_one_with_channels_swapped_to_the_bit)
{
    const char *f = lac_test_folder();
    lac_inpainter rgb, bgr;
    lac_tape *t, *u;
    lac_image x = { 0 }, m = { 0 }, a = { 0 }, b = { 0 };
    open_model(&rgb, &t, lac_cli_model(f, "rgb.safetensors", TINY, false, 7));
    open_model(&bgr, &u, lac_cli_model(f, "bgr.safetensors", TINY, true, 7));
    LAC_CHECK(bgr.network[0].bgr && !rgb.network[0].bgr);
    LAC_CHECK_STATUS(lac_test_picture(&x, 40, 48, 3, 5));
    LAC_CHECK_STATUS(lac_image_new(&m, 40, 48, 1));
    memset(m.pixels + 8 * 48, 255, 16 * 48);
    LAC_CHECK_STATUS(lac_inpaint(&bgr, u, &x, &m, NULL, &b));
    swap(&x);
    LAC_CHECK_STATUS(lac_inpaint(&rgb, t, &x, &m, NULL, &a));
    LAC_CHECK(memcmp(a.pixels, b.pixels, 40 * 48 * 3) != 0);
    swap(&a);
    LAC_CHECK(memcmp(a.pixels, b.pixels, 40 * 48 * 3) == 0);
    lac_image_free(&a);
    lac_image_free(&b);
    lac_image_free(&x);
    lac_image_free(&m);
    lac_inpainter_close(&rgb);
    lac_inpainter_close(&bgr);
    lac_tape_free(t);
    lac_tape_free(u);
}

LAC_TEST(masks_without_a_hole_and_without_a_known_pixel)
{
    lac_inpainter ip;
    lac_tape *t;
    lac_image x = { 0 }, m = { 0 }, y = { 0 }, z = { 0 };
    open_model(&ip, &t, lac_cli_model(lac_test_folder(), "m.safetensors", TINY, false, 7));
    LAC_CHECK_STATUS(lac_test_picture(&x, 24, 40, 3, 5));
    LAC_CHECK_STATUS(lac_image_new(&m, 24, 40, 1));
    LAC_CHECK_STATUS(lac_inpaint(&ip, t, &x, &m, NULL, &y));
    LAC_CHECK(memcmp(x.pixels, y.pixels, 24 * 40 * 3) == 0);
    lac_image_free(&y);
    memset(m.pixels, 255, 24 * 40);
    LAC_CHECK_STATUS(lac_inpaint(&ip, t, &x, &m, NULL, &y));
    LAC_CHECK_STATUS(lac_image_crop(&z, &x, 0, 0, 24, 40));         /* of a picture with no known pixel nothing is seen */
    memset(z.pixels, 7, 24 * 40 * 3);
    LAC_CHECK(y.height == 24 && y.width == 40);
    lac_image other = { 0 };
    LAC_CHECK_STATUS(lac_inpaint(&ip, t, &z, &m, NULL, &other));
    LAC_CHECK(memcmp(other.pixels, y.pixels, 24 * 40 * 3) == 0);
    lac_image_free(&other);
    lac_image_free(&x);
    lac_image_free(&m);
    lac_image_free(&y);
    lac_image_free(&z);
    lac_inpainter_close(&ip);
    lac_tape_free(t);
}

LAC_TEST(prompt_and_seed_are_for_models_that_take_them)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *plain = lac_cli_model(f, "m.safetensors", TINY, false, 7), *sampler = lac_cli_sampler(f, "s.safetensors", 7);
    const char *image = lac_cli_picture(f, "i.png", 24, 40, 3), *mask = lac_cli_mask(f, "k.png", 24, 40, 4, 4, 9, 9), *y[4];
    for (int i = 0; i < 4; i++)
        y[i] = lac_cli_path(f, (const char *const[]){ "0.png", "1.png", "2.png", "3.png" }[i]);
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, plain, "-i", image, "-m", mask, "-o", y[0], "--prompt", "a dog") == 2);
    LAC_CHECK(lac_cli_complains(&said, "deepfill takes no prompt"));
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, plain, "-i", image, "-m", mask, "-o", y[0], "--seed", "3") == 2);
    LAC_CHECK(lac_cli_complains(&said, "deepfill draws nothing at random") && access(y[0], F_OK) != 0);
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, sampler, "-i", image, "-m", mask, "-o", y[0], "--prompt", "a dog") == 0);
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, sampler, "-i", image, "-m", mask, "-o", y[1], "--prompt", "a dog", "--seed", "0") == 0);
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, sampler, "-i", image, "-m", mask, "-o", y[2], "--prompt", "a house", "--seed", "0") == 0);
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, sampler, "-i", image, "-m", mask, "-o", y[3], "--prompt", "a dog", "--seed", "1") == 0);
    LAC_CHECK(lac_cli_same_file(y[0], y[1]) && !lac_cli_same_file(y[0], y[2]) && !lac_cli_same_file(y[0], y[3]));
}
