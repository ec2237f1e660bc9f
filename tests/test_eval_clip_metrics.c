/* Metrics of CLIP's family over finished pictures, with weights that a hash makes, against tests/golden/clip_metrics.py. */
#include "core/file/atomic.h"
#include "core/file/weights.h"
#include "core/memory.h"
#include "core/text/tokenizer.h"
#include "data/set.h"
#include "eval/finished.h"
#include "tests/harness/cli.h"
#include "tests/harness/hash_data.h"
#include "tests/harness/objects.h"
#include "tests/harness/ranks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define VOCABULARY LAC_SOURCE_DIR "/tests/golden/text/openai/bpe_simple_vocab_16e6.txt.gz"
#define FAMILY "clip-score,clipscore-w2.5,clip-sim,clip-local,clip-local2,clip-cat,clip-i,clip-dir,clip-dir-image,clip-dir-text,clip@1,clip@3,clip@5,clip-distance"

enum { IMAGE = 32, PATCH = 8, WIDTH = 64, EMBED = 768, LAYERS = 2, CONTEXT = 16 };

/* ---- weights ---- */

static float *held[64];         /* what the writer borrows until it is finished */
static int n_held;

static void put(lac_weights_writer *w, const char *key, const char *name, int ndim, const int64_t *dim, double low, double high)
{
    int64_t n = 1;
    for (int i = 0; i < ndim; i++)
        n *= dim[i];
    double *x;
    float *y;
    LAC_CHECK_STATUS(lac_malloc((void **)&x, (size_t)n * sizeof *x));
    LAC_CHECK_STATUS(lac_malloc((void **)&y, (size_t)n * sizeof *y));
    lac_hash_fill(x, name, n, low, high);
    for (int64_t i = 0; i < n; i++)
        y[i] = (float)x[i];
    LAC_CHECK_STATUS(lac_weights_writer_add(w, key, LAC_F32, ndim, dim, y));
    free(x);
    LAC_CHECK(n_held < (int)LAC_COUNT(held));
    held[n_held++] = y;
}

static bool ends(const char *name, const char *with)
{
    const size_t n = strlen(name), m = strlen(with);
    return n >= m && strcmp(name + n - m, with) == 0;
}

static void put_clip(lac_weights_writer *w, const char *name, int ndim, const int64_t *dim)
{
    double low = -0.1, high = 0.1;
    if (strstr(name, "ln_") != NULL && ends(name, "weight"))
        low = 0.75, high = 1.25;
    else if (strstr(name, "embedding") != NULL)
        low = -0.5, high = 0.5;
    else if (!ends(name, "bias")) {
        int64_t fan = ends(name, "proj") || ends(name, "projection") ? dim[0] : 1;
        for (int i = 1; i < ndim && !ends(name, "proj") && !ends(name, "projection"); i++)
            fan *= dim[i];
        high = 2 * sqrt(3.0 / (double)fan);
        low = -high;
    }
    put(w, name, name, ndim, dim, low, high);
}

#define PUT(w, name, ...) put_clip(w, name, LAC_COUNT(((int64_t[]){ __VA_ARGS__ })), (int64_t[]){ __VA_ARGS__ })

static void put_layer(lac_weights_writer *w, const char *tower, int layer)
{
    static const struct { const char *key; int64_t rows, columns; } part[] = {
        { "attn.in_proj_weight", 3 * WIDTH, WIDTH }, { "attn.in_proj_bias", 3 * WIDTH, 0 }, { "attn.out_proj.weight", WIDTH, WIDTH }, { "attn.out_proj.bias", WIDTH, 0 },
        { "ln_1.weight", WIDTH, 0 }, { "ln_1.bias", WIDTH, 0 }, { "ln_2.weight", WIDTH, 0 }, { "ln_2.bias", WIDTH, 0 }, { "mlp.c_fc.weight", 4 * WIDTH, WIDTH },
        { "mlp.c_fc.bias", 4 * WIDTH, 0 }, { "mlp.c_proj.weight", WIDTH, 4 * WIDTH }, { "mlp.c_proj.bias", WIDTH, 0 },
    };
    char name[100];
    for (size_t i = 0; i < LAC_COUNT(part); i++) {
        snprintf(name, sizeof name, "%stransformer.resblocks.%d.%s", tower, layer, part[i].key);
        put_clip(w, name, part[i].columns > 0 ? 2 : 1, (int64_t[]){ part[i].rows, part[i].columns });
    }
}

static const float logit_scale = 4.6052f;

static void put_towers(lac_weights_writer *w, int64_t vocabulary)
{
    static const char *const norms[] = { "visual.ln_pre.weight", "visual.ln_pre.bias", "visual.ln_post.weight", "visual.ln_post.bias", "ln_final.weight", "ln_final.bias" };
    PUT(w, "visual.conv1.weight", WIDTH, 3, PATCH, PATCH);
    PUT(w, "visual.class_embedding", WIDTH);
    PUT(w, "visual.positional_embedding", IMAGE / PATCH * (IMAGE / PATCH) + 1, WIDTH);
    for (size_t i = 0; i < LAC_COUNT(norms); i++)
        PUT(w, norms[i], WIDTH);
    PUT(w, "visual.proj", WIDTH, EMBED);
    PUT(w, "token_embedding.weight", vocabulary, WIDTH);
    PUT(w, "positional_embedding", CONTEXT, WIDTH);
    PUT(w, "text_projection", WIDTH, EMBED);
    LAC_CHECK_STATUS(lac_weights_writer_add(w, "logit_scale", LAC_F32, 0, NULL, &logit_scale));
    for (int i = 0; i < LAYERS; i++) {
        put_layer(w, "visual.", i);
        put_layer(w, "", i);
    }
}

static void put_head(lac_weights_writer *w, int version)
{
    static const int64_t width[] = { EMBED, 1024, 128, 64, 16, 1 };
    static const int number[] = { 0, 2, 4, 6, 7 };
    const int n = version == 1 ? 1 : 5;
    for (int i = 0; i < n; i++) {
        const int64_t dim[] = { version == 1 ? 1 : width[i + 1], width[i] };
        const double bound = 3 / sqrt((double)width[i]);
        for (int k = 0; k < 2; k++) {
            char key[60], name[80];
            if (version == 1)
                snprintf(key, sizeof key, "%s", k == 0 ? "weight" : "bias");
            else
                snprintf(key, sizeof key, "layers.%d.%s", number[i], k == 0 ? "weight" : "bias");
            snprintf(name, sizeof name, "aesthetic-v%d.%s", version, key);
            put(w, key, name, k == 0 ? 2 : 1, dim, k == 0 ? -bound : -0.1, k == 0 ? bound : 0.1);
        }
    }
}

/* "NAME=FOLDER/NAME.safetensors". */
static char *weights_of(const char *folder, const char *name)
{
    static char given[3][500];
    char file[100];
    int64_t vocabulary;
    lac_tokenizer *t;
    lac_weights_writer *w;
    const int which = strcmp(name, "clip") == 0 ? 0 : strcmp(name, "aesthetic-v1") == 0 ? 1 : 2;
    LAC_CHECK_STATUS(lac_tokenizer_open_file(&t, "clip-openai", VOCABULARY, NULL));
    vocabulary = lac_tokenizer_special(t).size;
    lac_tokenizer_close(t);
    snprintf(file, sizeof file, "%s.safetensors", name);
    snprintf(given[which], sizeof given[which], "%s=%s", name, lac_cli_path(folder, file));
    LAC_CHECK_STATUS(lac_weights_writer_new(&w));
    if (which == 0)
        put_towers(w, vocabulary);
    else
        put_head(w, which);
    LAC_CHECK_STATUS(lac_weights_writer_finish(w, strchr(given[which], '=') + 1));
    lac_weights_writer_free(w);
    while (n_held > 0)
        free(held[--n_held]);
    return given[which];
}

/* ---- values ---- */

static json_t *values_of(const char *id, const char *lines)
{
    FILE *f = fopen(lines, "r");
    char line[4000];
    json_t *found = NULL;
    LAC_CHECK(f != NULL);
    while (found == NULL && fgets(line, sizeof line, f) != NULL) {
        json_t *j = json_loads(line, 0, NULL);
        if (strcmp(json_string_value(json_object_get(j, "id")), id) == 0)
            found = json_incref(json_object_get(j, "values"));
        json_decref(j);
    }
    fclose(f);
    LAC_CHECK(found != NULL);
    return found;
}

/* Embeddings are f32 of a small network: cosines to 2e-6. */
static void check_values(const char *id, const json_t *expected, json_t *found)
{
    const char *name;
    json_t *value;
    json_object_foreach(found, name, value) {
        const json_t *e = json_object_get(expected, name);
        const double scale = strcmp(name, "clip-score") == 0 || strcmp(name, "clip-sim") == 0 || strncmp(name, "clip-local", 10) == 0 || strcmp(name, "clip-cat") == 0 ? 100 : 2;
        const bool same = json_is_number(value) ? e != NULL && fabs(json_number_value(value) - json_number_value(e)) < 2e-6 * scale : e == NULL;
        if (!same)
            fprintf(stderr, "%s of '%s': %g, expected %g\n", name, id, json_number_value(value), json_number_value(e));
        LAC_CHECK(same);
    }
}

static const char *reason_of(const json_t *result, const char *metric, const char *id)
{
    size_t i;
    json_t *u;
    json_array_foreach(json_object_get(json_object_get(json_object_get(result, "metrics"), metric), "undefined"), i, u)
        if (strcmp(json_string_value(json_object_get(u, "id")), id) == 0)
            return json_string_value(json_object_get(u, "reason"));
    return "";
}

LAC_TEST(values_are_those_of_the_reference_code)
{
    static const struct { const char *metric, *id, *reason; } undefined[] = {
        { "clip-score", "silent", "no caption" }, { "clip-score", "wide", "no caption" }, { "clip-sim", "tall", "" }, { "clip-sim", "silent", "no caption" },
        { "clip-local", "box", "no mask" }, { "clip-local", "hollow", "no label and no caption" }, { "clip-dir", "same", "the pictures, or the captions, are the same to CLIP" },
        { "clip-dir", "wide", "the pictures, or the captions, are the same to CLIP" }, { "clip-dir", "tall", "no captions before and after" },
        { "clip@3", "silent", "no box, and no hole in its mask" }, { "clip@3", "hollow", "no box, and no hole in its mask" }, { "clip-distance", "caption", "no label" },
    };
    lac_cli_said said;
    const char *f = lac_test_folder(), *out = lac_cli_path(f, "o.json"), *g = lac_test_golden("clip_metrics"), *id;
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, lac_cli_path(g, "images"), "--reference", lac_cli_path(g, "reference"), "--masks", lac_cli_path(g, "masks"), "--prompts",
                      lac_cli_path(g, "said.json"), "--metrics", FAMILY ",aesthetic-v1,aesthetic-v2", "--weights", weights_of(f, "clip"), "--weights", "clip-vocab=" VOCABULARY,
                      "--weights", weights_of(f, "aesthetic-v1"), "--weights", weights_of(f, "aesthetic-v2"), "--device", "cpu", "--out", out) == 0);
    json_t *expected = json_load_file(lac_cli_path(g, "expected.json"), 0, NULL), *e, *result = json_load_file(out, 0, NULL);
    LAC_CHECK(json_object_size(expected) == 11);
    json_object_foreach(expected, id, e) {
        json_t *found = values_of(id, lac_cli_path(f, "o.images.jsonl"));
        LAC_CHECK(json_object_size(found) == 16);
        check_values(id, e, found);
        json_decref(found);
    }
    for (size_t i = 0; i < LAC_COUNT(undefined); i++)
        LAC_CHECK(strcmp(reason_of(result, undefined[i].metric, undefined[i].id), undefined[i].reason) == 0);
    json_decref(expected);
    json_decref(result);
}

/* ---- ranks, batches, company ---- */

/* The result and its lines, as one text. */
static lac_status evaluate(const lac_eval_weights *weights, const char *const *metric, int64_t n, int64_t batch, const char *stem, lac_comm *comm, char **text)
{
    const char *g = lac_test_golden("clip_metrics");
    char *images, *reference, *masks, *said;
    lac_finished *f;
    json_t *result;
    LAC_TRY(lac_format(&images, "%s/images", g));
    LAC_TRY(lac_format(&reference, "%s/reference", g));
    LAC_TRY(lac_format(&masks, "%s/masks", g));
    LAC_TRY(lac_format(&said, "%s/said.json", g));
    lac_finished_ask ask = { .images = images, .reference = reference, .masks = masks, .prompts = said, .metric = metric, .n_metrics = n, .weights = weights,
                             .settings = LAC_METRIC_SETTINGS, .batch = batch };
    LAC_TRY(lac_backend_get(&ask.backend, "cpu"));
    LAC_TRY(lac_finished_open(&f, &ask));
    LAC_TRY(lac_finished_run(f, NULL, NULL, NULL, comm));
    LAC_TRY(lac_finished_result(f, &result));
    *text = json_dumps(result, 0);
    if (stem != NULL)
        LAC_TRY(lac_finished_lines(f, stem));
    json_decref(result);
    lac_finished_close(f);
    free(images);
    free(reference);
    free(masks);
    free(said);
    return LAC_OK;
}

static const char *const all[] = { "clip-score", "clipscore-w2.5", "clip-sim", "clip-local", "clip-local2", "clip-cat", "clip-i", "clip-dir", "clip-dir-image", "clip-dir-text", "clip@1", "clip@5", "clip-distance",
                                   "aesthetic-v1", "aesthetic-v2" };

static void give_weights(lac_eval_weights *w, const char *folder)
{
    *w = (lac_eval_weights){ .n = 0 };
    LAC_CHECK_STATUS(lac_eval_weights_add(w, weights_of(folder, "clip")));
    LAC_CHECK_STATUS(lac_eval_weights_add(w, "clip-vocab=" VOCABULARY));
    LAC_CHECK_STATUS(lac_eval_weights_add(w, weights_of(folder, "aesthetic-v1")));
    LAC_CHECK_STATUS(lac_eval_weights_add(w, weights_of(folder, "aesthetic-v2")));
}

typedef struct expected { const lac_eval_weights *weights; const char *text; } expected;

static int on_ranks(lac_ranks_here *h)
{
    const expected *e = h->context;
    char *text;
    WANT(h->opened == LAC_OK);
    WANT(evaluate(e->weights, all, LAC_COUNT(all), 2, NULL, h->comm, &text) == LAC_OK);
    WANT(strcmp(text, e->text) == 0);
    free(text);
    return 0;
}

LAC_TEST(ranks_and_batches_change_no_byte)
{
    lac_eval_weights w;
    lac_comm *alone;
    char *one, *many;
    give_weights(&w, lac_test_folder());
    LAC_CHECK_STATUS(lac_comm_open(&alone, 10));
    LAC_CHECK_STATUS(evaluate(&w, all, LAC_COUNT(all), 1, NULL, alone, &one));
    LAC_CHECK_STATUS(evaluate(&w, all, LAC_COUNT(all), 64, NULL, alone, &many));
    LAC_CHECK(strcmp(one, many) == 0);
    for (int size = 2; size <= 3; size++)
        lac_play(on_ranks, size, 0, 60, lac_test_port(NULL), &(expected){ &w, one });
    lac_comm_free(alone);
    lac_eval_weights_free(&w);
    free(one);
    free(many);
}

/* A metric alone finds what it finds beside all others, which share its network. */
LAC_TEST(company_changes_no_byte)
{
    const char *f = lac_test_folder();
    lac_eval_weights w;
    lac_comm *comm;
    char *text;
    give_weights(&w, f);
    LAC_CHECK_STATUS(lac_comm_open(&comm, 10));
    LAC_CHECK_STATUS(evaluate(&w, all, LAC_COUNT(all), 3, NULL, comm, &text));
    json_t *together = json_loads(text, 0, NULL);
    free(text);
    for (size_t k = 0; k < LAC_COUNT(all); k++) {
        LAC_CHECK_STATUS(evaluate(&w, &all[k], 1, 3, NULL, comm, &text));
        json_t *alone = json_loads(text, 0, NULL);
        LAC_CHECK(json_equal(json_object_get(json_object_get(alone, "metrics"), all[k]), json_object_get(json_object_get(together, "metrics"), all[k])));
        json_decref(alone);
        free(text);
    }
    json_decref(together);
    lac_comm_free(comm);
    lac_eval_weights_free(&w);
}

/* ---- sets ---- */

#define ON_SETS "clip-score,clip-sim,clip-local,clip-local2,clip-cat,clip-i,clip@1,clip@5,clip-distance"

static double mean_of(const json_t *summary, const char *method, const char *metric)
{
    const json_t *metrics = method != NULL ? json_object_get(json_object_get(json_object_get(summary, "methods"), method), "metrics") : json_object_get(summary, "metrics");
    const json_t *value = json_object_get(json_object_get(metrics, metric), "value");
    LAC_CHECK(json_is_number(value));
    return json_number_value(value);
}

/* What is said of a set's pictures, for the pictures that --keep leaves. */
static void write_said(const char *set, const char *path)
{
    lac_set *s;
    json_t *all = json_object();
    LAC_CHECK_STATUS(lac_set_open(&s, set));
    for (int64_t i = 0; i < lac_set_count(s); i++) {
        int64_t part;
        char caption[LAC_CAPTION_BYTES];
        uint8_t *bytes = NULL;
        size_t room = 0;
        if (strcmp(lac_set_record(s, i).split, "train") != 0)
            continue;
        LAC_CHECK(lac_set_parts(s, i, LAC_PART_CAPTION, &part) > 0);
        LAC_CHECK_STATUS(lac_set_read_part(s, part, &bytes, &room));
        snprintf(caption, sizeof caption, "%.*s", (int)lac_set_part(s, part).length, (const char *)bytes);
        free(bytes);
        LAC_CHECK(lac_set_parts(s, i, LAC_PART_OBJECT, &part) > 0);
        json_object_set_new(all, lac_set_record(s, i).name, json_pack("{s:s, s:s}", "prompt", caption, "label", lac_set_part(s, part).label));
    }
    lac_set_close(s);
    LAC_CHECK(json_dump_file(all, path, 0) == 0);
    json_decref(all);
}

LAC_TEST(a_set_has_the_values_of_its_kept_pictures)
{
    static const char *const metric[] = { "clip-score", "clip-sim", "clip-local", "clip-local2", "clip-cat", "clip-i", "clip@1", "clip@5", "clip-distance", "aesthetic-v1" };
    lac_cli_said said;
    char *text;
    const char *f = lac_test_folder(), *objects = lac_cli_path(f, "objects.h5"), *set = lac_cli_path(f, "c.h5"), *protocol = lac_cli_path(f, "mine.lua"), *words = lac_cli_path(f, "said.json"),
               *clip = weights_of(f, "clip"), *head = weights_of(f, "aesthetic-v1"), *out = lac_cli_path(f, "o"), *result = lac_cli_path(f, "r.json");
    lac_test_objects(objects);
    LAC_CHECK(LAC_CLI(lac_cmd_pack, &said, "collage", objects, "--size", "48", "--count", "5", "-o", set) == 0);
    LAC_CHECK_STATUS(lac_format(&text, "return { about = 'x', data = { set = '%s', split = 'train', size = 48, mask = 'object-box' }, metrics = { 'l1' } }", set));
    LAC_CHECK_STATUS(lac_file_write(protocol, text, strlen(text)));
    free(text);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, "--protocol", protocol, "--metrics", ON_SETS ",aesthetic-v1", "--weights", clip, "--weights", "clip-vocab=" VOCABULARY, "--weights", head, "--keep",
                      "--device", "cpu", "-o", out) == 0);
    write_said(set, words);
    const char *kept = lac_cli_path(out, "c-train-48");
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, lac_cli_path(kept, "Laplace fill"), "--reference", lac_cli_path(kept, "reference"), "--masks", lac_cli_path(kept, "masks"), "--prompts", words,
                      "--metrics", ON_SETS ",aesthetic-v1", "--weights", clip, "--weights", "clip-vocab=" VOCABULARY, "--weights", head, "--device", "cpu", "--out", result) == 0);
    json_t *summary = json_load_file(lac_cli_path(out, "c-train-48.json"), 0, NULL), *again = json_load_file(result, 0, NULL);
    for (size_t k = 0; k < LAC_COUNT(metric); k++)
        LAC_CHECK(fabs(mean_of(summary, "Laplace fill", metric[k]) - mean_of(again, NULL, metric[k])) < 1e-9);
    json_decref(summary);
    json_decref(again);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, "--protocol", protocol, "--metrics", "clip-dir", "--weights", clip, "--weights", "clip-vocab=" VOCABULARY, "-o", out) != 0);
    LAC_CHECK(lac_cli_complains(&said, "metric 'clip-dir': it wants captions before and after, which finished pictures alone can have"));
}

LAC_TEST(the_first_head_is_there_for_other_sizes)
{
    static const float weight[] = { 1, -2, 3, -4, 5, -6, 7, -8, 9, -10 }, bias = 100;
    lac_cli_said said;
    lac_weights_writer *w;
    char clip[600], given[600];
    const char *f = lac_test_folder(), *g = lac_test_golden("clip_metrics"), *head = lac_cli_path(f, "head.safetensors"), *out = lac_cli_path(f, "o.json");
    snprintf(clip, sizeof clip, "clip=%s", lac_test_golden("clip_openai.safetensors"));
    snprintf(given, sizeof given, "aesthetic-v1=%s", head);
    LAC_CHECK_STATUS(lac_weights_writer_new(&w));
    LAC_CHECK_STATUS(lac_weights_writer_add(w, "weight", LAC_F32, 2, (int64_t[]){ 1, 10 }, weight));
    LAC_CHECK_STATUS(lac_weights_writer_add(w, "bias", LAC_F32, 1, (int64_t[]){ 1 }, &bias));
    LAC_CHECK_STATUS(lac_weights_writer_finish(w, head));
    lac_weights_writer_free(w);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, lac_cli_path(g, "images"), "--reference", lac_cli_path(g, "reference"), "--weights", clip, "--weights", given, "--metrics", "aesthetic-v1",
                      "--device", "cpu", "--out", out) == 0);
    json_t *j = json_load_file(out, 0, NULL);
    const double value = mean_of(j, NULL, "aesthetic-v1");
    LAC_CHECK(fabs(value - 100) < 20 && fabs(value - 100) > 0.01);          /* |weight| is 19.6 */
    json_decref(j);
    snprintf(given, sizeof given, "aesthetic-v1=%s", strchr(weights_of(f, "aesthetic-v1"), '=') + 1);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, lac_cli_path(g, "images"), "--reference", lac_cli_path(g, "reference"), "--weights", clip, "--weights", given, "--metrics", "aesthetic-v1",
                      "--device", "cpu", "--out", out) != 0);
    LAC_CHECK(lac_cli_complains(&said, "'weight' is [1,768] in the file, [1,10] in the model"));
    snprintf(given, sizeof given, "aesthetic-v2=%s", strchr(weights_of(f, "aesthetic-v2"), '=') + 1);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, lac_cli_path(g, "images"), "--reference", lac_cli_path(g, "reference"), "--weights", clip, "--weights", given, "--metrics", "aesthetic-v2",
                      "--device", "cpu", "--out", out) != 0);
    LAC_CHECK(lac_cli_complains(&said, "weights 'clip' make 10 numbers of a picture, and the head takes 768 (ViT-L/14)"));
}

/* ---- what is refused ---- */

LAC_TEST(what_is_said_wrongly_is_named)
{
    static const struct { const char *said, *complaint; } bad[] = {
        { "{\"a\": 1}", "that of 'a': neither a text nor an object" },
        { "{\"a\": \"x\", \"b/2\": {\"lable\": \"cat\"}}", "that of 'b/2': unknown key 'lable'; did you mean 'label'?" },
        { "{\"b\": {\"label\": 7}}", "that of 'b': 'label' is no text" },
        { "{\"b\": {\"box\": [1, 2, 3]}}", "that of 'b': 'box' wants four numbers, left below right and top below bottom" },
        { "{\"b\": {\"box\": [1, 2, 1, 4]}}", "that of 'b': 'box' wants" },
        { "{\"b\": {\"box\": [1, 2, 3, \"4\"]}}", "that of 'b': 'box' wants" },
        { "{\"b\": {\"box\": [1, 2, 3, 4], \"size\": [3, 0]}}", "that of 'b': 'size' wants two whole numbers above 0" },
        { "{\"b\": {\"size\": [3, 2.5]}}", "that of 'b': 'size' wants" },
        { "[]", "not an object of captions by id" },
    };
    lac_cli_said said;
    const char *f = lac_test_folder(), *path = lac_cli_path(f, "said.json"), *g = lac_test_golden("clip_metrics");
    for (size_t i = 0; i < LAC_COUNT(bad); i++) {
        LAC_CHECK_STATUS(lac_file_write(path, bad[i].said, strlen(bad[i].said)));
        LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, lac_cli_path(g, "images"), "--reference", lac_cli_path(g, "reference"), "--prompts", path, "--metrics", "psnr", "--out",
                          lac_cli_path(f, "o.json")) != 0);
        LAC_CHECK(lac_cli_complains(&said, bad[i].complaint));
    }
}

/* The command on the golden folders with these metrics and words of its own. */
static void refuse(const char *metrics, const char *weights, const char *more, const char *complaint)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *g = lac_test_golden("clip_metrics"), *path = lac_cli_path(f, "few.json");
    LAC_CHECK_STATUS(lac_file_write(path, "{\"all\": \"a cat\"}", 16));
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, lac_cli_path(g, "images"), "--reference", lac_cli_path(g, "reference"), "--weights", "clip-vocab=" VOCABULARY, "--weights", weights, "--out",
                      lac_cli_path(f, "o.json"), "--metrics", metrics, more, strcmp(more, "--masks") == 0 ? lac_cli_path(g, "masks") : path) != 0);
    LAC_CHECK(lac_cli_complains(&said, complaint));
}

LAC_TEST(what_a_metric_lacks_is_named)
{
    const char *f = lac_test_folder(), *clip = weights_of(f, "clip"), *head = weights_of(f, "aesthetic-v1");
    char narrow[600];
    snprintf(narrow, sizeof narrow, "clip=%s", lac_test_golden("clip_openai.safetensors"));
    refuse("clip-local", clip, "--masks", "--prompts");
    refuse("clip-local", clip, "--prompts", "--masks");
    refuse("clip-dir", clip, "--masks", "--prompts");
    refuse("clip@1", clip, "--prompts", "none has one");
    refuse("clip-score", head, "--prompts", "--weights clip=FILE");
    refuse("aesthetic-v1", clip, "--prompts", "--weights aesthetic-v1=FILE");
    refuse("aesthetic-v2@hole", clip, "--masks", "sees whole pictures");
    refuse("clip@2", clip, "--prompts", "unknown metric 'clip'; did you mean 'clip-i'?");
    refuse("clip-score", narrow, "--prompts", "and 'clip' has 60 rows for them");
    refuse("aesthetic-v2", narrow, "--prompts", "--weights aesthetic-v2=FILE");
    snprintf(narrow, sizeof narrow, "clip=%s", strchr(head, '=') + 1);
    refuse("clip-score", narrow, "--prompts", "these are not the keys of 'clip-model'");
}
