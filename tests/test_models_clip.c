/* CLIP: whose weights, in which layout. What the networks compute is tests/golden/probe's. */
#include "autograd/ops/backend_cpu.h"
#include "core/file/weights.h"
#include "models/clip/clip.h"
#include "models/clip/formats.h"
#include "tests/harness/test.h"

#include <stdio.h>
#include <string.h>

#define OPENAI "clip_openai.safetensors"
#define PUBLISHED "clip_published.safetensors"

static const lac_backend *cpu(void)
{
    const lac_backend *b;
    LAC_CHECK_STATUS(lac_backend_cpu_register());
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    return b;
}

/* The config that the file's shapes tell. */
static json_t *config_of(const lac_weights *w, const lac_network_format *f, const char *prefix)
{
    json_t *given = json_object(), *text, *vision;
    LAC_CHECK_STATUS(f->infer(w, prefix, given));
    if ((text = json_object_get(given, "text_config")) != NULL && (vision = json_object_get(given, "vision_config")) != NULL) {
        LAC_CHECK(json_integer_value(json_object_get(text, "vocab_size")) == 60 && json_integer_value(json_object_get(text, "num_hidden_layers")) == 2);
        LAC_CHECK(json_integer_value(json_object_get(vision, "patch_size")) == 4 && json_integer_value(json_object_get(vision, "image_size")) == 12);
        LAC_CHECK(json_integer_value(json_object_get(given, "projection_dim")) == 10 && json_integer_value(json_object_get(vision, "intermediate_size")) == 40);
    }
    return given;
}

static void read(lac_network *n, const lac_network_def *def, const char *file, const char *format)
{
    const lac_network_format *f;
    const char *prefix;
    lac_weights *w;
    LAC_CHECK_STATUS(lac_weights_open(&w, lac_test_golden(file)));
    lac_network_format_of(def, w, &f, &prefix);
    LAC_CHECK(strcmp(f->name, format) == 0);
    json_t *config = config_of(w, f, prefix);
    LAC_CHECK_STATUS(lac_network_open(n, def, config, cpu(), LAC_F32));
    LAC_CHECK_STATUS(lac_network_read(n->params, w, f, prefix));
    json_decref(config);
    lac_weights_close(w);
}

static void check_same(const lac_network_def *def)
{
    lac_network a = { 0 }, b = { 0 };
    read(&a, def, OPENAI, "openai");
    read(&b, def, PUBLISHED, "probe");
    LAC_CHECK(a.params->n == b.params->n && a.params->n > 20);
    for (int64_t i = 0; i < a.params->n; i++) {
        const lac_tensor *x = a.params->sorted[i]->value, *y = b.params->sorted[i]->value;
        LAC_CHECK(lac_same_shape(x, y) && memcmp(x->data, y->data, lac_bytes(x)) == 0);
    }
    lac_network_close(&a);
    lac_network_close(&b);
}

LAC_TEST(openais_layout_holds_what_transformers_does) { check_same(&lac_network_clip_model); }

LAC_TEST(a_tower_is_found_within_the_whole)
{
    check_same(&lac_network_clip_text);
    check_same(&lac_network_clip_vision);
}

LAC_TEST(a_whole_clip_is_recognised_before_its_towers)
{
    const char *const files[] = { OPENAI, PUBLISHED };
    for (int i = 0; i < 2; i++) {
        const lac_network_def *def;
        lac_weights *w;
        LAC_CHECK_STATUS(lac_weights_open(&w, lac_test_golden(files[i])));
        LAC_CHECK_STATUS(lac_network_recognise(w, &def));
        LAC_CHECK(def == &lac_network_clip_model);
        lac_weights_close(w);
    }
}

/* One tensor there holds three of ours: no writer can put it together from one of them. */
LAC_TEST(openais_layout_is_read_and_not_written)
{
    lac_network n = { 0 };
    lac_weights_writer *w;
    lac_borrowed keep = { 0 };
    read(&n, &lac_network_clip_text, OPENAI, "openai");
    LAC_CHECK_STATUS(lac_weights_writer_new(&w));
    LAC_CHECK_FAILS(lac_network_write(w, n.params, &lac_clip_text_formats[0], "", LAC_F32, &keep), LAC_ERR_ARG, "read, not written");
    lac_weights_writer_free(w);
    lac_borrowed_free(&keep);
    lac_network_close(&n);
}
