/* What latent inpainting networks are told: rules that `lacuna probe` does not show yet. */
#include "autograd/ops/backend_cpu.h"
#include "core/image/feather.h"
#include "models/inpainter.h"
#include "models/latent/condition.h"

#include "tests/harness/pictures.h"
#include "tests/harness/test.h"

#include <stdlib.h>
#include <string.h>

/* 32 x 32, white from (9, 9) to (18, 18). */
static lac_image square(void)
{
    lac_image mask;
    LAC_CHECK_STATUS(lac_image_new(&mask, 32, 32, 1));
    for (int64_t y = 9; y < 18; y++)
        memset(mask.pixels + 32 * y + 9, 255, 9);
    return mask;
}

LAC_TEST(a_latent_mask_is_by_the_rule_that_is_named)
{
    static const struct { lac_latent_mask rule; const char *cells; } wanted[] = {
        { LAC_LATENT_MASK_NEAREST, "0000" "0000" "0010" "0000" },            /* pixels 0, 8, 16, 24 */
        { LAC_LATENT_MASK_CENTRE, "0000" "0100" "0000" "0000" },             /* pixels 4, 12, 20, 28 */
        { LAC_LATENT_MASK_HALF, "0000" "0100" "0000" "0000" },               /* Pillow: 183, and 60 beside it */
        { LAC_LATENT_MASK_ANY_TOUCH, "0110" "1110" "1110" "0000" },
    };
    lac_image mask = square();
    float cells[16];
    for (size_t i = 0; i < LAC_COUNT(wanted); i++) {
        LAC_CHECK_STATUS(lac_latent_mask_make(cells, 4, 4, &mask, wanted[i].rule));
        for (int64_t k = 0; k < 16; k++)
            LAC_CHECK(cells[k] == (float)(wanted[i].cells[k] - '0'));
    }
    lac_image_free(&mask);
}

LAC_TEST(a_hole_shows_what_its_fill_says)
{
    const uint8_t picture[6] = { 0, 51, 255, 255, 0, 51 }, hole[2] = { 0, 1 };
    const float in_hole[] = { [LAC_HOLE_FILL_GREY] = 0, [LAC_HOLE_FILL_BLACK] = -1, [LAC_HOLE_FILL_KEEP] = 1 };
    for (lac_hole_fill fill = LAC_HOLE_FILL_GREY; fill <= LAC_HOLE_FILL_KEEP; fill++) {
        float x[6];
        lac_masked_picture(x, picture, hole, 2, fill);
        LAC_CHECK(x[0] == -1 && x[2] == 1 && x[3] == in_hole[fill]);
    }
}

LAC_TEST(a_soft_border_lies_outside_the_hole_and_takes_no_other_size)
{
    lac_image mask = square(), source = { 0 }, predicted = { 0 }, result = { 0 }, other = { 0 };
    LAC_CHECK_STATUS(lac_image_new(&source, 32, 32, 3));
    LAC_CHECK_STATUS(lac_image_new(&predicted, 32, 32, 3));
    LAC_CHECK_STATUS(lac_image_new(&other, 32, 31, 3));
    memset(predicted.pixels, 200, 32 * 32 * 3);
    LAC_CHECK_STATUS(lac_image_paste_feathered(&result, &source, &mask, &predicted));
    LAC_CHECK(result.pixels[3 * (32 * 12 + 12)] == 200 && result.pixels[3 * (32 * 12 + 29)] == 0);
    LAC_CHECK(result.pixels[3 * (32 * 12 + 18)] > result.pixels[3 * (32 * 12 + 22)] && result.pixels[3 * (32 * 12 + 22)] > 0);
    lac_image_free(&result);
    LAC_CHECK_FAILS(lac_image_paste_feathered(&result, &source, &mask, &other), LAC_ERR_SHAPE, "32 x 31");
    LAC_CHECK(result.pixels == NULL);
    lac_image_free(&source);
    lac_image_free(&predicted);
    lac_image_free(&other);
    lac_image_free(&mask);
}

/* ---- whole systems on the smallest networks: what it takes to paint, not what it looks like ---- */

#define VAE "\"vae\": {\"network\": \"autoencoder-kl\", \"config\": {\"block_out_channels\": [4, 4], \"down_block_types\": [\"DownEncoderBlock2D\", " \
            "\"DownEncoderBlock2D\"], \"up_block_types\": [\"UpDecoderBlock2D\", \"UpDecoderBlock2D\"], \"norm_num_groups\": 2}}"
#define UNET(in) "\"unet\": {\"network\": \"unet-ldm\", \"config\": {\"in_channels\": " in ", \"out_channels\": 4, \"model_channels\": 32, " \
                 "\"num_res_blocks\": 1, \"attention_resolutions\": [], \"channel_mult\": [1], \"num_heads\": 4}}"

enum { SIDE = 13, MANY = 3 };

typedef struct bench { lac_inpainter ip; lac_tape *t; lac_image image[MANY], mask[MANY]; } bench;

static void begin(bench *b, const lac_inpainter_def *def, const char *networks, const char *config)
{
    const lac_backend *cpu;
    json_t *n = json_loads(networks, 0, NULL), *c = json_loads(config, 0, NULL);
    *b = (bench){ .t = NULL };
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    LAC_CHECK_STATUS(lac_inpainter_open(&b->ip, def, n, c, cpu, LAC_F32));
    for (int i = 0; i < 2; i++)
        LAC_CHECK_STATUS(lac_params_init(b->ip.network[i].params, (uint64_t)i + 3));
    LAC_CHECK_STATUS(lac_tape_new(&b->t, cpu));
    for (int i = 0; i < MANY; i++) {
        LAC_CHECK_STATUS(lac_test_picture(&b->image[i], SIDE, SIDE + 4, 3, (uint64_t)i));
        LAC_CHECK_STATUS(lac_image_new(&b->mask[i], SIDE, SIDE + 4, 1));
        memset(b->mask[i].pixels + (SIDE + 4) * i, 1, (SIDE + 4) * 5);
    }
    json_decref(n);
    json_decref(c);
}

static void end(bench *b)
{
    lac_inpainter_close(&b->ip);
    lac_tape_free(b->t);
    for (int i = 0; i < MANY; i++) {
        lac_image_free(&b->image[i]);
        lac_image_free(&b->mask[i]);
    }
}

static const lac_ask asks[MANY] = { { .seed = 1 }, { .seed = 1, .sample = 7 }, { .seed = 2 } };

/* Alone and together. */
static void check_batches(const lac_inpainter_def *def, const char *networks, const char *config)
{
    bench b;
    lac_image y[MANY], alone;
    begin(&b, def, networks, config);
    LAC_CHECK_STATUS(lac_inpaint_n(&b.ip, b.t, MANY, b.image, b.mask, asks, y));
    for (int i = 0; i < MANY; i++) {
        LAC_CHECK_STATUS(lac_inpaint(&b.ip, b.t, &b.image[i], &b.mask[i], &asks[i], &alone));
        LAC_CHECK(memcmp(alone.pixels, y[i].pixels, SIDE * (SIDE + 4) * 3) == 0);
        LAC_CHECK(memcmp(alone.pixels, b.image[i].pixels, SIDE * (SIDE + 4) * 3) != 0);
        lac_image_free(&alone);
        lac_image_free(&y[i]);
    }
    end(&b);
}

LAC_TEST(every_system_gives_a_picture_its_bits_whatever_the_batch)
{
    check_batches(&lac_inpainter_sd_blend, "{" UNET("4") ", " VAE "}", "{\"steps\": 3}");
    check_batches(&lac_inpainter_sd_blend, "{" UNET("4") ", " VAE "}", "{\"steps\": 5, \"strength\": 0.5, \"sampler\": \"dpm\"}");
    check_batches(&lac_inpainter_blended_latent, "{" UNET("4") ", " VAE "}", "{\"steps\": 4, \"paste\": \"blur\"}");
    check_batches(&lac_inpainter_ldm, "{" UNET("9") ", " VAE "}", "{\"steps\": 2, \"eta\": 1}");
    check_batches(&lac_inpainter_repaint, "{" UNET("4") ", " VAE "}", "{\"steps\": 5, \"jump_length\": 2, \"jump_n_sample\": 2, \"paste\": \"hard\"}");
}

LAC_TEST(an_empty_hole_is_a_copy_and_a_whole_one_is_painted)
{
    bench b;
    lac_image y;
    begin(&b, &lac_inpainter_sd_blend, "{" UNET("4") ", " VAE "}", "{\"steps\": 2}");
    memset(b.mask[0].pixels, 0, SIDE * (SIDE + 4));
    LAC_CHECK_STATUS(lac_inpaint(&b.ip, b.t, &b.image[0], &b.mask[0], NULL, &y));
    LAC_CHECK(memcmp(y.pixels, b.image[0].pixels, SIDE * (SIDE + 4) * 3) == 0);
    lac_image_free(&y);
    memset(b.mask[0].pixels, 1, SIDE * (SIDE + 4));
    LAC_CHECK_STATUS(lac_inpaint(&b.ip, b.t, &b.image[0], &b.mask[0], NULL, &y));
    lac_image_free(&y);
    LAC_CHECK_FAILS(lac_inpaint(&b.ip, b.t, &b.image[0], &b.mask[0], &(lac_ask){ .prompt = "a dog" }, &y), LAC_ERR_ARG, "no text encoder");
    end(&b);
}

LAC_TEST(networks_that_do_not_fit_each_other_are_refused)
{
    const lac_backend *cpu;
    lac_inpainter ip;
    json_t *nine = json_loads("{" UNET("9") ", " VAE "}", 0, NULL);
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    LAC_CHECK_FAILS(lac_inpainter_open(&ip, &lac_inpainter_sd_blend, nine, NULL, cpu, LAC_F32), LAC_ERR_CONFIG, "'unet' has 9 channels in, should have 4");
    LAC_CHECK_FAILS(lac_inpainter_open(&ip, &lac_inpainter_sd_inpaint, nine, NULL, cpu, LAC_F32), LAC_ERR_CONFIG, "'unet' is the network 'unet-ldm'");
    json_decref(nine);
}
