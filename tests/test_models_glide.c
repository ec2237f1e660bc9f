/* GLIDE's inpainting from picture to picture, as PyTorch makes it of the same networks with the released code's diffusion (tests/golden/glide_painted.py); what it
 * refuses. */
#include "autograd/ops/backend_cpu.h"
#include "models/inpainter.h"
#include "tests/harness/painted.h"
#include "tests/harness/test.h"

#include <stdio.h>
#include <string.h>

LAC_TEST(glide_paints_what_the_published_parts_paint_put_together) { lac_test_painted("glide", 4, 0.005); }       /* PyTorch in f32: 0 to 0.003 */

static lac_status open_with(lac_inpainter *ip, const char *networks, const char *config)
{
    const lac_backend *cpu;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    char text[2][4096];
    snprintf(text[0], sizeof text[0], "%s", networks);
    snprintf(text[1], sizeof text[1], "%s", config);
    json_t *n = lac_test_json(text[0]), *c = lac_test_json(text[1]);
    const lac_status s = lac_inpainter_open(ip, &lac_inpainter_glide, n, c, cpu, LAC_F32);
    json_decref(n);
    json_decref(c);
    return s;
}

/* A picture of noise and its hole: rows 3 to 9. */
static void make(lac_image *picture, lac_image *mask, unsigned seed)
{
    LAC_CHECK_STATUS(lac_image_new(picture, 16, 24, 3));
    LAC_CHECK_STATUS(lac_image_new(mask, 16, 24, 1));
    for (int64_t i = 0; i < 16 * 24 * 3; i++)
        picture->pixels[i] = (uint8_t)(seed = seed * 1103515245u + 12345u, seed >> 16);
    memset(mask->pixels + 3 * 24, 255, 7 * 24);
}

/* Two pictures with prompts and seeds of their own, at once and alone. */
LAC_TEST(glide_paints_the_same_in_any_batch)
{
    const lac_backend *cpu;
    lac_inpainter ip;
    lac_tape *t;
    lac_image picture[2], mask[2], both[2], one;
    const lac_ask ask[2] = { { .prompt = "a dog", .seed = 3 }, { .prompt = "two birds", .seed = 4, .sample = 5, .negative = "a cat" } };
    json_t *few = json_pack("{s:i, s:i, s:[i, i]}", "factor", 2, "steps", 3, "upsampler_sections", 1, 2);
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    LAC_CHECK_STATUS(lac_inpainter_load(&ip, lac_test_golden("glide/model.safetensors"), NULL, cpu, LAC_F32));
    LAC_CHECK_STATUS(lac_inpainter_configure(&ip, few));
    LAC_CHECK_STATUS(lac_tape_new(&t, cpu));
    for (int i = 0; i < 2; i++)
        make(&picture[i], &mask[i], (unsigned)i + 1);
    LAC_CHECK_STATUS(lac_inpaint_n(&ip, t, 2, picture, mask, ask, both));
    LAC_CHECK(memcmp(both[0].pixels + 3 * 24 * 3, both[1].pixels + 3 * 24 * 3, 7 * 24 * 3) != 0);
    for (int i = 0; i < 2; i++) {
        LAC_CHECK_STATUS(lac_inpaint(&ip, t, &picture[i], &mask[i], &ask[i], &one));
        LAC_CHECK(memcmp(one.pixels, both[i].pixels, 16 * 24 * 3) == 0);
        lac_image_free(&one);
        lac_image_free(&both[i]);
        lac_image_free(&picture[i]);
        lac_image_free(&mask[i]);
    }
    lac_tape_free(t);
    lac_inpainter_close(&ip);
    json_decref(few);
}

typedef struct results { lac_image each[3]; int n; } results;

static lac_status take(void *context, int64_t i, int64_t k, lac_image *result)
{
    results *r = context;
    LAC_CHECK(i == 0 && k == r->n);
    r->each[r->n++] = *result;
    *result = (lac_image){ 0 };
    return LAC_OK;
}

/* Several results of a picture are each what its seed makes alone. */
LAC_TEST(glide_paints_several_results_of_one_prompt)
{
    const lac_backend *cpu;
    lac_inpainter ip;
    lac_tape *t;
    lac_image picture, mask, one;
    results r = { .n = 0 };
    json_t *few = json_pack("{s:i, s:i, s:[i, i]}", "factor", 2, "steps", 2, "upsampler_sections", 1, 1);
    lac_ask ask = { .prompt = "a dog", .negative = "a cat", .seed = 3 };
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    LAC_CHECK_STATUS(lac_inpainter_load(&ip, lac_test_golden("glide/model.safetensors"), NULL, cpu, LAC_F32));
    LAC_CHECK_STATUS(lac_inpainter_configure(&ip, few));
    LAC_CHECK_STATUS(lac_tape_new(&t, cpu));
    make(&picture, &mask, 1);
    LAC_CHECK_STATUS(lac_inpaint_each(&ip, t, 1, &picture, &mask, &ask, 3, 2, take, &r));
    for (int k = 0; k < 3; k++, ask.seed++) {
        LAC_CHECK_STATUS(lac_inpaint(&ip, t, &picture, &mask, &ask, &one));
        LAC_CHECK(memcmp(one.pixels, r.each[k].pixels, 16 * 24 * 3) == 0);
        lac_image_free(&one);
        lac_image_free(&r.each[k]);
    }
    lac_image_free(&picture);
    lac_image_free(&mask);
    lac_tape_free(t);
    lac_inpainter_close(&ip);
    json_decref(few);
}

#define TINY "'block_out_channels': [4, 8], 'norm_num_groups': 2, 'layers_per_block': 1, 'cross_attention_dim': 8, 'attention_head_dim': 2,"                       \
             "'down_block_types': ['DownBlock2D', 'CrossAttnDownBlock2D'], 'up_block_types': ['CrossAttnUpBlock2D', 'UpBlock2D']"
#define UNETS(base, out, upsampler) "'unet': { 'config': { 'in_channels': " base ", 'out_channels': " out ", " TINY " } }, 'upsampler': { 'config': { 'in_channels': " upsampler ", 'out_channels': 6, " TINY " } }"
#define TEXT ", 'text_encoder': { 'config': { 'vocab_size': 1527, 'hidden_size': 8, 'intermediate_size': 16, 'num_hidden_layers': 1, 'num_attention_heads': 2 } }"

LAC_TEST(glide_wants_networks_that_fit)
{
    static const struct { const char *networks, *says; } wrong[] = {
        { "{ " UNETS("9", "6", "10") TEXT " }", "its 'unet' has 9 channels in, should have 7" }, { "{ " UNETS("7", "3", "10") TEXT " }", "its 'unet' has 3 channels out, should have 6" },
        { "{ " UNETS("7", "6", "6") TEXT " }", "its 'upsampler' has 6 channels in, should have 10" }, { "{ " UNETS("7", "6", "10") " }", "its 'unet' reads a text, and there is no 'text_encoder'" },
    };
    lac_inpainter ip;
    for (size_t i = 0; i < LAC_COUNT(wrong); i++)
        LAC_CHECK_FAILS(open_with(&ip, wrong[i].networks, "{}"), LAC_ERR_CONFIG, wrong[i].says);
}

#define LDM "'channel_mult': [1], 'num_res_blocks': 1, 'attention_resolutions': [1], 'num_heads': 2"

static void check_config(const char *config, const char *says)
{
    lac_inpainter ip;
    lac_tape *t;
    lac_image picture, mask, y;
    LAC_CHECK_STATUS(open_with(&ip, "{ 'unet': { 'network': 'unet-ldm', 'config': { 'in_channels': 7, 'out_channels': 6, 'model_channels': 32, " LDM " } },"
                                    "  'upsampler': { 'network': 'unet-ldm', 'config': { 'in_channels': 10, 'out_channels': 6, 'model_channels': 32, " LDM " } } }", config));
    LAC_CHECK_STATUS(lac_tape_new(&t, lac_inpainter_backend(&ip)));
    make(&picture, &mask, 7);
    LAC_CHECK_FAILS(lac_inpaint(&ip, t, &picture, &mask, NULL, &y), LAC_ERR_CONFIG, says);
    lac_image_free(&picture);
    lac_image_free(&mask);
    lac_tape_free(t);
    lac_inpainter_close(&ip);
}

LAC_TEST(glide_names_the_key_that_is_wrong)
{
    check_config("{ 'factor': 3 }", "'factor' is 3, expected 2, 4 or 8");
    check_config("{ 'factor': 2, 'steps': 1, 'upsampler_sections': [600, 1] }", "'upsampler_sections': 600 timesteps of 500 cannot be taken");
    check_config("{ 'factor': 2, 'steps': 1, 'upsampler_first': 500 }", "'upsampler_scheduler': 'timesteps' must fall");
}
