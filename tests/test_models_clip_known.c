/* CLIP on hashed weights under OpenAI's names, by `lacuna probe clip`, and its preprocessing: values that are written down, from PyTorch in double. */
#include "core/file/weights.h"
#include "core/memory.h"
#include "eval/clip_input.h"
#include "models/clip/vision.h"
#include "tests/harness/cli.h"
#include "tests/harness/hash_data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 32, LENGTH = 77, WORDS = 49408 };

typedef struct sized { const char *key; int ndim; int64_t dim[4]; } sized;

static int64_t numel(const sized *s)
{
    int64_t n = 1;
    for (int i = 0; i < s->ndim; i++)
        n *= s->dim[i];
    return n;
}

typedef struct sheaf { lac_weights_writer *w; float *values[64]; int n; } sheaf;          /* values lie until they are written */

static void add(sheaf *all, const sized *s)
{
    const int64_t n = numel(s), fan = strcmp(s->key, "visual.proj") == 0 ? 128 : s->ndim > 0 ? n / s->dim[0] : 1;
    const size_t length = strlen(s->key);
    double low = -0.5, high = 0.5, *x;
    float *y;
    if (strcmp(s->key, "logit_scale") == 0)
        low = high = log(100);
    else if (strstr(s->key, "ln_") != NULL && strcmp(s->key + length - 6, "weight") == 0)
        low = 0.75, high = 1.25;
    else if (strcmp(s->key + length - 4, "bias") == 0)
        low = -0.1, high = 0.1;
    else if (s->ndim >= 2 && strstr(s->key, "embedding") == NULL)
        high = sqrt(3.0 / (double)fan), low = -high;
    LAC_CHECK_STATUS(lac_malloc((void **)&x, (size_t)n * sizeof *x));
    LAC_CHECK_STATUS(lac_malloc((void **)&y, (size_t)n * sizeof *y));
    lac_hash_fill(x, s->key, n, low, high);
    for (int64_t i = 0; i < n; i++)
        y[i] = (float)x[i];
    LAC_CHECK_STATUS(lac_weights_writer_add(all->w, s->key, LAC_F32, s->ndim, s->dim, y));
    free(x);
    all->values[all->n++] = y;
}

static void add_layers(sheaf *all, const char *before, int64_t c)
{
    const sized parts[] = {
        { "ln_1.weight", 1, { c } }, { "ln_1.bias", 1, { c } }, { "attn.in_proj_weight", 2, { 3 * c, c } }, { "attn.in_proj_bias", 1, { 3 * c } },
        { "attn.out_proj.weight", 2, { c, c } }, { "attn.out_proj.bias", 1, { c } }, { "ln_2.weight", 1, { c } }, { "ln_2.bias", 1, { c } },
        { "mlp.c_fc.weight", 2, { 4 * c, c } }, { "mlp.c_fc.bias", 1, { 4 * c } }, { "mlp.c_proj.weight", 2, { c, 4 * c } }, { "mlp.c_proj.bias", 1, { c } },
    };
    for (int layer = 0; layer < 2; layer++)
        for (size_t i = 0; i < LAC_COUNT(parts); i++) {
            char key[100];
            sized s = parts[i];
            snprintf(key, sizeof key, "%stransformer.resblocks.%d.%s", before, layer, parts[i].key);
            s.key = key;
            add(all, &s);
        }
}

/* Embeddings of 32; pictures of 32 x 32 in patches of 8, width 128, two heads; texts of 77, width 64, one head; two layers each. */
static void write_weights(const char *path)
{
    static const sized ends[] = {
        { "logit_scale", 0, { 0 } }, { "token_embedding.weight", 2, { WORDS, 64 } }, { "positional_embedding", 2, { LENGTH, 64 } }, { "ln_final.weight", 1, { 64 } },
        { "ln_final.bias", 1, { 64 } }, { "text_projection", 2, { 64, 32 } }, { "visual.conv1.weight", 4, { 128, 3, 8, 8 } }, { "visual.class_embedding", 1, { 128 } },
        { "visual.positional_embedding", 2, { 17, 128 } }, { "visual.ln_pre.weight", 1, { 128 } }, { "visual.ln_pre.bias", 1, { 128 } }, { "visual.ln_post.weight", 1, { 128 } },
        { "visual.ln_post.bias", 1, { 128 } }, { "visual.proj", 2, { 128, 32 } },
    };
    sheaf all = { .n = 0 };
    LAC_CHECK_STATUS(lac_weights_writer_new(&all.w));
    for (size_t i = 0; i < LAC_COUNT(ends); i++)
        add(&all, &ends[i]);
    add_layers(&all, "", 64);
    add_layers(&all, "visual.", 128);
    LAC_CHECK_STATUS(lac_weights_writer_finish(all.w, path));
    lac_weights_writer_free(all.w);
    for (int i = 0; i < all.n; i++)
        free(all.values[i]);
}

static void write_inputs(const char *path)
{
    static const int64_t ids[2][LENGTH] = { { 49406, 320, 1125, 539, 320, 2368, 49407 }, { 49406, 8771, 49407 } };          /* "a photo of a cat", "bench" */
    static uint8_t picture[SIDE * SIDE * 3];
    static float pixels[2][3][SIDE * SIDE];
    lac_weights_writer *w;
    for (int n = 0; n < 2; n++) {
        lac_hash_picture(picture, 3 * n, SIDE, SIDE);
        for (int i = 0; i < SIDE * SIDE * 3; i++)
            pixels[n][i % 3][i / 3] = (float)((picture[i] / 255.0 - (double)lac_clip_mean[i % 3]) / (double)lac_clip_std[i % 3]);
    }
    LAC_CHECK_STATUS(lac_weights_writer_new(&w));
    LAC_CHECK_STATUS(lac_weights_writer_add(w, "pixel_values", LAC_F32, 4, (int64_t[]){ 2, 3, SIDE, SIDE }, pixels));
    LAC_CHECK_STATUS(lac_weights_writer_add(w, "input_ids", LAC_I64, 2, (int64_t[]){ 2, LENGTH }, ids));
    LAC_CHECK_STATUS(lac_weights_writer_finish(w, path));
    lac_weights_writer_free(w);
}

static void take(const lac_weights *w, const char *key, float *to)
{
    const int64_t at = lac_weights_find(w, key);
    LAC_CHECK(at >= 0);
    LAC_CHECK_STATUS(lac_weights_read_f32(w, at, to));
}

/* 2e-5 of the numbers' size: towers in f32. */
static void is_near(const float *x, const double *wanted, int n)
{
    for (int i = 0; i < n; i++)
        if (fabs((double)x[i] - wanted[i]) > 2e-5 * fmax(1, fabs(wanted[i])))
            fail_msg("%d: %.8f, wanted %.8f", i, (double)x[i], wanted[i]);
}

static float norm(const float *x)
{
    double sum = 0;
    for (int i = 0; i < 32; i++)
        sum += (double)x[i] * (double)x[i];
    return (float)sqrt(sum);
}

LAC_TEST(towers_on_hashed_weights_have_the_values_that_are_written_down)
{
    const char *f = lac_test_folder(), *weights = lac_cli_path(f, "w.safetensors"), *in = lac_cli_path(f, "in.safetensors"), *out = lac_cli_path(f, "out.safetensors");
    lac_cli_said said;
    lac_weights *w;
    float image[64], text[64], logits[4];
    write_weights(weights);
    write_inputs(in);
    LAC_CHECK(LAC_CLI(lac_cmd_probe, &said, "clip", "--in", in, "--out", out, "--weights", weights) == 0);
    LAC_CHECK_STATUS(lac_weights_open(&w, out));
    take(w, "image_embeds", image);
    take(w, "text_embeds", text);
    take(w, "logits_per_image", logits);
    lac_weights_close(w);
    is_near(image, (double[]){ -0.26158767, -0.65130908, 1.04865672 }, 3);
    is_near(text, (double[]){ -2.03024092, -1.31247805, 0.81350987 }, 3);
    is_near((float[]){ norm(image), norm(image + 32), norm(text), norm(text + 32) }, (double[]){ 6.78467373, 7.08037169, 7.29121819, 7.97623626 }, 4);
    for (int i = 0; i < 4; i++)
        LAC_CHECK(fabs((double)logits[i] - ((double[]){ 3.936496, 4.544733, -0.502852, 3.074766 })[i]) < 1e-4);           /* of 100 cosines, in f32 */
}

LAC_TEST(a_picture_for_clip_has_the_sums_that_are_written_down)
{
    enum { H = 240, W = 320, S = 224 };
    uint8_t *picture, *crop;
    float *x;
    int64_t bytes = 0;
    double sum = 0;
    LAC_CHECK_STATUS(lac_malloc((void **)&picture, H * W * 3));
    LAC_CHECK_STATUS(lac_malloc((void **)&crop, S * S * 3));
    LAC_CHECK_STATUS(lac_malloc((void **)&x, S * S * 3 * sizeof *x));
    lac_hash_picture(picture, 5, H, W);
    LAC_CHECK_STATUS(lac_clip_input(x, crop, S, picture, H, W, LAC_CLIP_INPUT));
    for (int i = 0; i < S * S * 3; i++) {
        bytes += crop[i];
        sum += (double)x[i];
    }
    LAC_CHECK(bytes == 19187088 && memcmp(crop, (uint8_t[]){ 51, 79, 107 }, 3) == 0 && memcmp(crop + S * S * 3 - 3, (uint8_t[]){ 114, 42, 55 }, 3) == 0);
    LAC_CHECK(fabs(sum - 28188.99333) < 1e-2 && fabs((double)x[0] + 1.0477428) < 1e-6);         /* 150528 numbers, each rounded to f32 */
    free(picture);
    free(crop);
    free(x);
}
