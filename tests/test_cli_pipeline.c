/* Models of several networks in folders of diffusers: what `lacuna export --layout diffusers` writes, and that it comes back. */
#include "autograd/ops/backend_cpu.h"
#include "core/file/atomic.h"
#include "core/file/weights.h"
#include "models/inpainter.h"
#include "tests/harness/cli.h"

#include <jansson.h>
#include <stdlib.h>

#define LEVELS "\"down_block_types\": [\"DownBlock2D\", \"CrossAttnDownBlock2D\"], \"up_block_types\": [\"CrossAttnUpBlock2D\", \"UpBlock2D\"]"
#define UNET(in, more) "\"unet\": {\"config\": {\"in_channels\": " in ", \"block_out_channels\": [4, 8], \"norm_num_groups\": 2, \"layers_per_block\": 1, " \
                       "\"cross_attention_dim\": 8, \"attention_head_dim\": 2, " more LEVELS "}}"
#define VAE "\"vae\": {\"config\": {\"block_out_channels\": [4, 4], \"down_block_types\": [\"DownEncoderBlock2D\", \"DownEncoderBlock2D\"], " \
            "\"up_block_types\": [\"UpDecoderBlock2D\", \"UpDecoderBlock2D\"], \"norm_num_groups\": 2}}"
#define TEXT "\"text_encoder\": {\"config\": {\"vocab_size\": 1527, \"hidden_size\": 8, \"intermediate_size\": 16, \"num_hidden_layers\": 1, " \
             "\"num_attention_heads\": 2, \"max_position_embeddings\": 9, \"eos_token_id\": 1526, \"dtype\": \"float16\"}}"

/* A model in a file, its values drawn. */
static const char *model(const lac_inpainter_def *def, const char *networks, const char *config)
{
    const char *path = lac_cli_path(lac_test_folder(), "model.safetensors");
    const lac_backend *cpu;
    lac_inpainter ip;
    json_t *n = json_loads(networks, 0, NULL), *c = json_loads(config, 0, NULL), *words = json_pack("{s:i}", "max_length", 9);
    LAC_CHECK(n != NULL && c != NULL);
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&cpu, "cpu"));
    LAC_CHECK_STATUS(lac_inpainter_open(&ip, def, n, c, cpu, LAC_F32));
    for (int i = 0; i < LAC_INPAINTER_ROLES; i++)
        if (ip.network[i].def != NULL)
            LAC_CHECK_STATUS(lac_params_init(ip.network[i].params, (uint64_t)i + 3));
    if (json_object_get(n, "text_encoder") != NULL)
        LAC_CHECK_STATUS(lac_prompts_open(&ip.prompts, LAC_SOURCE_DIR "/data/stamps/tokenizer", words));
    LAC_CHECK_STATUS(lac_inpainter_save(path, &ip, LAC_F32));
    lac_inpainter_close(&ip);
    json_decref(n);
    json_decref(c);
    json_decref(words);
    return path;
}

/* A file of the folder is JSON, and at `key` ("unet", "unet.0") is the text; NULL: null. */
static void check_says(const char *folder, const char *file, const char *key, const char *text)
{
    json_t *json = json_load_file(lac_cli_path(folder, file), 0, NULL), *value = NULL;
    LAC_CHECK(json != NULL);
    const char *dot = strchr(key, '.');
    char first[64];
    snprintf(first, sizeof first, "%.*s", (int)(dot != NULL ? dot - key : (long)strlen(key)), key);
    value = json_object_get(json, first);
    if (dot != NULL)
        value = json_array_get(value, (size_t)atoi(dot + 1));
    if (text == NULL ? !json_is_null(value) : !json_is_string(value) || strcmp(json_string_value(value), text) != 0)
        fail_msg("%s: %s is not %s", file, key, text != NULL ? text : "null");
    json_decref(json);
}

static int64_t number(const char *folder, const char *file, const char *key)
{
    json_t *json = json_load_file(lac_cli_path(folder, file), 0, NULL);
    const int64_t n = json_integer_value(json_object_get(json, key));
    json_decref(json);
    return n;
}

static bool has_key(const char *folder, const char *file, const char *key)
{
    json_t *json = json_load_file(lac_cli_path(folder, file), 0, NULL);
    const bool has = json_object_get(json, key) != NULL;
    LAC_CHECK(json != NULL);
    json_decref(json);
    return has;
}

static const char *const says[][3] = {
    { "model_index.json", "_class_name", "StableDiffusionInpaintPipeline" }, { "model_index.json", "_diffusers_version", "0.9.0" },
    { "model_index.json", "unet.0", "diffusers" }, { "model_index.json", "unet.1", "UNet2DConditionModel" }, { "model_index.json", "vae.1", "AutoencoderKL" },
    { "model_index.json", "text_encoder.0", "transformers" }, { "model_index.json", "text_encoder.1", "CLIPTextModel" },
    { "model_index.json", "tokenizer.1", "CLIPTokenizer" }, { "model_index.json", "scheduler.1", "PNDMScheduler" },
    { "model_index.json", "safety_checker.0", NULL }, { "model_index.json", "feature_extractor.1", NULL },
    { "unet/config.json", "_class_name", "UNet2DConditionModel" }, { "vae/config.json", "_class_name", "AutoencoderKL" },
    { "text_encoder/config.json", "architectures.0", "CLIPTextModel" }, { "text_encoder/config.json", "model_type", "clip_text_model" },
    { "scheduler/scheduler_config.json", "_class_name", "PNDMScheduler" }, { "scheduler/scheduler_config.json", "beta_schedule", "scaled_linear" },
    { "tokenizer/tokenizer_config.json", "tokenizer_class", "CLIPTokenizer" }, { "tokenizer/special_tokens_map.json", "pad_token", "<|endoftext|>" },
    { "tokenizer/special_tokens_map.json", "bos_token", "<|startoftext|>" },
};

LAC_TEST(a_model_becomes_a_pipeline_and_comes_back_to_the_bit)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *m = model(&lac_inpainter_sd_inpaint, "{" UNET("9", "\"sample_size\": 16, ") ", " VAE ", " TEXT "}", "{}");
    const char *out = lac_cli_path(f, "pipe"), *back = lac_cli_path(f, "back.safetensors"), *again = lac_cli_path(f, "again.safetensors");
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, m, "-o", out, "--layout", "diffusers") == 0);
    for (size_t i = 0; i < LAC_COUNT(says); i++)
        check_says(out, says[i][0], says[i][1], says[i][2]);
    LAC_CHECK(!has_key(out, "text_encoder/config.json", "dtype"));          /* which would be that of other weights */
    LAC_CHECK(number(out, "tokenizer/tokenizer_config.json", "model_max_length") == 9 && number(out, "unet/config.json", "sample_size") == 16);
    LAC_CLI_HAS(lac_cli_path(out, "unet/diffusion_pytorch_model.safetensors"), "conv_in.weight", 4, 9, 3, 3);
    LAC_CLI_HAS(lac_cli_path(out, "vae/diffusion_pytorch_model.safetensors"), "quant_conv.weight", 8, 8, 1, 1);
    LAC_CLI_HAS(lac_cli_path(out, "text_encoder/model.safetensors"), "text_model.final_layer_norm.weight", 8);
    LAC_CHECK(lac_cli_same_file(lac_cli_path(out, "tokenizer/merges.txt"), LAC_SOURCE_DIR "/data/stamps/tokenizer/merges.txt"));
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, out, "-o", back) == 0);
    lac_cli_same_tensors(m, back);
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, back, "-o", out, "--layout", "diffusers") == 0);       /* its configs have the classes now: nothing changes any more */
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, out, "-o", again) == 0 && lac_cli_same_file(back, again));
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, out, "-o", again) == 0 && lac_cli_same_file(back, again));
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, m, "-o", out, "--layout", "diffusers", "--dtype", "f16") == 0);
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, out, "-o", back) == 0 && !lac_cli_same_file(m, back));
}

/* With another sampler; of a UNet that knows no sample_size, which pipelines do not load as null. */
LAC_TEST(a_pipeline_has_what_the_model_has)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *out = lac_cli_path(f, "pipe"), *back = lac_cli_path(f, "back.safetensors");
    const char *m = model(&lac_inpainter_sd_blend, "{" UNET("4", "") ", " VAE ", " TEXT "}", "{\"sampler\": \"dpm\"}");
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, m, "-o", out, "--layout", "diffusers") == 0);
    check_says(out, "model_index.json", "scheduler.1", "DPMSolverMultistepScheduler");
    check_says(out, "scheduler/scheduler_config.json", "_class_name", "DPMSolverMultistepScheduler");
    LAC_CHECK(number(out, "unet/config.json", "sample_size") == 64);
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, out, "-o", back) == 0);
    lac_cli_same_tensors(m, back);
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, m, "-o", out, "--layout", "transformers") == 2 && lac_cli_complains(&said, "say which by --network"));
}

LAC_TEST(a_system_that_diffusers_does_not_have_is_no_pipeline)
{
    lac_cli_said said;
    const char *out = lac_cli_path(lac_test_folder(), "pipe");
    const char *m = model(&lac_inpainter_sd_blend, "{\"unet\": {\"network\": \"unet-ldm\", \"config\": {\"in_channels\": 4, \"out_channels\": 4, \"model_channels\": 32, "
                          "\"num_res_blocks\": 1, \"attention_resolutions\": [], \"channel_mult\": [1], \"num_heads\": 4}}, " VAE "}", "{}");
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, m, "-o", out, "--layout", "diffusers") == 2);
    LAC_CHECK(lac_cli_complains(&said, "its 'unet' is the network 'unet-ldm', which diffusers does not have"));
    LAC_CHECK(access(lac_cli_path(out, "model_index.json"), F_OK) != 0);
}

/* ---- a checkpoint of latent diffusion ---- */

enum { MOST_TENSORS = 1024 };

/* The tensors of a file under `prefix`, where their names do not begin with it. bytes: kept until the writer is done. */
static void add_all(lac_weights_writer *to, const char *path, const char *prefix, void **bytes, int *n)
{
    lac_weights *from;
    char key[300];
    LAC_CHECK_STATUS(lac_weights_open(&from, path));
    for (int64_t i = 0; i < lac_weights_count(from); i++, (*n)++) {
        const lac_shape shape = lac_weights_shape(from, i);
        const size_t size = (size_t)lac_shape_numel(&shape) * sizeof(float);
        const char *name = lac_weights_name(from, i);
        LAC_CHECK(*n < MOST_TENSORS && (bytes[*n] = malloc(size)) != NULL);
        LAC_CHECK_STATUS(lac_weights_read(from, i, bytes[*n], size));
        snprintf(key, sizeof key, "%s%s", strncmp(name, prefix, strlen(prefix)) == 0 ? "" : prefix, name);
        LAC_CHECK_STATUS(lac_weights_writer_add(to, key, LAC_F32, shape.ndim, shape.dim, bytes[*n]));
    }
    lac_weights_close(from);
}

/* Three networks of a model in one file, as Stable Diffusion's .ckpt has them, and what stands beside them there. */
static const char *checkpoint(const char *model)
{
    static const char *const part[][3] = {
        { "unet", "compvis", "model.diffusion_model." }, { "vae", "compvis", "first_stage_model." }, { "text_encoder", "probe", "cond_stage_model.transformer." },
    };
    static const float beside[1000];
    const char *f = lac_test_folder(), *path = lac_cli_path(f, "sd.safetensors");
    void *bytes[MOST_TENSORS];
    int n = 0;
    lac_cli_said said;
    lac_weights_writer *w;
    LAC_CHECK_STATUS(lac_weights_writer_new(&w));
    for (size_t i = 0; i < LAC_COUNT(part); i++) {
        LAC_CHECK(LAC_CLI(lac_cmd_export, &said, model, "--network", part[i][0], "--layout", part[i][1], "-o", lac_cli_path(f, "part.safetensors")) == 0);
        add_all(w, lac_cli_path(f, "part.safetensors"), part[i][2], bytes, &n);
    }
    LAC_CHECK_STATUS(lac_weights_writer_add(w, "betas", LAC_F32, 1, (int64_t[]){ 1000 }, beside));
    LAC_CHECK_STATUS(lac_weights_writer_add(w, "model_ema.decay", LAC_F32, 0, NULL, beside));
    LAC_CHECK_STATUS(lac_weights_writer_finish(w, path));
    lac_weights_writer_free(w);
    while (n > 0)
        free(bytes[--n]);
    return path;
}

#define WIDE(in) "\"unet\": {\"config\": {\"in_channels\": " in ", \"block_out_channels\": [32, 32], \"layers_per_block\": 1, \"cross_attention_dim\": 8, " LEVELS "}}"
#define WIDE_VAE "\"vae\": {\"config\": {\"block_out_channels\": [32, 32], \"layers_per_block\": 1, \"down_block_types\": [\"DownEncoderBlock2D\", " \
                 "\"DownEncoderBlock2D\"], \"up_block_types\": [\"UpDecoderBlock2D\", \"UpDecoderBlock2D\"]}}"
#define PUBLISHED_TEXT "\"text_encoder\": {\"config\": {\"vocab_size\": 1527, \"hidden_size\": 8, \"intermediate_size\": 16, \"num_hidden_layers\": 1, " \
                       "\"num_attention_heads\": 1, \"max_position_embeddings\": 9, \"eos_token_id\": 2}}"

/* Heads, groups and the end token, of which tensors say nothing, are the published ones here. */
LAC_TEST(a_checkpoint_becomes_a_model_of_several_networks)
{
    static const struct { const lac_inpainter_def *def; const char *networks; } of[] = {
        { &lac_inpainter_sd_inpaint, "{" WIDE("9") ", " WIDE_VAE ", " PUBLISHED_TEXT "}" }, { &lac_inpainter_sd_blend, "{" WIDE("4") ", " WIDE_VAE ", " PUBLISHED_TEXT "}" },
    };
    lac_cli_said said;
    const char *f = lac_test_folder(), *back = lac_cli_path(f, "back.safetensors"), *words = LAC_SOURCE_DIR "/data/stamps/tokenizer", *ckpt = NULL;
    for (size_t i = 0; i < LAC_COUNT(of); i++) {
        const char *m = model(of[i].def, of[i].networks, "{}");
        ckpt = checkpoint(m);
        LAC_CHECK(LAC_CLI(lac_cmd_import, &said, ckpt, "--tokenizer", words, "-o", back) == 0);
        LAC_CHECK(lac_cli_same_file(m, back));
    }
    const char *picture = lac_cli_picture(f, "p.png", 16, 16, 1), *mask = lac_cli_mask(f, "m.png", 16, 16, 4, 4, 8, 8), *out = lac_cli_path(f, "o.png");
    LAC_CHECK(LAC_CLI(lac_cmd_inpaint, &said, back, "-i", picture, "-m", mask, "-o", out, "--prompt", "a car", "--steps", "2") == 0);
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, ckpt, "--network", "autoencoder-kl", "-o", back) == 0);
    LAC_CLI_HAS(back, "quant_conv.weight", 8, 8, 1, 1);
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, ckpt, "--network", "autoencoder-kl", "--tokenizer", words, "-o", back) == 2);
    LAC_CHECK(lac_cli_complains(&said, "--system and --tokenizer are for models of several"));
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, ckpt, "--system", "sd-inpaint", "-o", back) != 0);
    LAC_CHECK(lac_cli_complains(&said, "9"));
}

/* ---- folders that are not what they say ---- */

#define UNET_FILE "unet/diffusion_pytorch_model.safetensors"

typedef struct spoiled { const char *file, *text, *says; } spoiled;         /* text NULL: the file goes */

/* What import says of the pipeline while a file has other bytes, or (NULL) is not there; nothing is written. */
static void check_refused(const char *pipe, const char *file, const char *bytes, size_t n, const char *says)
{
    lac_cli_said said;
    char *kept;
    size_t size;
    const char *path = lac_cli_path(pipe, file), *out = lac_cli_path(lac_test_folder(), "never.safetensors");
    LAC_CHECK_STATUS(lac_file_read(path, 1 << 24, &kept, &size));
    if (bytes != NULL)
        LAC_CHECK_STATUS(lac_file_write(path, bytes, n));
    else
        LAC_CHECK(unlink(path) == 0);
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, pipe, "-o", out) == 1);
    if (!lac_cli_complains(&said, says))
        fail_msg("%s: %s", file, said.err);
    LAC_CHECK(access(out, F_OK) != 0);
    LAC_CHECK_STATUS(lac_file_write(path, kept, size));
    free(kept);
}

/* The UNet's file is another's, or ends early, or its last number is none. */
static void check_weights(const char *pipe, const char *other, size_t cut, bool nan, const char *says)
{
    char *bytes;
    size_t n;
    LAC_CHECK_STATUS(lac_file_read(other, 1 << 24, &bytes, &n));
    if (nan)
        memset(bytes + n - 4, 0xff, 4);
    check_refused(pipe, UNET_FILE, bytes, cut > 0 ? cut : n, says);
    free(bytes);
}

LAC_TEST(pipelines_that_are_not_what_they_say_are_refused_in_one_line)
{
    static const spoiled bad[] = {
        { "model_index.json", "[]", "model_index.json' is no JSON object" }, { "unet/config.json", "{\"_class_name\": \"AutoencoderKL\"}", "'autoencoder-kl'" },
        { "unet/config.json", "{\"_class_name\": \"FluxTransformer2DModel\"}", "FluxTransformer2DModel, which is no network here" },
        { "unet/config.json", "{", "config.json' is not JSON" }, { UNET_FILE, NULL, "unet': a folder without weights" },
        { "text_encoder/config.json", NULL, "text_encoder" }, { "tokenizer/vocab.json", "{}", "vocab.json': there are no tokens" },
        { "tokenizer/merges.txt", NULL, "merges.txt" }, { "tokenizer/tokenizer_config.json", "{\"tokenizer_class\": \"T5Tokenizer\"}", "T5Tokenizer" },
    };
    lac_cli_said said;
    const char *f = lac_test_folder(), *m = model(&lac_inpainter_sd_inpaint, "{" UNET("9", "") ", " VAE ", " TEXT "}", "{}"), *pipe = lac_cli_path(f, "pipe");
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, m, "-o", pipe, "--layout", "diffusers") == 0);
    for (size_t i = 0; i < LAC_COUNT(bad); i++)
        check_refused(pipe, bad[i].file, bad[i].text, bad[i].text != NULL ? strlen(bad[i].text) : 0, bad[i].says);
    const char *unet = lac_cli_path(pipe, UNET_FILE);
    check_weights(pipe, unet, 20000, false, UNET_FILE);
    check_weights(pipe, unet, 0, true, "holds NaN");
    check_weights(pipe, lac_test_golden("torch/evil.pt"), 0, false, "calls 'posix.system'");
    check_weights(pipe, lac_cli_strip(unet, f, "keys.safetensors", (const char *const[]){ "drop conv_in.bias", "add conv_in.more", "flatten conv_out.weight", NULL }), 0,
                  false, "unet: 3 keys do not fit: 'conv_in.bias' is missing");
    LAC_CHECK(LAC_CLI(lac_cmd_import, &said, pipe, "-o", lac_cli_path(f, "back.safetensors")) == 0);
}
