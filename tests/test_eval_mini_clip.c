/* FD[mini-clip] and CLIPscore[mini-clip] of a tiny model against PyTorch's and NumPy's values (tests/golden/clip_contrast.py); whose values share a column. */
#include "autograd/ops/backend_cpu.h"
#include "core/file/weights.h"
#include "eval/set_value.h"
#include "models/clip/clip.h"
#include "models/inpainter.h"
#include "tests/harness/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 16, PIXELS = SIDE * SIDE, SET = 12, SAID = 4, FD = 0, SCORE = 1 };

#define TOWER "'hidden_size': 8, 'intermediate_size': 16, 'num_hidden_layers': 1, 'num_attention_heads': 2"
static const char config_text[] =
    "{ 'projection_dim': 8, 'vision_config': { " TOWER ", 'image_size': 16, 'patch_size': 8 },"
    "  'text_config': { " TOWER ", 'vocab_size': 1527, 'max_position_embeddings': 6, 'eos_token_id': 1526 } }";
static const char *const metrics[] = { "FD[mini-clip]", "CLIPscore[mini-clip]" };

static const lac_backend *cpu(void)
{
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    return b;
}

static void read(const char *name, void *to, size_t bytes)
{
    lac_weights *w;
    LAC_CHECK_STATUS(lac_weights_open(&w, lac_test_golden("clip_contrast.safetensors")));
    LAC_CHECK(lac_weights_find(w, name) >= 0);
    LAC_CHECK_STATUS(lac_weights_read(w, lac_weights_find(w, name), to, bytes));
    lac_weights_close(w);
}

/* The golden model as a run exports it; shift: added to its logit_scale, which no embedding depends on. */
static void write_model(const char *path, float shift)
{
    lac_network net;
    lac_prompts prompts;
    lac_weights *w;
    char text[sizeof config_text], reading[] = "{ 'max_length': 6 }";
    memcpy(text, config_text, sizeof text);
    json_t *config = lac_test_json(text), *read_as = lac_test_json(reading);
    LAC_CHECK_STATUS(lac_network_open(&net, &lac_network_clip_model, config, cpu(), LAC_F32));
    LAC_CHECK_STATUS(lac_weights_open(&w, lac_test_golden("clip_contrast.safetensors")));
    LAC_CHECK_STATUS(lac_params_load(net.params, w, "weight.", true, NULL));
    *(float *)lac_params_find(net.params, "logit_scale")->value->data += shift;
    LAC_CHECK_STATUS(lac_prompts_open(&prompts, LAC_SOURCE_DIR "/data/stamps/tokenizer", read_as));
    LAC_CHECK_STATUS(lac_network_save_with(path, &net, &prompts, LAC_F32));
    lac_weights_close(w);
    lac_prompts_close(&prompts);
    lac_network_close(&net);
    json_decref(config);
    json_decref(read_as);
}

static void open_score(lac_score *s, lac_eval_weights *w, float shift)
{
    static const char *const method[] = { "painted" };
    char path[512], given[600];
    snprintf(path, sizeof path, "%s/mini%g.safetensors", lac_test_folder(), (double)shift);
    snprintf(given, sizeof given, "mini-clip=%s", path);
    write_model(path, shift);
    *w = (lac_eval_weights){ .n = 0 };
    LAC_CHECK_STATUS(lac_eval_weights_add(w, given));
    LAC_CHECK_STATUS(lac_score_new(s, metrics, 2, method, 1, &(lac_eval_means){ .backend = cpu(), .weights = w }));
}

static void close_score(lac_score *s, lac_eval_weights *w)
{
    lac_score_free(s);
    lac_eval_weights_free(w);
}

/* Picture i of each, one after another. */
static void add(lac_score *s, int n, const uint8_t *image, const uint8_t *reference, const char *const *prompt)
{
    static const uint8_t mask[PIXELS] = { 1 };
    char id[16];
    for (int i = 0; i < n; i++) {
        const uint8_t *one[] = { image + i * PIXELS * 3 };
        snprintf(id, sizeof id, "p%d", i);
        const lac_eval_item item = { .id = id, .background = id, .height = SIDE, .width = SIDE, .reference = reference + i * PIXELS * 3, .mask = mask, .prompt = prompt != NULL ? prompt[i] : NULL };
        LAC_CHECK_STATUS(lac_score_add(s, 1, &item, one, NULL));
    }
}

/* 1e-4: embeddings in f32. */
LAC_TEST(the_distance_of_two_sets_is_numpys)
{
    uint8_t set[2][SET * PIXELS * 3];
    double wanted;
    lac_score s;
    lac_eval_weights w;
    lac_set_value found;
    read("set.a", set[0], sizeof set[0]);
    read("set.b", set[1], sizeof set[1]);
    read("fd", &wanted, sizeof wanted);
    open_score(&s, &w, 0);
    add(&s, SET, set[0], set[1], NULL);
    LAC_CHECK_STATUS(lac_score_set_value(&s, 0, -1, FD, true, 1, &found));
    LAC_CHECK(fabs(found.v.value / wanted - 1) < 1e-4 && found.v.low < found.v.high && found.v.n == SET);
    LAC_CHECK_STATUS(lac_score_set_value(&s, 0, -1, SCORE, false, 1, &found));
    LAC_CHECK(isnan(found.v.value));                    /* nothing was said of them */
    close_score(&s, &w);
}

LAC_TEST(how_well_pictures_fit_their_captions_is_pytorchs)
{
    static const char *const captions[SAID] = { "lion", "yellow pear", "flute", "lion" };
    uint8_t image[SAID * PIXELS * 3];
    double wanted[SAID];
    lac_score s;
    lac_eval_weights w;
    read("image", image, sizeof image);
    read("score", wanted, sizeof wanted);
    open_score(&s, &w, 0);
    add(&s, SAID, image, image, captions);
    for (int i = 0; i < SAID; i++)
        LAC_CHECK(fabs(s.row[i].value[SCORE].value - wanted[i]) < 1e-5);
    close_score(&s, &w);
}

/* Whatever differs in the weights. */
LAC_TEST(two_miniatures_have_two_recipes)
{
    lac_score s[2];
    lac_eval_weights w[2];
    for (int i = 0; i < 2; i++)
        open_score(&s[i], &w[i], (float)i);
    for (int k = 0; k < 2; k++) {
        LAC_CHECK(strcmp(s[0].metric_name[k], metrics[k]) == 0 && strcmp(s[1].metric_name[k], metrics[k]) == 0);
        LAC_CHECK(strstr(s[0].recipe[k], "mini-clip=16px/8,weights=") != NULL && strcmp(s[0].recipe[k], s[1].recipe[k]) != 0);
    }
    LAC_CHECK(strstr(s[0].recipe[FD], "text=") == NULL && strstr(s[0].recipe[SCORE], ",text={caption},truncate,2.5max(cos,0)}") != NULL);
    for (int i = 0; i < 2; i++)
        close_score(&s[i], &w[i]);
}
