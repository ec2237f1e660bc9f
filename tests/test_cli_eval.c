/* lacuna eval and the validation of a run: which pictures with which masks, the same numbers on every way, files, bad input. */
#include "cli/locate.h"
#include "cli/validate.h"
#include "core/file/atomic.h"
#include "core/memory.h"
#include "data/mask_file.h"
#include "tests/harness/cli.h"

#include <math.h>
#include <stdlib.h>

enum { SIDE = 32, PIXELS = SIDE * SIDE, N_VAL = 5, N_MASKS = 3, N_FIRST = 3 };

static json_t *data_of(const char *folder)
{
    return json_pack("{s:s+, s:s, s:i, s:s, s:i, s:s++}", "set", folder, "/set.h5", "split", "val", "size", SIDE, "crop", "center", "shorter", 0,
                     "mask", "file:", folder, "/masks.png");
}

static lac_eval_set *open_set(const char *folder, int64_t limit)
{
    lac_eval_set *s = NULL;
    json_t *data = data_of(folder);
    LAC_CHECK_STATUS(lac_eval_set_open(&s, data, limit, lac_locate, NULL));
    json_decref(data);
    return s;
}

LAC_TEST(records_come_by_id_and_the_kth_takes_mask_k_mod_n)
{
    const char *f = lac_test_folder();
    lac_mask_file masks;
    char name[32];
    lac_cli_set(f);
    lac_eval_set *s = open_set(f, 0);
    LAC_CHECK(lac_eval_set_count(s) == N_VAL);
    LAC_CHECK_STATUS(lac_mask_file_load(&masks, lac_cli_path(f, "masks.png")));
    for (int pass = 0; pass < 2; pass++)            /* decoded, then kept */
        for (int i = 0; i < N_VAL; i++) {
            lac_eval_item item;
            LAC_CHECK_STATUS(lac_eval_set_read(s, i, &item));
            snprintf(name, sizeof name, "val/%d.%s", i + N_FIRST, (i + N_FIRST) % 2 ? "png" : "jpg");
            LAC_CHECK(strcmp(item.id, name) == 0 && item.height == SIDE && item.width == SIDE);
            LAC_CHECK(memcmp(item.mask, masks.pixels + i % N_MASKS * PIXELS, PIXELS) == 0);
        }
    char *with, *without;                           /* the program's own masks go by either name */
    LAC_CHECK_STATUS(lac_locate(NULL, "union-56-seed3-64", &without));
    LAC_CHECK_STATUS(lac_locate(NULL, "union-56-seed3-64.png", &with));
    LAC_CHECK(strcmp(with, without) == 0);
    free(with);
    free(without);
    const lac_score_origin o = lac_eval_set_origin(s);
    LAC_CHECK(strcmp(o.set, "toys") == 0 && strlen(o.manifest) == 64 && strstr(o.masks, masks.hash) != NULL);
    lac_mask_file_free(&masks);
    lac_eval_set_close(s);
}

LAC_TEST(an_open_set_is_kept_for_the_same_data_alone)
{
    const char *f = lac_test_folder();
    lac_cli_set(f);
    lac_eval_set *s = open_set(f, 2), *before = s;
    json_t *data = data_of(f);
    LAC_CHECK_STATUS(lac_eval_set_open(&s, data, 2, lac_locate, NULL));
    LAC_CHECK(s == before && lac_eval_set_count(s) == 2);
    LAC_CHECK_STATUS(lac_eval_set_open(&s, data, 0, lac_locate, NULL));
    LAC_CHECK(lac_eval_set_count(s) == N_VAL);
    json_object_set_new(data, "split", json_string("tset"));
    LAC_CHECK(lac_eval_set_open(&s, data, 0, lac_locate, NULL) != LAC_OK && s == NULL);
    LAC_CHECK_FAILS(lac_eval_set_open(&s, NULL, 0, lac_locate, NULL), LAC_ERR_CONFIG, "no data.eval");
    json_decref(data);
}

static json_t *summary_at(const char *path)
{
    json_t *j = json_load_file(path, 0, NULL);
    LAC_CHECK(j != NULL);
    return j;
}

static double value_of(const json_t *summary, const char *method, const char *metric)
{
    const json_t *m = json_object_get(json_object_get(json_object_get(summary, "methods"), method), "metrics");
    const json_t *v = json_object_get(json_object_get(m, metric), "value");
    LAC_CHECK(json_is_real(v));
    return json_real_value(v);
}

/* Mean of |128 - x| 2 / 255 over the hole's values, a picture at a time. */
static double copy_nothing(const char *folder)
{
    lac_eval_set *s = open_set(folder, 0);
    double sum = 0;
    for (int i = 0; i < N_VAL; i++) {
        lac_eval_item item;
        double here = 0, n = 0;
        LAC_CHECK_STATUS(lac_eval_set_read(s, i, &item));
        for (int k = 0; k < 3 * PIXELS; k++)
            if (item.mask[k / 3]) {
                here += fabs(item.reference[k] - 128.0) * 2 / 255;
                n++;
            }
        sum += here / n;
    }
    lac_eval_set_close(s);
    return sum / N_VAL;
}

static void check_sheet(const char *path, int columns, int rows)
{
    lac_image x = { 0 };
    LAC_CHECK_STATUS(lac_image_load(&x, path, 3));
    LAC_CHECK(x.width == columns * (SIDE + 2) + 2 && x.height == rows * (SIDE + 2) + 2);
    lac_image_free(&x);
}

LAC_TEST(a_run_is_scored_beside_the_baselines_into_its_folder)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *run = lac_cli_run(f);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, run, "--pictures", "2") == 0);
    LAC_CHECK(strstr(said.out, "| tiny |") && strstr(said.out, "| copy nothing |") && strstr(said.out, "| mean colour |") &&
              strstr(said.out, "| Laplace fill |") && strstr(said.out, "5 pictures of 32x32"));
    json_t *j = summary_at(lac_cli_path(run, "eval/toys-val-32.json"));
    LAC_CHECK(fabs(value_of(j, "copy nothing", "l1-pm1@hole") - copy_nothing(f)) < 1e-12);      /* sums of bytes, in double */
    LAC_CHECK(json_array_size(json_object_get(j, "differences")) == 7 * 6);                     /* metrics, pairs of four */
    json_decref(j);
    for (const char *const *e = (const char *const[]){ "md", "csv", "tex", "html", "images.jsonl", NULL }; *e != NULL; e++) {
        char name[64];
        snprintf(name, sizeof name, "eval/toys-val-32.%s", *e);
        LAC_CHECK(access(lac_cli_path(run, name), F_OK) == 0);
    }
    check_sheet(lac_cli_path(run, "eval/toys-val-32.png"), 4 + 2, 2);
}

LAC_TEST(run_weights_and_config_give_one_number_and_so_does_validation)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *run = lac_cli_run(f), *w = lac_cli_path(f, "w.safetensors"), *out = lac_cli_path(f, "out");
    const char *config = lac_cli_path(f, "c.lua");
    char *text;
    LAC_CHECK(LAC_CLI(lac_cmd_export, &said, run, "-o", w) == 0);
    LAC_CHECK_STATUS(lac_format(&text, "return { name = 'tiny', runs = '%s/runs', recipe = 'deepfill', steps = 1, batch = { global = 2 },"
                                       " data = { train = { size = 32 } } }", f));
    LAC_CHECK_STATUS(lac_file_write(config, text, strlen(text)));
    free(text);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, run, w, config, "-o", out, "--metrics", "l1@hole,psnr", "--baselines", "off", "--precision", "f32") == 0);
    json_t *j = summary_at(lac_cli_path(out, "toys-val-32.json"));
    LAC_CHECK(json_object_size(json_object_get(j, "methods")) == 3);
    const double l1 = value_of(j, "tiny", "l1@hole"), psnr = value_of(j, "w", "psnr");
    LAC_CHECK(l1 > 0 && value_of(j, "w", "l1@hole") == l1);

    const lac_backend *b;
    lac_inpainter ip;
    lac_tape *t;
    lac_comm *comm;
    lac_validator v = { .set = NULL };
    json_t *data = data_of(f), *values;
    json_t *validated = json_pack("{s:{s:O}, s:{s:i, s:[s, s]}}", "data", "eval", data, "validate", "limit", 0, "metrics", "psnr", "l1@hole");
    double score;
    LAC_CHECK_STATUS(lac_backend_get(&b, "cpu"));
    LAC_CHECK_STATUS(lac_inpainter_load(&ip, w, NULL, b, LAC_F32));
    LAC_CHECK_STATUS(lac_tape_new(&t, b));
    LAC_CHECK_STATUS(lac_comm_alone(&comm));
    for (int pass = 0; pass < 2; pass++) {
        LAC_CHECK_STATUS(lac_validator_run(&v, &ip, t, validated, lac_locate, comm, &values, &score));
        LAC_CHECK(fabs(json_real_value(json_object_get(values, "l1@hole")) - l1) < 1e-12 && fabs(score + psnr) < 1e-12);  /* sums in another order */
        json_decref(values);
    }
    json_decref(validated);
    json_decref(data);
    json_decref(j);
    lac_validator_close(&v);
    lac_inpainter_close(&ip);
    lac_tape_free(t);
    lac_comm_free(comm);
}

static int count(const char *text, const char *what)
{
    int n = 0;
    for (; (text = strstr(text, what)) != NULL; text++)
        n++;
    return n;
}

/* A kept picture is the one that was scored: its l1 is the line's. */
static void check_kept(const char *folder, const char *method, const char *id, double l1)
{
    lac_image a = { 0 }, b = { 0 };
    char name[96];
    double sum = 0;
    snprintf(name, sizeof name, "toys-val-32/%s/%s.png", method, id);
    LAC_CHECK_STATUS(lac_image_load(&a, lac_cli_path(folder, name), 3));
    snprintf(name, sizeof name, "toys-val-32/reference/%s.png", id);
    LAC_CHECK_STATUS(lac_image_load(&b, lac_cli_path(folder, name), 3));
    for (int i = 0; i < 3 * PIXELS; i++)
        sum += abs(a.pixels[i] - b.pixels[i]);
    LAC_CHECK(fabs(sum / 255 / (3 * PIXELS) - l1) < 1e-12);
    lac_image_free(&a);
    lac_image_free(&b);
}

LAC_TEST(kept_pictures_are_those_that_were_scored_and_stand_in_the_page)
{
    lac_cli_said said;
    char *text;
    size_t size;
    const char *f = lac_test_folder(), *run = lac_cli_run(f), *out = lac_cli_path(f, "k"), *page = lac_cli_path(f, "page");
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, run, "-o", out, "--metrics", "l1", "--keep") == 0);
    LAC_CHECK_STATUS(lac_file_read(lac_cli_path(out, "toys-val-32.images.jsonl"), 1 << 20, &text, &size));
    json_t *line = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
    check_kept(out, json_string_value(json_object_get(line, "method")), json_string_value(json_object_get(line, "id")),
               json_real_value(json_object_get(json_object_get(line, "values"), "l1")));
    json_decref(line);
    free(text);
    LAC_CHECK(LAC_CLI(lac_cmd_report, &said, lac_cli_path(out, "toys-val-32.json"), "-o", page, "--pictures", "3") == 0);
    LAC_CHECK_STATUS(lac_file_read(lac_cli_path(page, "report.html"), 1 << 24, &text, &size));
    LAC_CHECK(strstr(text, "\"of\":5,\"methods\":[\"tiny\",\"copy nothing\",") != NULL);
    LAC_CHECK(count(text, "{\"id\":\"val") == 3 && count(text, "data:image/png;base64,") == 3 * (4 + 3));     /* known, mask, truth, four methods */
    free(text);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, run, run, "--keep") != 0 && lac_cli_complains(&said, "--keep wants --out"));
}

LAC_TEST(fewer_pictures_are_the_same_pictures)
{
    lac_cli_said said;
    char *all, *some;
    size_t n, m;
    const char *f = lac_test_folder(), *run = lac_cli_run(f), *a = lac_cli_path(f, "a"), *b = lac_cli_path(f, "b");
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, run, "-o", a, "--metrics", "l1", "--pictures", "0") == 0);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, run, "-o", b, "--metrics", "l1", "--limit", "3") == 0);
    LAC_CHECK_STATUS(lac_file_read(lac_cli_path(a, "toys-val-32.images.jsonl"), 1 << 20, &all, &n));
    LAC_CHECK_STATUS(lac_file_read(lac_cli_path(b, "toys-val-32.images.jsonl"), 1 << 20, &some, &m));
    LAC_CHECK(m > 100 && m < n && memcmp(all, some, m) == 0);
    LAC_CHECK(access(lac_cli_path(a, "toys-val-32.png"), F_OK) != 0);
    free(all);
    free(some);
}

LAC_TEST(what_cannot_be_scored_is_one_line)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *model = lac_cli_model(f, "m.safetensors", "{\"cnum\": 4}", false, 1);
    lac_cli_set(f);
    const char *set = lac_cli_path(f, "set.h5"), *mask = lac_cli_path(f, "masks.png");
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, model, "--set", set) == 2 && lac_cli_complains(&said, "--size and --mask"));
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, model, "--set", "toyz", "--size", "32", "--mask", mask) == 1 && lac_cli_complains(&said, "'toyz'"));
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, model, "--set", set, "--size", "32", "--mask", "no-mask") == 1 && lac_cli_complains(&said, "'no-mask'"));
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, model, "--set", set, "--size", "40", "--mask", mask) == 1 && lac_cli_complains(&said, "32"));
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, model, "--set", set, "--size", "32", "--mask", mask, "--split", "x") != 0 && lac_cli_complains(&said, "'x'"));
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, model, "--set", set, "--size", "32", "--mask", mask, "--metrics", "pnsr") == 2);
    LAC_CHECK(lac_cli_complains(&said, "did you mean 'psnr'"));
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, "--baselines", "off") == 2 && lac_cli_complains(&said, "nothing to score"));
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, "--set", set, "--size", "32", "--mask", "\xff.png") == 2 && lac_cli_complains(&said, "--mask '\xff.png' is not UTF-8 text"));
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, "--set", set, "--size", "32", "--mask", mask) == 0 && strstr(said.out, "| Laplace fill |") != NULL);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, "--set", set, "--size", "32", "--mask", "rect") == 0);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, "--set", set, "--size", "32", "--mask", "object-box") == 1 && lac_cli_complains(&said, "object"));
}

static double scored(const char *folder, const char *model, const char *out, const char *option, const char *value)
{
    lac_cli_said said;
    const char *set = lac_cli_path(folder, "set.h5"), *mask = lac_cli_path(folder, "masks.png");
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, model, "--set", set, "--size", "32", "--mask", mask, "--metrics", "l1@hole", "--baselines", "off", "-o", out,
                      option, value) == 0);
    json_t *j = summary_at(lac_cli_path(out, "toys-val-32.json"));
    const double l1 = value_of(j, "s", "l1@hole");
    json_decref(j);
    return l1;
}

LAC_TEST(prompt_and_seed_change_what_a_sampler_scores_and_batch_does_not)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *s = lac_cli_sampler(f, "s.safetensors", 7), *m = lac_cli_model(f, "m.safetensors", "{\"cnum\": 4}", false, 1);
    lac_cli_set(f);
    const char *one = lac_cli_path(f, "one"), *other = lac_cli_path(f, "other"), *name = "toys-val-32.images.jsonl";
    const double plain = scored(f, s, one, "--batch", "1");
    for (const char *const *batch = (const char *const[]){ "2", "3", "8", NULL }; *batch != NULL; batch++) {
        LAC_CHECK(scored(f, s, other, "--batch", *batch) == plain);
        LAC_CHECK(lac_cli_same_file(lac_cli_path(one, name), lac_cli_path(other, name)));
    }
    LAC_CHECK(scored(f, s, other, "--prompt", "a large red house") != plain);
    LAC_CHECK(scored(f, s, other, "--seed", "3") != plain);
    const char *set = lac_cli_path(f, "set.h5"), *mask = lac_cli_path(f, "masks.png");
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, m, "--set", set, "--size", "32", "--mask", mask, "--prompt", "x") == 2);
    LAC_CHECK(lac_cli_complains(&said, "--prompt: no model here takes one"));
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, m, "--set", set, "--size", "32", "--mask", mask, "--batch", "0") == 2);
}

LAC_TEST(metrics_with_weights_are_scored_over_a_set_too)
{
    const char *f = lac_test_folder();
    static lac_cli_said said;
    char given[300];
    lac_cli_set(f);
    snprintf(given, sizeof given, "lpips-squeeze=%s", lac_cli_network("lpips", f, "lpips.safetensors", "{\"net\": \"squeeze\"}", false, 3));
    const char *set = lac_cli_path(f, "set.h5"), *masks = lac_cli_path(f, "masks.png"), *out = lac_cli_path(f, "out");
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, "--set", set, "--split", "val", "--size", "32", "--mask", masks, "--metrics", "lpips-squeeze@hole,brushnet-psnr", "--weights", given, "-o", out,
                      "--device", "cpu") == 0);
    LAC_CHECK(strstr(said.out, "lpips-squeeze@hole") != NULL && strstr(said.out, "brushnet-psnr") != NULL);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, "--set", set, "--split", "val", "--size", "32", "--mask", masks, "--metrics", "lpips-squeeze", "--device", "cpu") != 0);
    LAC_CHECK(lac_cli_complains(&said, "metric 'lpips-squeeze': features 'lpips-squeeze': it wants weights 'lpips-squeeze': give --weights lpips-squeeze=FILE"));
}
