/* What latent inpainting networks are told: rules that `lacuna probe` does not show yet. */
#include "autograd/ops/backend_cpu.h"
#include "core/image/feather.h"
#include "models/inpainter.h"
#include "models/latent/condition.h"

#include "tests/harness/latent.h"
#include "tests/harness/pictures.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdio.h>
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

static void take_pictures(bench *b)
{
    LAC_CHECK_STATUS(lac_tape_new(&b->t, lac_inpainter_backend(&b->ip)));
    for (int i = 0; i < MANY; i++) {
        LAC_CHECK_STATUS(lac_test_picture(&b->image[i], SIDE, SIDE + 4, 3, (uint64_t)i));
        LAC_CHECK_STATUS(lac_image_new(&b->mask[i], SIDE, SIDE + 4, 1));
        memset(b->mask[i].pixels + (SIDE + 4) * i, 1, (SIDE + 4) * 5);
    }
}

static void begin(bench *b, const lac_inpainter_def *def, const char *networks, const char *config)
{
    const lac_backend *cpu;
    json_t *n = json_loads(networks, 0, NULL), *c = json_loads(config, 0, NULL);
    *b = (bench){ .t = NULL };
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    LAC_CHECK_STATUS(lac_inpainter_open(&b->ip, def, n, c, cpu, LAC_F32));
    lac_test_latent_draw(&b->ip);
    take_pictures(b);
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
static void check_together(const bench *b, const lac_ask *ask)
{
    lac_image y[MANY], alone;
    LAC_CHECK_STATUS(lac_inpaint_n(&b->ip, b->t, MANY, b->image, b->mask, ask, y));
    for (int i = 0; i < MANY; i++) {
        LAC_CHECK_STATUS(lac_inpaint(&b->ip, b->t, &b->image[i], &b->mask[i], &ask[i], &alone));
        LAC_CHECK(memcmp(alone.pixels, y[i].pixels, SIDE * (SIDE + 4) * 3) == 0);
        LAC_CHECK(memcmp(alone.pixels, b->image[i].pixels, SIDE * (SIDE + 4) * 3) != 0);
        lac_image_free(&alone);
        lac_image_free(&y[i]);
    }
}

static void check_batches(const lac_inpainter_def *def, const char *networks, const char *config)
{
    bench b;
    begin(&b, def, networks, config);
    check_together(&b, asks);
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
    char text[] = "{ 'unet': { 'network': 'unet2d-condition', 'config': { 'in_channels': 5, 'out_channels': 5, 'num_class_embeds': 3, " LAC_TEST_LATENT_UNET " } } }";
    json_t *levels = lac_test_json(text);
    LAC_CHECK_FAILS(lac_inpainter_open(&ip, &lac_inpainter_smartbrush, levels, NULL, cpu, LAC_F32), LAC_ERR_CONFIG, "'unet' has 3 'num_class_embeds', should have 4");
    LAC_CHECK_FAILS(lac_inpainter_open(&ip, &lac_inpainter_sd_blend, levels, NULL, cpu, LAC_F32), LAC_ERR_CONFIG, "has a table of labels");
    json_decref(levels);
}

/* ---- tiles, and what is no number ---- */

enum { LARGE = 96 };

static void paint_large(bench *b, int64_t tiles, uint64_t seed, lac_image *y)
{
    lac_image image, mask;
    LAC_CHECK_STATUS(lac_test_picture(&image, LARGE, LARGE, 3, 1));
    LAC_CHECK_STATUS(lac_image_new(&mask, LARGE, LARGE, 1));
    memset(mask.pixels, 1, LARGE * LARGE / 2);
    json_object_set_new(b->ip.config, "tiles", json_integer(tiles));
    LAC_CHECK_STATUS(lac_inpaint(&b->ip, b->t, &image, &mask, &(lac_ask){ .seed = seed }, y));
    lac_image_free(&image);
    lac_image_free(&mask);
}

/* Of the decoder's region, for a latent of that side. */
static int64_t peak_of(const bench *b, int64_t side)
{
    const lac_params *vae = b->ip.network[1].params;
    lac_plan_stats stats;
    char signature[160];
    snprintf(signature, sizeof signature, "%s/decode/%llu/f32[1,%lld,%lld,4]", vae->name, (unsigned long long)vae->param[0]->value->uid, (long long)side, (long long)side);
    LAC_CHECK_STATUS(lac_tape_plan_stats(b->t, signature, &stats));
    return stats.peak_bytes;
}

static double mean_gap(const lac_image *a, const lac_image *b)
{
    double sum = 0;
    for (int64_t i = 0; i < LARGE * LARGE * 3; i++)
        sum += abs(a->pixels[i] - b->pixels[i]);
    return sum / (LARGE * LARGE * 3);
}

static void begin_shipped(bench *b)
{
    const lac_backend *cpu;
    *b = (bench){ .t = NULL };
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    LAC_CHECK_STATUS(lac_inpainter_load(&b->ip, LAC_SOURCE_DIR "/weights/mini-inpaint.safetensors", NULL, cpu, LAC_F32));
    json_object_set_new(b->ip.config, "steps", json_integer(3));
    take_pictures(b);
}

/* One tile is the whole picture, to the bit. Several see no further than their edges, which with trained weights is little: less than half of what another seed makes. */
LAC_TEST(tiles_give_the_picture_in_less_memory)
{
    bench b;
    lac_image whole, one, several, other;
    begin_shipped(&b);
    paint_large(&b, 0, 0, &whole);
    paint_large(&b, LARGE, 0, &one);
    paint_large(&b, LARGE / 2, 0, &several);
    paint_large(&b, 0, 1, &other);
    LAC_CHECK(memcmp(whole.pixels, one.pixels, LARGE * LARGE * 3) == 0);
    LAC_CHECK(mean_gap(&whole, &several) > 0 && mean_gap(&whole, &several) < mean_gap(&whole, &other) / 2);
    LAC_CHECK(3 * peak_of(&b, LARGE / 8) < peak_of(&b, LARGE / 4));
    lac_image_free(&whole), lac_image_free(&one), lac_image_free(&several), lac_image_free(&other);
    end(&b);
}

/* Quantised before the tiles are cut. */
LAC_TEST(tiles_of_a_vqgan_give_its_picture)
{
    bench b;
    lac_image whole, one;
    begin(&b, &lac_inpainter_ldm, "{" UNET("9") ", \"vae\": {\"network\": \"vqgan\", \"config\": {\"embed_dim\": 4, \"n_embed\": 9, \"ddconfig\": {\"ch\": 32, \"ch_mult\": [1, 1], "
          "\"num_res_blocks\": 1, \"attn_resolutions\": [], \"z_channels\": 4, \"resolution\": 32}}}}", "{\"steps\": 2}");
    paint_large(&b, 0, 0, &whole);
    paint_large(&b, LARGE + 32, 0, &one);
    LAC_CHECK(memcmp(whole.pixels, one.pixels, LARGE * LARGE * 3) == 0);
    lac_image_free(&whole), lac_image_free(&one);
    end(&b);
}

LAC_TEST(tiles_that_are_no_multiple_of_the_cells_are_refused)
{
    bench b;
    lac_image y;
    begin(&b, &lac_inpainter_sd_blend, "{" UNET("4") ", " VAE "}", "{\"steps\": 2, \"tiles\": 12}");
    LAC_CHECK_FAILS(lac_inpaint(&b.ip, b.t, &b.image[0], &b.mask[0], NULL, &y), LAC_ERR_ARG, "'tiles': tiles of 12 pixels a side, expected a multiple of 8");
    end(&b);
}

static void spoil(const bench *b, int network, const char *name, float by)
{
    lac_param *p = lac_params_find(b->ip.network[network].params, name);
    for (int64_t i = 0; i < lac_numel(p->value); i++)
        ((float *)p->value->data)[i] *= by;
    lac_param_changed(p);
}

/* What weights gone wrong, or a dtype too narrow for them, come to. */
LAC_TEST(a_latent_that_is_no_number_is_said_and_not_painted)
{
    bench b;
    lac_image y;
    begin(&b, &lac_inpainter_sd_blend, "{" UNET("4") ", " VAE "}", "{\"steps\": 3}");
    spoil(&b, 0, "out.2.weight", INFINITY);
    LAC_CHECK_FAILS(lac_inpaint(&b.ip, b.t, &b.image[0], &b.mask[0], NULL, &y), LAC_ERR_NONFINITE, "after step 1 of 4 the latent is not finite");
    spoil(&b, 1, "encoder.conv_out.weight", INFINITY);
    LAC_CHECK_FAILS(lac_inpaint(&b.ip, b.t, &b.image[0], &b.mask[0], NULL, &y), LAC_ERR_NONFINITE, "what the encoder makes of the picture is not finite");
    end(&b);
    begin(&b, &lac_inpainter_sd_blend, "{" UNET("4") ", " VAE "}", "{\"steps\": 1}");
    spoil(&b, 1, "decoder.conv_out.weight", INFINITY);
    LAC_CHECK_FAILS(lac_inpaint(&b.ip, b.t, &b.image[0], &b.mask[0], NULL, &y), LAC_ERR_NONFINITE, "the decoded picture is not finite");
    end(&b);
}

/* ---- with a text encoder ---- */

static void begin_told(bench *b, const lac_inpainter_def *def, const char *encoder, const char *config)
{
    *b = (bench){ .t = NULL };
    lac_test_latent(&b->ip, def, encoder, config);
    take_pictures(b);
}

static void begin_text(bench *b, const char *encoder, const char *config) { begin_told(b, &lac_inpainter_sd_inpaint, encoder, config); }

/* How many bytes of picture 0 differ, outside its hole none. */
static int changed(const bench *b, const lac_ask *one, const lac_ask *other)
{
    lac_image x, y;
    int in_hole = 0;
    LAC_CHECK_STATUS(lac_inpaint(&b->ip, b->t, &b->image[0], &b->mask[0], one, &x));
    LAC_CHECK_STATUS(lac_inpaint(&b->ip, b->t, &b->image[0], &b->mask[0], other, &y));
    for (int i = 0; i < SIDE * (SIDE + 4) * 3; i++) {
        LAC_CHECK(b->mask[0].pixels[i / 3] || (x.pixels[i] == y.pixels[i] && x.pixels[i] == b->image[0].pixels[i]));
        in_hole += x.pixels[i] != y.pixels[i];
    }
    lac_image_free(&x);
    lac_image_free(&y);
    return in_hole;
}

static const char *const encoders[] = { "clip-text", "bert-encoder" };

LAC_TEST(a_prompt_changes_the_hole_alone_and_no_picture_beside)
{
    static const lac_ask red = { .prompt = "a red square" }, blue = { .prompt = "a blue circle" }, seed = { .prompt = "a red square", .seed = 1 };
    static const lac_ask not_blue = { .prompt = "a red square", .negative = "a blue circle" }, none = { .prompt = NULL }, empty = { .prompt = "", .negative = "" };
    static const lac_ask many[MANY] = { { .prompt = "a red square", .seed = 1 }, { .negative = "a dog" }, { .prompt = "a blue circle", .sample = 7 } };
    for (size_t i = 0; i < LAC_COUNT(encoders); i++) {
        bench b;
        begin_text(&b, encoders[i], "{ 'steps': 2, 'paste': 'hard' }");
        check_together(&b, many);
        LAC_CHECK(changed(&b, &red, &red) == 0 && changed(&b, &none, &empty) == 0);
        LAC_CHECK(changed(&b, &red, &blue) > 0 && changed(&b, &red, &seed) > 0 && changed(&b, &red, &not_blue) > 0);
        end(&b);
    }
}

LAC_TEST(every_system_with_a_text_gives_a_picture_its_bits_whatever_the_batch)
{
    static const lac_ask many[MANY] = { { .prompt = "a red square", .seed = 1 }, { .negative = "a dog" }, { .prompt = "a blue circle", .sample = 7 } };
    static const struct { const lac_inpainter_def *def; const char *config; } systems[] = {
        { &lac_inpainter_glide_latent, "{ 'steps': 3, 'estimate_clip': 2 }" },
        { &lac_inpainter_smartbrush, "{ 'steps': 3 }" },
        { &lac_inpainter_smartbrush, "{ 'steps': 3, 'sampler': 'euler', 'predicted_mask': 'last', 'precision': 0 }" },
        { &lac_inpainter_blended_latent, "{ 'steps': 4, 'blend': 'before', 'dilations': 2 }" },
    };
    for (size_t i = 0; i < LAC_COUNT(systems); i++) {
        bench b;
        begin_told(&b, systems[i].def, "clip-text", systems[i].config);
        check_together(&b, many);
        end(&b);
    }
}

/* A network that says of every cell that it is hole, or that it is not, by the sign of that bias. */
static void paint_precisely(const char *config, float bias, lac_image *y)
{
    bench b;
    begin_told(&b, &lac_inpainter_smartbrush, "clip-text", config);
    const lac_param *out = lac_params_find(b.ip.network[0].params, "conv_out.bias");
    ((float *)out->value->data)[4] = bias;
    LAC_CHECK_STATUS(lac_inpaint(&b.ip, b.t, &b.image[0], &b.mask[0], &(lac_ask){ .seed = 1 }, y));
    end(&b);
}

LAC_TEST(a_predicted_mask_leaves_the_picture_where_it_is_empty)
{
    lac_image kept, last, full, given;
    const size_t n = SIDE * (SIDE + 4) * 3;
    paint_precisely("{ 'steps': 2, 'paste': 'hard' }", -1e4f, &kept);
    paint_precisely("{ 'steps': 2, 'paste': 'hard', 'predicted_mask': 'last', 'precision': 1 }", -1e4f, &last);
    paint_precisely("{ 'steps': 2, 'paste': 'hard' }", 1e4f, &full);
    paint_precisely("{ 'steps': 2, 'paste': 'hard', 'predicted_mask': 'off' }", -1e4f, &given);
    LAC_CHECK(memcmp(kept.pixels, last.pixels, n) == 0 && memcmp(full.pixels, given.pixels, n) == 0 && memcmp(kept.pixels, full.pixels, n) != 0);
    lac_image_free(&kept);
    lac_image_free(&last);
    lac_image_free(&full);
    lac_image_free(&given);
}

static int calls;

static lac_tensor *counted_states(lac_tape *t, const void *model, lac_tensor *ids)
{
    calls++;
    return lac_network_clip_text.states(t, model, ids);
}

/* How often the text encoder is asked, in regions that are planned and run. */
static int texts_read(const char *config)
{
    lac_network_def counted = lac_network_clip_text;
    bench b;
    begin_text(&b, "clip-text", config);
    counted.states = counted_states;
    b.ip.network[2].def = &counted;
    calls = 0;
    changed(&b, &asks[0], &asks[0]);
    b.ip.network[2].def = &lac_network_clip_text;
    end(&b);
    return calls;
}

/* Two pictures are painted: a region planned and run, and run again; guided, twice as many texts. */
LAC_TEST(guidance_of_one_has_no_branch_without_text)
{
    static const lac_ask red = { .prompt = "a red square" }, not_blue = { .prompt = "a red square", .negative = "a blue circle" };
    bench b;
    LAC_CHECK(texts_read("{ 'steps': 1, 'paste': 'hard', 'guidance_scale': 1 }") == 3);
    LAC_CHECK(texts_read("{ 'steps': 1, 'paste': 'hard', 'guidance_scale': 2 }") == 5);
    begin_text(&b, "clip-text", "{ 'steps': 2, 'paste': 'hard', 'guidance_scale': 1 }");
    LAC_CHECK(changed(&b, &red, &not_blue) == 0);
    end(&b);
}

LAC_TEST(prompts_are_cut_to_what_the_encoder_reads_and_fit_its_table)
{
    bench b;
    int32_t ids[77];
    int64_t lost = -1;
    begin_text(&b, "bert-encoder", "{}");
    lac_prompts *p = &b.ip.prompts;
    LAC_CHECK_STATUS(lac_prompts_ids(p, "a red square", ids, &lost));
    LAC_CHECK(lost == 0 && ids[0] == lac_tokenizer_special(p->tokenizer).start && ids[76] == lac_tokenizer_special(p->tokenizer).pad);
    char text[161];
    for (int i = 0; i < 160; i++)
        text[i] = i % 2 == 0 ? '!' : ' ';
    text[160] = '\0';
    LAC_CHECK_STATUS(lac_prompts_ids(p, text, NULL, &lost));
    LAC_CHECK(lost == 80 + 2 - 77);
    LAC_CHECK_STATUS(lac_prompts_ids(p, text, ids, NULL));
    LAC_CHECK(ids[1] == ids[75] && ids[76] == lac_tokenizer_special(p->tokenizer).end);
    LAC_CHECK_FAILS(lac_prompts_ids(p, "\xff", ids, NULL), LAC_ERR_FORMAT, "prompt");
    LAC_CHECK_STATUS(lac_prompts_fit(p, &b.ip.network[2]));
    bench other;
    begin_text(&other, "clip-text", "{}");
    LAC_CHECK_FAILS(lac_prompts_fit(&other.ip.prompts, &b.ip.network[2]), LAC_ERR_CONFIG, "the tokenizer has 1527 ids, the text encoder 'bert-encoder' only 372");
    json_object_set_new(p->config, "max_length", json_integer(78));
    LAC_CHECK_FAILS(lac_prompts_fit(p, &b.ip.network[2]), LAC_ERR_CONFIG, "prompts have 78 ids, the text encoder 'bert-encoder' reads at most 77");
    end(&b);
    end(&other);
}

LAC_TEST(prompts_stand_in_their_template_and_the_empty_one_stays_empty)
{
    bench b;
    int32_t plain[77], templated[77];
    const char *const texts[][2] = { { "lion", "a photo of a lion, here" }, { "", "" } };       /* what is asked for, what is read */
    begin_text(&b, "clip-text", "{}");
    lac_prompts *p = &b.ip.prompts;
    for (int i = 0; i < 2; i++) {
        json_object_set_new(p->config, "template", json_string("{}"));
        LAC_CHECK_STATUS(lac_prompts_ids(p, texts[i][1], plain, NULL));
        json_object_set_new(p->config, "template", json_string("a photo of a {}, here"));
        LAC_CHECK_STATUS(lac_prompts_ids(p, texts[i][0], templated, NULL));
        LAC_CHECK(memcmp(plain, templated, (size_t)lac_prompts_length(p) * sizeof plain[0]) == 0);
    }
    end(&b);
}

LAC_TEST(repaint_takes_samplers_that_remember_nothing)
{
    static const struct { const char *sampler; lac_status status; } wanted[] = {
        { "ddpm", LAC_OK }, { "ddim", LAC_OK }, { "euler", LAC_OK }, { "pndm", LAC_ERR_CONFIG }, { "dpm", LAC_ERR_CONFIG }, { "unipc", LAC_ERR_CONFIG },
    };
    for (size_t i = 0; i < LAC_COUNT(wanted); i++) {
        bench b;
        lac_image y = { 0 };
        char config[160];
        snprintf(config, sizeof config, "{\"steps\": 4, \"jump_length\": 2, \"jump_n_sample\": 2, \"sampler\": \"%s\"}", wanted[i].sampler);
        begin(&b, &lac_inpainter_repaint, "{" UNET("4") ", " VAE "}", config);
        LAC_CHECK(lac_inpaint(&b.ip, b.t, &b.image[0], &b.mask[0], NULL, &y) == wanted[i].status);
        LAC_CHECK(wanted[i].status == LAC_OK || strstr(lac_error_message(), "take ddpm or ddim") != NULL);
        lac_image_free(&y);
        end(&b);
    }
}
