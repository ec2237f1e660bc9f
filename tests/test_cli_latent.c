/* lacuna inpaint with a latent model, from its file and from a folder of diffusers: the same picture, and bad input in one line. */
#include "core/file/atomic.h"
#include "core/image/image.h"
#include "tests/harness/cli.h"
#include "tests/harness/latent.h"
#include "tests/harness/said.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SETTINGS "{ 'steps': 2, 'paste': 'hard' }"

static const char *f, *image, *mask, *out;

/* Of 13 x 19 pixels: no multiple of 8. */
static void begin(void)
{
    f = lac_test_folder();
    image = lac_cli_picture(f, "image.png", 13, 19, 3);
    mask = lac_cli_mask(f, "mask.png", 13, 19, 2, 3, 7, 9);
    out = lac_cli_path(f, "out.png");
}

static char *model(const char *name, const lac_inpainter_def *def)
{
    lac_inpainter ip;
    char *path = lac_cli_path(f, name);
    lac_test_latent(&ip, def, "clip-text", SETTINGS);
    LAC_CHECK_STATUS(lac_inpainter_save(path, &ip, LAC_F32));
    lac_inpainter_close(&ip);
    return path;
}

static int paint(lac_cli_said *said, const char *path, const char *to, const char *prompt)
{
    return LAC_CLI(lac_cmd_inpaint, said, path, "-i", image, "-m", mask, "-o", to, "--precision", "f32", "--prompt", prompt);
}

static void write_text(const char *path, const char *text) { LAC_CHECK_STATUS(lac_file_write(path, text, strlen(text))); }

LAC_TEST(a_prompt_too_long_is_said_and_painted_as_far_as_it_is_read)
{
    lac_cli_said said;
    char prompt[2 * 87], same[2 * 75];
    begin();
    const char *path = model("m.safetensors", &lac_inpainter_sd_inpaint), *other = lac_cli_path(f, "other.png");
    for (int i = 0; i < 87; i++)
        memcpy(prompt + 2 * i, "a ", 2);
    memcpy(same, prompt, sizeof same);
    prompt[2 * 87 - 1] = same[2 * 75 - 1] = '\0';
    LAC_CHECK(paint(&said, path, out, prompt) == 0 && lac_cli_complains(&said, "prompt: 12 tokens beyond 77 are not read"));
    LAC_CHECK(paint(&said, path, other, same) == 0 && said.err[0] == '\0' && lac_cli_same_file(out, other));
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, path, "-i", image, "-m", mask, "-o", out, "--negative-prompt", prompt) == 0);
    LAC_CHECK(lac_cli_complains(&said, "negative prompt: 12 tokens"));
    LAC_CHECK(paint(&said, path, out, "\xff") == 1 && lac_cli_complains(&said, "prompt"));
}

LAC_TEST(any_size_and_a_hole_as_large_as_the_picture_are_painted)
{
    lac_cli_said said;
    lac_image y = { 0 };
    begin();
    const char *path = model("m.safetensors", &lac_inpainter_sd_inpaint), *all = lac_cli_mask(f, "all.png", 13, 19, 0, 0, 13, 19);
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, path, "-i", image, "-m", all, "-o", out) == 0 && said.err[0] == '\0');
    LAC_CHECK_STATUS(lac_image_load(&y, out, 3));
    LAC_CHECK(y.height == 13 && y.width == 19);
    lac_image_free(&y);
    const char *empty = lac_cli_mask(f, "none.png", 13, 19, 0, 0, 0, 0), *wide = lac_cli_mask(f, "wide.png", 13, 20, 0, 0, 5, 5);
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, path, "-i", image, "-m", empty, "-o", out) == 1 && lac_cli_complains(&said, "has no hole"));
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, path, "-i", image, "-m", wide, "-o", out) == 1 && lac_cli_complains(&said, "is 20x13"));
}

/* Five results, three at once: each is what its seed makes alone. */
LAC_TEST(results_of_several_seeds_are_those_that_each_makes_alone)
{
    lac_cli_said said;
    char name[32], seed[16];
    begin();
    const char *path = model("m.safetensors", &lac_inpainter_sd_inpaint), *alone = lac_cli_path(f, "alone.png");
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, path, "-i", image, "-m", mask, "-o", out, "--precision", "f32", "--prompt", "a dog", "--seed", "7", "--count", "5", "--batch", "3") == 0);
    LAC_CHECK(said.err[0] == '\0' && access(out, F_OK) != 0 && access(lac_cli_path(f, "out-12.png"), F_OK) != 0);
    for (int k = 7; k < 12; k++) {
        snprintf(name, sizeof name, "out-%d.png", k);
        snprintf(seed, sizeof seed, "%d", k);
        LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, path, "-i", image, "-m", mask, "-o", alone, "--precision", "f32", "--prompt", "a dog", "--seed", seed) == 0);
        LAC_CHECK(lac_cli_same_file(lac_cli_path(f, name), alone));
    }
    LAC_CHECK(!lac_cli_same_file(lac_cli_path(f, "out-7.png"), lac_cli_path(f, "out-8.png")));
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, path, "-i", image, "-m", mask, "-o", out, "--count", "0") == 2 && lac_cli_complains(&said, "--count must be 1 to"));
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, path, "-i", image, "-m", mask, "-o", out, "--batch", "0") == 2 && lac_cli_complains(&said, "--batch 1 to 4096"));
    const char *fixed = lac_cli_model(f, "d.safetensors", "{\"cnum\": 4}", false, 1);
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, fixed, "-i", image, "-m", mask, "-o", out, "--count", "2") == 2);
    LAC_CHECK(lac_cli_complains(&said, "draws nothing at random: --count"));
}

/* Of two pictures of one size and one of another, with results of both in one batch. */
LAC_TEST(several_results_of_each_picture_of_a_folder)
{
    lac_cli_said said;
    begin();
    const char *path = model("m.safetensors", &lac_inpainter_sd_inpaint), *images = lac_cli_path(f, "images"), *masks = lac_cli_path(f, "masks"), *to = lac_cli_path(f, "to");
    static const char *const names[] = { "a.png", "b.png", "c.png" };
    LAC_CHECK_STATUS(lac_make_folders(images));
    LAC_CHECK_STATUS(lac_make_folders(masks));
    for (int i = 0; i < 3; i++) {
        lac_cli_picture(images, names[i], 13, 19 + (i == 2), 3);
        lac_cli_mask(masks, names[i], 13, 19 + (i == 2), 2, 3, 7 + i, 9);
    }
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, path, "-i", images, "-m", masks, "-o", to, "--precision", "f32", "--prompt", "a dog", "--seed", "7", "--count", "3", "--batch", "2") == 0);
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "%c-9.png", names[i][0]);
        LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, path, "-i", lac_cli_path(images, names[i]), "-m", lac_cli_path(masks, names[i]), "-o", out, "--precision", "f32", "--prompt", "a dog",
                          "--seed", "9") == 0);
        LAC_CHECK(lac_cli_same_file(lac_cli_path(to, name), out));
    }
}

LAC_TEST(repaint_refuses_samplers_that_remember)
{
    lac_cli_said said;
    begin();
    const char *path = model("m.safetensors", &lac_inpainter_sd_blend);
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, path, "-i", image, "-m", mask, "-o", out, "--system", "repaint", "--sampler", "pndm") == 1);
    LAC_CHECK(lac_cli_complains(&said, "which the sampler 'PNDMScheduler' cannot: take ddpm or ddim"));
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, path, "-i", image, "-m", mask, "-o", out, "--system", "repaint", "--sampler", "ddim", "--setting", "jump_length=1") == 0);
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, path, "-i", image, "-m", mask, "-o", out, "--system", "repaint", "--setting", "jump_length=1") == 0);      /* its own sampler, not the other's */
}

LAC_TEST(weights_that_are_no_numbers_and_a_tokenizer_of_another_are_refused)
{
    lac_cli_said said;
    lac_inpainter ip;
    begin();
    const char *path = lac_cli_path(f, "m.safetensors");
    lac_test_latent(&ip, &lac_inpainter_sd_inpaint, "clip-text", SETTINGS);
    float *x = ip.network[0].params->param[0]->value->data;
    const float was = x[0];
    x[0] = NAN;
    LAC_CHECK_STATUS(lac_inpainter_save(path, &ip, LAC_F32));
    LAC_CHECK(paint(&said, path, out, "a dog") == 1 && lac_cli_complains(&said, "holds NaN") && access(out, F_OK) != 0);
    x[0] = was;
    json_object_set_new(ip.prompts.config, "max_length", json_integer(78));
    LAC_CHECK_STATUS(lac_inpainter_save(path, &ip, LAC_F32));
    LAC_CHECK(paint(&said, path, out, "a dog") == 1 && lac_cli_complains(&said, "prompts have 78 ids"));
    lac_inpainter_close(&ip);
}

/* ---- a folder ---- */

static const char *in(const char *pipeline, const char *name) { return lac_cli_path(pipeline, name); }

/* As diffusers lays a pipeline out; the scheduler's file is left out, the system has its own. */
static char *pipeline(const char *from)
{
    static const char *const part[][2] = { { "unet", "diffusers" }, { "vae", "diffusers" }, { "text_encoder", "transformers" } };
    char *folder = lac_cli_path(f, "pipeline"), stamps[4096];
    lac_cli_said said;
    LAC_CHECK_STATUS(lac_make_folders(in(folder, "tokenizer")));
    for (size_t i = 0; i < LAC_COUNT(part); i++)
        LAC_CHECK(LAC_CLI(lac_cmd_export, &said, from, "--network", part[i][0], "--layout", part[i][1], "-o", in(folder, part[i][0])) == 0);
    for (int i = 0; i < 2; i++) {
        const char *name = i == 0 ? "tokenizer/vocab.json" : "tokenizer/merges.txt";
        snprintf(stamps, sizeof stamps, "%s/data/stamps/%s", lac_test_source(), name);
        lac_cli_copy(stamps, in(folder, name), 1);
    }
    write_text(in(folder, "tokenizer/tokenizer_config.json"), "{\"tokenizer_class\": \"CLIPTokenizer\", \"model_max_length\": 77}");
    write_text(in(folder, "model_index.json"),
               "{\"_class_name\": \"StableDiffusionInpaintPipeline\", \"unet\": [\"diffusers\", \"UNet2DConditionModel\"], \"vae\": [\"diffusers\", \"AutoencoderKL\"],"
               " \"text_encoder\": [\"transformers\", \"CLIPTextModel\"], \"tokenizer\": [\"transformers\", \"CLIPTokenizer\"], \"safety_checker\": [null, null]}");
    return folder;
}

static int paint_twice(lac_cli_said *said, const char *path, const char *to)
{
    return LAC_CLI(lac_cmd_inpaint, said, path, "-i", image, "-m", mask, "-o", to, "--precision", "f32", "--prompt", "a red square", "--steps", "2", "--setting", "paste=hard");
}

LAC_TEST(a_folder_of_diffusers_paints_as_its_file_does)
{
    lac_cli_said said;
    begin();
    const char *path = model("m.safetensors", &lac_inpainter_sd_inpaint), *folder = pipeline(path), *again = lac_cli_path(f, "again.safetensors"), *other = lac_cli_path(f, "other.png");
    LAC_CHECK(paint_twice(&said, path, out) == 0 && paint_twice(&said, folder, other) == 0 && lac_cli_same_file(out, other));
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, folder, "-o", again) == 0 && paint_twice(&said, again, other) == 0 && lac_cli_same_file(out, other));
}

LAC_TEST(a_folder_with_a_bad_part_is_one_line)
{
    lac_cli_said said;
    begin();
    const char *folder = pipeline(model("m.safetensors", &lac_inpainter_sd_inpaint)), *kept = lac_cli_path(f, "kept");
    const char *weights = in(folder, "unet/diffusion_pytorch_model.safetensors"), *config = in(folder, "unet/config.json");
    lac_cli_copy(weights, kept, 1);
    lac_cli_copy(kept, weights, 0.5);
    LAC_CHECK(paint_twice(&said, folder, out) == 1 && lac_cli_complains(&said, "unet/diffusion_pytorch_model.safetensors"));
    LAC_CHECK(unlink(weights) == 0);
    lac_cli_copy(lac_test_golden("torch/evil.pt"), in(folder, "unet/diffusion_pytorch_model.bin"), 1);
    LAC_CHECK(paint_twice(&said, folder, out) == 1 && lac_cli_complains(&said, "calls 'posix.system'"));
    LAC_CHECK(unlink(in(folder, "unet/diffusion_pytorch_model.bin")) == 0);
    lac_cli_copy(in(folder, "vae/config.json"), config, 1);
    lac_cli_copy(in(folder, "vae/diffusion_pytorch_model.safetensors"), weights, 1);
    LAC_CHECK(paint_twice(&said, folder, out) == 1);
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, folder, "-i", image, "-m", mask, "-o", out, "--system", "sd-inpaint") == 1);
    LAC_CHECK(lac_cli_complains(&said, "its 'unet' is the network 'autoencoder-kl', should be unet2d-condition") && access(out, F_OK) != 0);
}

/* A set of six captions of one word, and a model that reads two ids: none of the word. */
LAC_TEST(an_evaluation_says_how_many_prompts_were_cut)
{
    lac_cli_said said;
    lac_inpainter ip;
    begin();
    const char *path = lac_cli_path(f, "m.safetensors"), *set = lac_cli_path(f, "said.h5");
    lac_test_said(set, LAC_TEST_SAID_SIDE, 1);
    lac_cli_mask(f, "square.png", LAC_TEST_SAID_SIDE, LAC_TEST_SAID_SIDE, 2, 3, 7, 9);
    lac_test_latent(&ip, &lac_inpainter_sd_inpaint, "clip-text", SETTINGS);
    LAC_CHECK_STATUS(lac_inpainter_save(path, &ip, LAC_F32));
    const char *const words[] = { "eval", path, "--set", set, "--split", "train", "--size", "16", "--mask", lac_cli_path(f, "square.png"), "--metrics", "psnr", NULL };
    LAC_CHECK(lac_cli(lac_cmd_eval, &said, words) == 0 && said.err[0] == '\0');
    json_object_set_new(ip.prompts.config, "max_length", json_integer(2));
    LAC_CHECK_STATUS(lac_inpainter_save(path, &ip, LAC_F32));
    LAC_CHECK(lac_cli(lac_cmd_eval, &said, words) == 0 && lac_cli_complains(&said, "m: 6 of 6 prompts are longer than 2 tokens; what is beyond is not read"));
    lac_inpainter_close(&ip);
}
