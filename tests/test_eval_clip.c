/* clip-score over folders of finished pictures: the cosine of what the towers make of the very picture and caption. */
#include "core/memory.h"
#include "core/text/tokenizer.h"
#include "eval/clip_input.h"
#include "eval/cosine.h"
#include "models/clip/clip.h"
#include "models/network.h"
#include "tests/harness/cli.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

#define VOCABULARY LAC_SOURCE_DIR "/tests/golden/text/openai/bpe_simple_vocab_16e6.txt.gz"

enum { SIDE = 24 };

static char *clip_of(const char *folder, int64_t *vocabulary)
{
    char given[500];
    lac_tokenizer *t;
    LAC_CHECK_STATUS(lac_tokenizer_open_file(&t, "clip-openai", VOCABULARY, NULL));
    *vocabulary = lac_tokenizer_special(t).size;
    lac_tokenizer_close(t);
    snprintf(given, sizeof given, "{\"projection_dim\": 8, \"text_config\": {\"vocab_size\": %lld, \"hidden_size\": 8, \"intermediate_size\": 16, \"num_hidden_layers\": 1, "
             "\"num_attention_heads\": 1, \"max_position_embeddings\": 12, \"eos_token_id\": 2}, \"vision_config\": {\"hidden_size\": 8, \"intermediate_size\": 16, "
             "\"num_hidden_layers\": 1, \"num_attention_heads\": 1, \"image_size\": 16, \"patch_size\": 8}}", (long long)*vocabulary);
    return lac_cli_network("clip-model", folder, "clip.safetensors", given, false, 4);
}

static lac_status embed(lac_tape *t, const void *model, lac_tensor *const *in, lac_tensor **out)
{
    out[0] = lac_clip_embed_image(t, model, in[0]);
    out[1] = lac_clip_embed_text(t, model, in[1]);
    return lac_tape_status(t);
}

/* The cosine by the published parts one after another. */
static double cosine_of(const char *weights, const char *picture, const char *text)
{
    const lac_backend *b;
    lac_network n;
    lac_tape *t;
    lac_tokenizer *words;
    lac_image image = { 0 };
    lac_tensor *in[2], *out[2];
    double a[8], c[8];
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_STATUS(lac_network_load(&n, weights, NULL, b, LAC_F32));
    LAC_CHECK_STATUS(lac_tape_new(&t, b));
    LAC_CHECK_STATUS(lac_image_load(&image, picture, 3));
    LAC_CHECK_STATUS(lac_tensor_new(&in[0], LAC_F32, 4, (int64_t[]){ 1, 16, 16, 3 }));
    LAC_CHECK_STATUS(lac_tensor_new(&in[1], LAC_I32, 2, (int64_t[]){ 1, 12 }));
    LAC_CHECK_STATUS(lac_clip_input(in[0]->data, NULL, 16, image.pixels, image.height, image.width, LAC_CLIP_INPUT));
    LAC_CHECK_STATUS(lac_tokenizer_open_file(&words, "clip-openai", VOCABULARY, NULL));
    LAC_CHECK_STATUS(lac_tokenizer_encode(words, text, strlen(text), LAC_I32, 12, in[1]->data, NULL));
    LAC_CHECK_STATUS(lac_network_run(&n, t, "embed", embed, in, 2, out, 2));
    for (int i = 0; i < 8; i++) {
        a[i] = ((float *)out[0]->data)[i];
        c[i] = ((float *)out[1]->data)[i];
    }
    for (int i = 0; i < 2; i++) {
        lac_tensor_free(in[i]);
        lac_tensor_free(out[i]);
    }
    lac_image_free(&image);
    lac_tokenizer_close(words);
    lac_tape_free(t);
    lac_network_close(&n);
    return lac_cosine(a, c, 8);
}

LAC_TEST(a_picture_is_compared_with_its_caption)
{
    lac_cli_said said;
    int64_t vocabulary;
    char *weights, *words;
    const char *f = lac_test_folder(), *prompts = lac_cli_path(f, "p.json"), *out = lac_cli_path(f, "o.json"), *images = lac_cli_path(f, "i");
    LAC_CHECK(mkdir(images, 0777) == 0);
    const char *a = lac_cli_picture(images, "a.png", SIDE, 40, 1);
    lac_cli_picture(images, "b.png", SIDE, SIDE, 2);
    LAC_CHECK_STATUS(lac_format(&weights, "clip=%s", clip_of(f, &vocabulary)));
    LAC_CHECK_STATUS(lac_format(&words, "clip-vocab=%s", VOCABULARY));
    json_t *captions = json_pack("{s:s}", "a", "a cat");
    LAC_CHECK(json_dump_file(captions, prompts, 0) == 0);
    json_decref(captions);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, images, "--reference", images, "--prompts", prompts, "--metrics", "clip-score,clipscore-w2.5", "--weights", weights, "--weights", words,
                      "--device", "cpu", "--out", out) == 0);
    json_t *j = json_load_file(out, 0, NULL), *score = json_object_get(json_object_get(j, "metrics"), "clip-score"),
           *other = json_object_get(json_object_get(j, "metrics"), "clipscore-w2.5");
    const double raw = cosine_of(strchr(weights, '=') + 1, a, "a cat"), depicts = cosine_of(strchr(weights, '=') + 1, a, "A photo depicts a cat");
    LAC_CHECK(raw > 0.01 && depicts > 0.01 && fabs(raw - depicts) > 0.01);
    LAC_CHECK(fabs(json_number_value(json_object_get(score, "value")) - 100 * raw) < 1e-4);         /* f32 embeddings */
    LAC_CHECK(fabs(json_number_value(json_object_get(other, "value")) - 2.5 * depicts) < 1e-5);
    LAC_CHECK(json_integer_value(json_object_get(score, "n")) == 1 && json_array_size(json_object_get(score, "undefined")) == 1);
    json_decref(j);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, images, "--reference", images, "--metrics", "clip-score", "--weights", weights, "--weights", words, "--out", out) != 0);
    LAC_CHECK(lac_cli_complains(&said, "--prompts"));
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, images, "--reference", images, "--prompts", prompts, "--metrics", "clip-score", "--weights", weights, "--out", out) != 0);
    LAC_CHECK(lac_cli_complains(&said, "--weights clip-vocab=FILE"));
    free(weights);
    free(words);
}
