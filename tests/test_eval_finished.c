/* lacuna eval on finished pictures: tests/golden/finished, whose values Pillow, NumPy, scikit-image and torchmetrics found; exit statuses and messages. */
#include "core/file/atomic.h"
#include "core/image/image.h"
#include "eval/finished.h"
#include "tests/harness/cli.h"
#include "tests/harness/metrics.h"

#include <jansson.h>
#include <math.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

static const char *golden(const char *name)
{
    static char path[8][256];
    static int at;
    char *p = path[at++ % 8];
    snprintf(p, sizeof path[0], "%s/%s", lac_test_golden("finished"), name);
    return p;
}

static json_t *load(const char *path)
{
    json_t *j = json_load_file(path, 0, NULL);
    LAC_CHECK(j != NULL);
    return j;
}

static bool is_there(const char *path) { return access(path, F_OK) == 0; }

/* ---- the golden folders ---- */

/* 1e-9: sums in double on both sides; torchmetrics' window of MS-SSIM is one of f32 numbers. */
static void agrees(const json_t *ours, const json_t *theirs, const char *what, const char *id)
{
    LAC_CHECK(json_is_null(ours) == json_is_null(theirs));
    const double x = json_number_value(ours), y = json_number_value(theirs);
    if (!(fabs(x - y) <= 1e-9 * fmax(fabs(y), 1e-12)))
        print_error("%s of %s: %.17g, golden %.17g\n", what, id, x, y);
    LAC_CHECK(fabs(x - y) <= 1e-9 * fmax(fabs(y), 1e-12));
}

static void check_lines(const char *path, const json_t *lines)
{
    char *text, *rest = NULL;
    size_t size, n = 0;
    LAC_CHECK_STATUS(lac_file_read(path, 1 << 24, &text, &size));
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        json_t *ours = json_loads(line, 0, NULL), *theirs = json_array_get(lines, n++), *value;
        const char *id = json_string_value(json_object_get(theirs, "id")), *metric;
        LAC_CHECK(ours != NULL && id != NULL && strcmp(json_string_value(json_object_get(ours, "id")), id) == 0);
        json_object_foreach(json_object_get(theirs, "values"), metric, value)
            agrees(json_object_get(json_object_get(ours, "values"), metric), value, metric, id);
        json_decref(ours);
    }
    LAC_CHECK(n == json_array_size(lines));
    free(text);
}

static void check_metrics(const json_t *ours, const json_t *theirs)
{
    const char *name;
    json_t *metric;
    json_object_foreach((json_t *)theirs, name, metric) {
        const json_t *x = json_object_get(ours, name), *undefined = json_object_get(x, "undefined"), *ids = json_object_get(metric, "undefined");
        agrees(json_object_get(x, "value"), json_object_get(metric, "value"), name, "all");
        LAC_CHECK(json_integer_value(json_object_get(x, "n")) == json_integer_value(json_object_get(metric, "n")));
        LAC_CHECK(strchr(json_string_value(json_object_get(x, "recipe")), '{') != NULL && json_array_size(undefined) == json_array_size(ids));
        for (size_t i = 0; i < json_array_size(ids); i++) {
            const json_t *entry = json_array_get(undefined, i);
            LAC_CHECK(json_equal(json_object_get(entry, "id"), json_array_get(ids, i)) && json_string_value(json_object_get(entry, "reason"))[0] != '\0');
        }
    }
}

static void check_files(const json_t *ours, const json_t *theirs)
{
    const char *folder;
    json_t *files;
    json_object_foreach((json_t *)theirs, folder, files) {
        const json_t *x = json_object_get(ours, folder), *broken = json_object_get(x, "broken"), *names = json_object_get(files, "broken");
        LAC_CHECK(json_equal(json_object_get(x, "found"), json_object_get(files, "found")) && json_array_size(broken) == json_array_size(names));
        LAC_CHECK(json_equal(json_object_get(json_object_get(ours, "unmatched"), folder), json_object_get(files, "unmatched")));
        for (size_t i = 0; i < json_array_size(names); i++)
            LAC_CHECK(json_equal(json_object_get(json_array_get(broken, i), "file"), json_array_get(names, i)));
    }
}

static char *all_metrics(const json_t *expected)
{
    static char list[2048];
    const char *name;
    json_t *metric;
    list[0] = '\0';
    json_object_foreach(json_object_get(expected, "metrics"), name, metric)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", list[0] ? "," : "", name);
    return list;
}

LAC_TEST(every_kind_of_file_and_metric_agrees_with_the_references)
{
    const char *f = lac_test_folder();
    json_t *expected = load(golden("expected.json"));
    static lac_cli_said said;
    for (size_t i = 0; i < json_array_size(expected); i++) {
        const json_t *e = json_array_get(expected, i);
        char size[16];
        snprintf(size, sizeof size, "%d", (int)json_integer_value(json_object_get(e, "size")));
        LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, golden("images"), "--reference", golden("reference"), "--masks", golden("masks"), "--metrics", all_metrics(e), "--size", size,
                          "--out", lac_cli_path(f, "new/out.json"), "--batch", i == 0 ? "8" : "1") == 0);
        LAC_CHECK(strstr(said.err, "'only/words.png' is broken") != NULL && strstr(said.err, "'only/mask.png' is unmatched") != NULL);
        LAC_CHECK(strstr(said.err, "psnr of 'identical' is undefined: equal pictures") != NULL);
        json_t *out = load(lac_cli_path(f, "new/out.json"));
        const json_t *files = json_object_get(out, "files");
        check_metrics(json_object_get(out, "metrics"), json_object_get(e, "metrics"));
        check_files(files, json_object_get(e, "files"));
        LAC_CHECK(json_equal(json_object_get(files, "pairs"), json_object_get(e, "pairs")));
        check_lines(lac_cli_path(f, "new/out.images.jsonl"), json_object_get(e, "lines"));
        LAC_CHECK(!is_there(lac_cli_path(f, "new/out.journal-0")));
        json_decref(out);
    }
    json_decref(expected);
}

/* Beside the values: the hole's share, words given by id, why a value is not there; the same as a table. */
LAC_TEST(a_line_says_what_is_known_of_the_picture)
{
    const char *f = lac_test_folder(), *out = lac_cli_path(f, "out/o.json"), *words = lac_cli_path(f, "words.json");
    static lac_cli_said said;
    size_t size;
    char *text;
    LAC_CHECK_STATUS(lac_file_write(words, "{\"rgb8\": {\"label\": \"a \\\"cat\\\"\", \"prompt\": \"it\"}}", 48));
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, golden("images"), "--reference", golden("reference"), "--masks", golden("masks"), "--metrics", "psnr,l1@hole", "--prompts", words,
                      "--out", out) == 0);
    LAC_CHECK_STATUS(lac_file_read(lac_cli_path(f, "out/o.images.jsonl"), 1 << 20, &text, &size));
    LAC_CHECK(strstr(text, "{\"id\":\"identical\",\"values\":{\"psnr\":null,\"l1@hole\":null},\"undefined\":{\"psnr\":\"equal pictures\",\"l1@hole\":\"no mask\"}}\n") != NULL);
    const char *line = strstr(text, "{\"id\":\"rgb8\"");
    LAC_CHECK(line != NULL && strstr(line, "\"undefined\":{},\"area\":0.") < strchr(line, '\n'));
    LAC_CHECK(strstr(line, "\"label\":\"a \\\"cat\\\"\",\"prompt\":\"it\"}\n") != NULL);
    free(text);
    LAC_CHECK_STATUS(lac_file_read(lac_cli_path(f, "out/o.images.csv"), 1 << 20, &text, &size));
    LAC_CHECK(strncmp(text, "id,label,area,\"psnr\",\"l1@hole\"\n", 31) == 0);
    LAC_CHECK(strstr(text, "\n\"identical\",,,,\n") != NULL && strstr(text, "\n\"rgb8\",\"a \"\"cat\"\"\",0.") != NULL);
    free(text);
    json_t *o = load(out), *folders = json_object_get(o, "folders");
    LAC_CHECK(strcmp(json_string_value(json_object_get(folders, "images")) + strlen(json_string_value(json_object_get(folders, "images"))) - 7, "/images") == 0);
    const json_t *area = json_object_get(o, "area"), *bin;
    size_t i;
    json_int_t in_bins = 0;
    json_array_foreach(area, i, bin) {
        const json_t *l1 = json_object_get(json_object_get(bin, "metrics"), "l1@hole");
        in_bins += json_integer_value(json_object_get(l1, "n"));
        LAC_CHECK(json_integer_value(json_object_get(l1, "n")) <= json_integer_value(json_object_get(bin, "images")));
    }
    LAC_CHECK(in_bins > 0 && in_bins == json_integer_value(json_object_get(json_object_get(json_object_get(o, "metrics"), "l1@hole"), "n")));
    LAC_CHECK(strlen(json_string_value(json_object_get(o, "prompts"))) == 64 && json_is_null(json_object_get(o, "height")));
    json_decref(o);
}

/* ---- LPIPS, against the KIND of the same name ---- */

static void add_picture(lac_weights_writer *w, const char *name, lac_image *p, const char *path, int channels)
{
    LAC_CHECK_STATUS(lac_image_load_as_pillow(p, path, channels));
    for (int64_t i = 0; channels == 1 && i < p->height * p->width; i++)
        p->pixels[i] = p->pixels[i] >= 128;
    LAC_CHECK_STATUS(lac_weights_writer_add(w, name, LAC_U8, channels == 1 ? 3 : 4, (int64_t[]){ 1, p->height, p->width, 3 }, p->pixels));
}

/* What lacuna probe finds of a pair. */
static double probed(const char *f, const char *weights, const char *id, const char *region)
{
    static lac_cli_said said;
    static int turn;
    char name[3][64], config[64];
    lac_image p[3];
    lac_weights_writer *w;
    snprintf(name[0], sizeof name[0], "images/%s", id);
    snprintf(name[1], sizeof name[1], "reference/%s", id);
    snprintf(name[2], sizeof name[2], "masks/%s", id);
    LAC_CHECK_STATUS(lac_weights_writer_new(&w));
    add_picture(w, "image", &p[0], golden(name[0]), 3);
    add_picture(w, "reference", &p[1], golden(name[1]), 3);
    add_picture(w, "mask", &p[2], golden(name[2]), 1);
    LAC_CHECK_STATUS(lac_weights_writer_finish(w, lac_cli_path(f, "in.safetensors")));
    lac_weights_writer_free(w);
    for (int i = 0; i < 3; i++)
        lac_image_free(&p[i]);
    snprintf(config, sizeof config, "{\"net\": \"squeeze\", \"region\": \"%s\"}", region);
    LAC_CHECK_STATUS(lac_file_write(lac_cli_path(f, "config.json"), config, strlen(config)));
    snprintf(name[0], sizeof name[0], "probed%d.safetensors", turn++);
    char *out = lac_cli_path(f, name[0]);
    LAC_CHECK(LAC_CLI(lac_cmd_probe, &said, "lpips", "--in", lac_cli_path(f, "in.safetensors"), "--config", lac_cli_path(f, "config.json"), "--weights", weights, "--out", out,
                      "--device", "cpu") == 0);
    float *value = lac_cli_values(out, "value");
    const double x = value[0];
    free(value);
    return x;
}

static double line_value(const char *path, const char *id, const char *metric)
{
    char *text, *rest = NULL;
    size_t size;
    double x = NAN;
    LAC_CHECK_STATUS(lac_file_read(path, 1 << 24, &text, &size));
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        json_t *j = json_loads(line, 0, NULL), *value = json_object_get(json_object_get(j, "values"), metric);
        if (strcmp(json_string_value(json_object_get(j, "id")), id) == 0 && json_is_real(value))
            x = json_real_value(value);
        json_decref(j);
    }
    free(text);
    return x;
}

LAC_TEST(lpips_is_that_of_probe)
{
    const char *f = lac_test_folder();
    static lac_cli_said said;
    char *weights = lac_cli_network("lpips", f, "lpips.safetensors", "{\"net\": \"squeeze\"}", false, 3), given[300];
    snprintf(given, sizeof given, "lpips-squeeze=%s", weights);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, golden("images"), "--reference", golden("reference"), "--masks", golden("masks"), "--metrics", "lpips-squeeze,lpips-squeeze@hole,lpips-squeeze@known",
                      "--weights", given, "--out", lac_cli_path(f, "o.json"), "--device", "cpu") == 0);
    const char *lines = lac_cli_path(f, "o.images.jsonl");
    LAC_CHECK(line_value(lines, "rgb8", "lpips-squeeze") == probed(f, weights, "rgb8.png", "whole"));
    /* 1e-5: probe blackens numbers, not bytes, which rounds */
    LAC_CHECK(fabs(line_value(lines, "rgb8", "lpips-squeeze@hole") / probed(f, weights, "rgb8.png", "hole") - 1) < 1e-5);
    LAC_CHECK(fabs(line_value(lines, "corner", "lpips-squeeze@known") / probed(f, weights, "corner.png", "known") - 1) < 1e-5);
    LAC_CHECK(isnan(line_value(lines, "small", "lpips-squeeze")) && strstr(said.err, "lpips-squeeze of 'small' is undefined: a side too small for the network") != NULL);
    LAC_CHECK(strstr(said.err, "lpips-squeeze@known of 'small' is undefined: the mask leaves no known pixel") != NULL);
    json_t *out = load(lac_cli_path(f, "o.json"));
    const json_t *metric = json_object_get(json_object_get(out, "metrics"), "lpips-squeeze@hole");
    const json_t *hashes = json_object_get(json_object_get(metric, "weights"), "lpips-squeeze");
    LAC_CHECK(json_array_size(hashes) == 1 && strlen(json_string_value(json_array_get(hashes, 0))) == 64);
    char recipe[128];
    snprintf(recipe, sizeof recipe, "lpips{net=squeeze,v0.1,weights=%.12s,outside=black,region=hole}", json_string_value(json_array_get(hashes, 0)));
    LAC_CHECK(strcmp(json_string_value(json_object_get(metric, "recipe")), recipe) == 0);
    json_decref(out);
}

/* ---- metrics of two sets ---- */

/* Every readable picture of both folders counts, whatever its name and size; of crops the pairs that have one. A journal keeps features too. */
LAC_TEST(metrics_of_sets_see_every_readable_picture)
{
    const char *f = lac_test_folder(), *out = lac_cli_path(f, "o.json");
    static lac_cli_said said;
    lac_test_metrics_register();
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, golden("images"), "--reference", golden("reference"), "--masks", golden("masks"), "--metrics",
                      "apart[tiny],near[tiny],apart-middle[tiny],l1", "--out", out, "--device", "cpu") == 0);
    json_t *result = load(out), *metrics = json_object_get(result, "metrics"), *apart = json_object_get(metrics, "apart[tiny]");
    const json_t *middle = json_object_get(metrics, "apart-middle[tiny]"), *files = json_object_get(result, "files");
    const size_t images = (size_t)json_integer_value(json_object_get(json_object_get(files, "images"), "found")) - 3;       /* broken: 3 of one, 1 of the other */
    const size_t references = (size_t)json_integer_value(json_object_get(json_object_get(files, "reference"), "found")) - 1;
    LAC_CHECK(json_integer_value(json_object_get(apart, "n")) == (json_int_t)images && json_integer_value(json_object_get(apart, "n_reference")) == (json_int_t)references);
    LAC_CHECK(json_is_real(json_object_get(apart, "value")) && json_real_value(json_object_get(apart, "std")) == (double)references);
    LAC_CHECK(json_integer_value(json_object_get(json_object_get(metrics, "near[tiny]"), "n")) == json_integer_value(json_object_get(files, "pairs")) - 1);    /* two sizes */
    LAC_CHECK(json_integer_value(json_object_get(middle, "n")) == 2 && json_integer_value(json_object_get(middle, "n_reference")) == 2);       /* corner and large */
    LAC_CHECK(strstr(said.err, "apart-middle[tiny] of 'mask-size' is undefined: the mask has another size") != NULL);
    LAC_CHECK(strstr(said.err, "apart-middle[tiny] of 'rgb8' is undefined: no middle") != NULL && lac_test_features_open == 0);
    json_decref(result);

    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, golden("images/only"), "--reference", golden("reference/only"), "--metrics", "apart[tiny],l1", "--out", out, "--device", "cpu") == 0);
    result = load(out);                 /* nothing matches, and one picture each is no set: written all the same */
    apart = json_object_get(json_object_get(result, "metrics"), "apart[tiny]");
    LAC_CHECK(json_is_null(json_object_get(apart, "value")) && strcmp(json_string_value(json_object_get(apart, "reason")), "fewer than two pictures") == 0);
    LAC_CHECK(strcmp(json_string_value(json_object_get(json_object_get(json_object_get(result, "metrics"), "l1"), "reason")), "there is no pair") == 0);
    json_decref(result);
}

LAC_TEST(statistics_stand_for_a_reference)
{
    const char *f = lac_test_folder(), *out = lac_cli_path(f, "o.json");
    static lac_cli_said said;
    lac_test_metrics_register();
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, golden("images"), "--reference", lac_test_golden("moments-f8.npz"), "--metrics", "apart[tiny],psnr", "--out", out, "--device", "cpu") == 0);
    json_t *result = load(out), *files = json_object_get(result, "files"), *apart = json_object_get(json_object_get(result, "metrics"), "apart[tiny]");
    LAC_CHECK(strcmp(json_string_value(json_object_get(apart, "reason")), "statistics of other features") == 0 && json_object_get(apart, "n_reference") == NULL);
    LAC_CHECK(json_object_get(files, "reference") == NULL && json_object_get(files, "masks") == NULL && json_integer_value(json_object_get(files, "pairs")) == 0);
    LAC_CHECK(json_object_get(json_object_get(files, "unmatched"), "reference") == NULL && json_array_size(json_object_get(json_object_get(files, "unmatched"), "images")) == 0);
    json_decref(result);
}

/* ---- killed and restarted ---- */

static char *bytes_of(const char *path, size_t *size)
{
    char *bytes;
    LAC_CHECK_STATUS(lac_file_read(path, 1 << 26, &bytes, size));
    return bytes;
}

static lac_finished *opened(const char *images, const char *reference)
{
    static const char *const metric[] = { "psnr", "ssim-zero", "apart[tiny]" };
    const lac_backend *b;
    lac_finished *f;
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    const lac_finished_ask ask = { .images = images, .reference = reference, .metric = metric, .n_metrics = 3, .settings = LAC_METRIC_SETTINGS, .batch = 2, .backend = b };
    LAC_CHECK_STATUS(lac_finished_open(&f, &ask));
    return f;
}

static void eval_two(const char *images, const char *reference, const char *out)
{
    static lac_cli_said said;
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, images, "--reference", reference, "--metrics", "psnr,ssim-zero,apart[tiny]", "--out", out, "--device", "cpu", "--batch", "2") == 0);
}

/* The journal of a run that ended in the middle of a record; then a picture noted there is made unreadable behind its back: who reads it again is found out. */
LAC_TEST(an_evaluation_that_was_killed_goes_on_where_it_stood)
{
    const char *f = lac_test_folder(), *images = lac_cli_path(f, "images"), *reference = lac_cli_path(f, "reference");
    char name[32];
    size_t size, whole;
    lac_comm *alone;
    lac_test_metrics_register();
    mkdir(images, 0700);
    mkdir(reference, 0700);
    for (int i = 0; i < 7; i++) {
        snprintf(name, sizeof name, "%d.png", i);
        lac_cli_picture(images, name, 9 + i, 12, (uint64_t)i);
        lac_cli_picture(reference, name, 9 + i, 12, (uint64_t)i + 50);
    }
    eval_two(images, reference, lac_cli_path(f, "once.json"));
    LAC_CHECK_STATUS(lac_comm_alone(&alone));
    lac_finished *found = opened(images, reference);
    LAC_CHECK_STATUS(lac_finished_run(found, lac_cli_path(f, "again.journal"), NULL, NULL, alone));
    lac_finished_close(found);
    lac_comm_free(alone);
    char *journal = bytes_of(lac_cli_path(f, "again.journal-0"), &whole);
    LAC_CHECK_STATUS(lac_file_write(lac_cli_path(f, "again.journal-0"), journal, whole * 3 / 5));
    free(journal);

    struct stat st;
    const char *first = lac_cli_path(images, "0.png");
    LAC_CHECK(stat(first, &st) == 0);
    char *zeros = calloc(1, (size_t)st.st_size);
    FILE *file = fopen(first, "r+b");
    LAC_CHECK(fwrite(zeros, 1, (size_t)st.st_size, file) == (size_t)st.st_size && fclose(file) == 0);
    LAC_CHECK(utimensat(AT_FDCWD, first, (struct timespec[]){ st.st_atim, st.st_mtim }, 0) == 0);
    free(zeros);
    eval_two(images, reference, lac_cli_path(f, "again.json"));
    LAC_CHECK(lac_cli_same_file(lac_cli_path(f, "once.json"), lac_cli_path(f, "again.json")));
    LAC_CHECK(lac_cli_same_file(lac_cli_path(f, "once.images.jsonl"), lac_cli_path(f, "again.images.jsonl")));
    LAC_CHECK(!is_there(lac_cli_path(f, "again.journal-0")));

    /* a journal of another question is none */
    LAC_CHECK_STATUS(lac_file_write(lac_cli_path(f, "other.journal-0"), "0123", 4));
    eval_two(images, reference, lac_cli_path(f, "other.json"));
    char *text = bytes_of(lac_cli_path(f, "other.json"), &size);
    LAC_CHECK(strstr(text, "0.png") != NULL && !lac_cli_same_file(lac_cli_path(f, "once.json"), lac_cli_path(f, "other.json")));
    free(text);
}

/* ---- what is refused ---- */

static lac_cli_said said;
static const char *refused_out;

#define REFUSED(text, ...)                                                                                                                        \
    do {                                                                                                                                          \
        const int code = lac_cli(lac_cmd_eval, &said, (const char *const[]){ "lac_cmd_eval", __VA_ARGS__, "--out", refused_out, "--device", "cpu", NULL }); \
        if (code == 0 || !lac_cli_complains(&said, text))                                                                                         \
            print_error("exit %d, wanted '%s': %s\n", code, text, said.err);                                                                      \
        LAC_CHECK(code != 0 && lac_cli_complains(&said, text) && !is_there(refused_out));                                                         \
    } while (0)

LAC_TEST(what_is_wrong_is_said_in_a_line_and_nothing_is_written)
{
    const char *f = lac_test_folder(), *images = golden("images"), *reference = golden("reference"), *masks = golden("masks");
    char *nothing = lac_cli_path(f, "nothing"), *captions = lac_cli_path(f, "captions.json"), *bad = lac_cli_path(f, "bad.pth"), given[300];
    refused_out = lac_cli_path(f, "out.json");
    mkdir(nothing, 0700);
    REFUSED("unknown metric 'pnsr'; did you mean 'psnr'?", images, "--reference", reference, "--metrics", "pnsr");
    REFUSED("unknown region 'hale'", images, "--reference", reference, "--metrics", "psnr@hale");
    REFUSED("--metrics", images, "--reference", reference);
    REFUSED("named twice", images, "--reference", reference, "--metrics", "psnr,psnr");
    REFUSED("lpips-alex=FILE", images, "--reference", reference, "--metrics", "psnr,lpips-alex@hole", "--masks", masks);
    REFUSED("lpips-squeeze", images, "--reference", reference, "--masks", masks, "--metrics", "brushnet-lpips");
    REFUSED("--masks", images, "--reference", reference, "--metrics", "ssim@known");
    REFUSED("--masks", images, "--reference", reference, "--metrics", "brushnet-psnr");
    REFUSED("images: cannot open the folder", "none", "--reference", reference, "--metrics", "psnr");
    REFUSED("reference: the folder", images, "--reference", nothing, "--metrics", "psnr");
    REFUSED("images: the folder", nothing, "--reference", reference, "--metrics", "psnr");
    REFUSED("masks: the folder", images, "--reference", reference, "--masks", nothing, "--metrics", "psnr");
    REFUSED("match", golden("images/only"), "--reference", golden("reference/deep"), "--metrics", "psnr,ssim");
    REFUSED("--strict: images: 'broken/", images, "--reference", reference, "--metrics", "psnr", "--strict");
    REFUSED("match", images, "--reference", lac_test_golden("moments-f8.npz"), "--metrics", "psnr");
    REFUSED("none.npz", images, "--reference", "none.npz", "--metrics", "psnr");
    REFUSED("does not go with --reference", images, "--reference", reference, "--metrics", "psnr", "--set", "stamps");
    REFUSED("one folder", images, images, "--reference", reference, "--metrics", "psnr");
    REFUSED("--fid-dims must be", images, "--reference", reference, "--metrics", "psnr", "--fid-dims", "100");
    LAC_CHECK_STATUS(lac_file_write(captions, "[1]", 3));
    REFUSED("not an object of captions by id", images, "--reference", reference, "--metrics", "psnr", "--prompts", captions);
    LAC_CHECK_STATUS(lac_file_write(captions, "{\"a\": 1}", 8));
    REFUSED("that of 'a': neither a text nor an object", images, "--reference", reference, "--metrics", "psnr", "--prompts", captions);
    LAC_CHECK_STATUS(lac_file_write(captions, "{", 1));
    REFUSED("are not JSON", images, "--reference", reference, "--metrics", "psnr", "--prompts", captions);
    LAC_CHECK_STATUS(lac_file_write(bad, "no weights", 10));
    snprintf(given, sizeof given, "lpips-alex=%s", bad);
    REFUSED("bad.pth", images, "--reference", reference, "--metrics", "lpips-alex", "--weights", given);
    REFUSED("NAME=FILE", images, "--reference", reference, "--metrics", "psnr", "--weights", "lpips-alex");
    char *whole = lac_cli_network("lpips", f, "lpips.safetensors", "{\"net\": \"squeeze\"}", false, 3);
    snprintf(given, sizeof given, "lpips-squeeze=%s", lac_cli_strip(whole, f, "less.safetensors", (const char *const[]){ "drop lin2.model.1.weight", "add lin9.more", NULL }));
    REFUSED("lin2.model.1.weight", images, "--reference", reference, "--metrics", "lpips-squeeze", "--weights", given);
    LAC_CHECK(strstr(said.err, "lin9.more") != NULL);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, "--masks", masks, "--out", refused_out) != 0 && lac_cli_complains(&said, "which want --reference"));
}

LAC_TEST(two_files_of_one_id_are_refused)
{
    const char *f = lac_test_folder();
    refused_out = lac_cli_path(f, "out.json");
    lac_cli_picture(f, "a.png", 12, 12, 1);
    lac_cli_picture(f, "a.jpg", 12, 12, 2);
    REFUSED("'a.jpg' and 'a.png' have one id, 'a'", f, "--reference", golden("reference"), "--metrics", "psnr");
}

LAC_TEST(strict_is_content_where_nothing_is_wrong)
{
    const char *f = lac_test_folder();
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, golden("images/deep"), "--reference", golden("reference/deep"), "--metrics", "psnr,l1", "--strict", "--out", lac_cli_path(f, "plain")) == 0);
    LAC_CHECK(said.err[0] == '\0' && is_there(lac_cli_path(f, "plain")) && is_there(lac_cli_path(f, "plain.images.jsonl")));
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, golden("images"), "--reference", golden("reference"), "--metrics", "psnr", "--limit", "3", "--out", lac_cli_path(f, "few.json")) == 0);
    json_t *out = load(lac_cli_path(f, "few.json"));
    LAC_CHECK(json_integer_value(json_object_get(json_object_get(out, "files"), "pairs")) == 3);
    json_decref(out);
}

/* ---- statistics of a folder ---- */

static double value_in(const char *path, const char *metric)
{
    json_t *o = load(path);
    const double x = json_real_value(json_object_get(json_object_get(json_object_get(o, "metrics"), metric), "value"));
    json_decref(o);
    return x;
}

LAC_TEST(statistics_of_a_folder_stand_for_it_as_a_reference)
{
    const char *f = lac_test_folder();
    static lac_cli_said said;
    char *alone = lac_cli_path(f, "alone.npz"), *beside = lac_cli_path(f, "beside.npz"), *whole = lac_cli_path(f, "whole.json"), *cached = lac_cli_path(f, "cached.json"), *a, *b;
    size_t n, m;
    lac_test_metrics_register();
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, golden("reference"), "--save-statistics", alone, "--metrics", "FD[tiny]", "--device", "cpu") == 0);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, golden("images"), "--reference", golden("reference"), "--save-statistics", beside, "--metrics", "FD[tiny]", "--out", whole, "--device", "cpu") == 0);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, golden("images"), "--reference", alone, "--metrics", "FD[tiny]", "--out", cached, "--device", "cpu") == 0);
    LAC_CHECK_STATUS(lac_file_read(alone, 1 << 24, &a, &n));
    LAC_CHECK_STATUS(lac_file_read(beside, 1 << 24, &b, &m));
    LAC_CHECK(n == m && memcmp(a, b, n) == 0);
    free(a), free(b);
    const double x = value_in(whole, "FD[tiny]"), y = value_in(cached, "FD[tiny]");
    LAC_CHECK(x > 0 && fabs(x - y) < 1e-9 * x);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, golden("images"), "--save-statistics", alone, "--metrics", "psnr", "--device", "cpu") != 0 && strstr(said.err, "statistics are of fid") != NULL);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, golden("images"), "--save-statistics", alone, "--metrics", "FD[tiny]", "--out", whole) != 0 && strstr(said.err, "--out wants --reference") != NULL);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, golden("images"), "--reference", beside, "--save-statistics", alone, "--metrics", "FD[tiny]", "--out", whole, "--device", "cpu") != 0
              && strstr(said.err, "is statistics already") != NULL);
}
