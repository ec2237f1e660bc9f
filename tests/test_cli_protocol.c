/* Protocols of benchmarks: those that come with the program, what one changes in an evaluation, and what is wrong in one. */
#include "cli/protocol.h"
#include "cli/source.h"
#include "core/file/atomic.h"
#include "core/memory.h"
#include "data/format.h"
#include "tests/harness/cli.h"

#include <math.h>
#include <stdlib.h>

/* "lacuna pack FORMAT ... -o sets/..." of a format that there is. */
static bool names_a_format(const char *pack)
{
    int n;
    char word[64] = "";
    const lac_pack_format *const *f = lac_pack_formats(&n);
    for (int i = 0; i < n; i++)
        if (sscanf(pack, "lacuna pack %63s", word) == 1 && strcmp(word, f[i]->name) == 0)
            return strstr(pack, " -o sets/") != NULL;
    return false;
}

LAC_TEST(each_that_comes_along_says_what_it_is)
{
    char *names, *rest = NULL;
    int n = 0;
    LAC_CHECK_STATUS(lac_protocol_names(&names));
    for (char *name = strtok_r(names, ", ", &rest); name != NULL; name = strtok_r(NULL, ", ", &rest), n++) {
        json_t *p;
        char *how;
        LAC_CHECK_STATUS(lac_protocol_open(&p, name));
        LAC_CHECK_STATUS(lac_source_of(lac_config_str(p, "data.set"), &how));
        LAC_CHECK(strcmp(lac_config_str(p, "name"), name) == 0 && strlen(lac_config_str(p, "about")) > 10);
        LAC_CHECK(how != NULL && names_a_format(how));
        free(how);
        LAC_CHECK(json_array_size(json_object_get(p, "metrics")) >= 3 && lac_config_int(p, "data.size") >= 256);
        json_decref(p);
    }
    LAC_CHECK(n == 14);
    free(names);
}

static const char *write_protocol(const char *folder, const char *text)
{
    const char *path = lac_cli_path(folder, "mine.lua");
    LAC_CHECK_STATUS(lac_file_write(path, text, strlen(text)));
    return path;
}

static json_t *summary_of(const char *folder)
{
    json_t *j = json_load_file(lac_cli_path(folder, "toys-val-16.json"), 0, NULL);
    LAC_CHECK(j != NULL);
    return j;
}

static double l1_of(const json_t *summary) { return lac_config_num(json_object_get(json_object_get(summary, "methods"), "copy nothing"), "metrics.l1.value"); }

LAC_TEST(an_evaluation_takes_what_the_protocol_says_and_no_option)
{
    lac_cli_said said;
    char *text;
    const char *f = lac_test_folder(), *out = lac_cli_path(f, "out"), *other = lac_cli_path(f, "other");
    lac_cli_set(f);
    LAC_CHECK_STATUS(lac_format(&text, "return { about = 'toys', data = { set = '%s/set.h5', split = 'val', size = 16, mask = 'rect' }, seed = 5, metrics = { 'l1', 'psnr' },\n"
                                       "published = { { name = 'Theirs', source = 'a book', values = { l1 = 0.5 } } } }", f));
    const char *p = write_protocol(f, text);
    free(text);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, "--protocol", p, "-o", out) == 0);
    LAC_CHECK(strstr(said.out, "| method | l1 ↓ | psnr ↑ |") && strstr(said.out, "| Theirs | 0.5000 | a book |") && strstr(said.out, "5 pictures of 16x16"));
    json_t *j = summary_of(out), *k;
    LAC_CHECK(strcmp(lac_config_str(j, "protocol"), "mine") == 0 && lac_config_int(j, "seed") == 5 && strncmp(lac_config_str(j, "masks"), "rect", 4) == 0);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, "--protocol", p, "-o", other, "--metrics", "l1", "--seed", "0", "--limit", "2") == 0);
    k = summary_of(other);
    LAC_CHECK(lac_config_int(k, "seed") == 0 && lac_config_int(k, "images") == 2 && l1_of(j) > 0 && l1_of(k) > 0 && !strstr(said.out, "psnr"));
    json_decref(j);
    json_decref(k);
}

LAC_TEST(sampling_is_told_to_inpainters_that_sample)
{
    const char *f = lac_test_folder(), *sampler = LAC_SOURCE_DIR "/weights/mini-inpaint.safetensors", *other = lac_cli_model(f, "m.safetensors", "{\"cnum\": 4}", false, 1);
    json_t *p = json_pack("{s:{s:f, s:s}}", "sampling", "guidance_scale", 5.5, "unheard", "of");
    lac_model_how how = { .device = "cpu", .precision = "f32" };
    lac_model m;
    LAC_CHECK_STATUS(lac_model_open(&m, sampler, &how));
    LAC_CHECK_STATUS(lac_protocol_sampling(p, &how, &m.ip));
    LAC_CHECK(lac_config_num(m.ip.config, "guidance_scale") == 5.5);
    lac_model_close(&m);
    how.guidance = "2.5";
    LAC_CHECK_STATUS(lac_model_open(&m, sampler, &how));
    LAC_CHECK_STATUS(lac_protocol_sampling(p, &how, &m.ip));
    LAC_CHECK(lac_config_num(m.ip.config, "guidance_scale") == 2.5);
    lac_model_close(&m);
    how.guidance = NULL;
    LAC_CHECK_STATUS(lac_model_open(&m, other, &how));
    LAC_CHECK_STATUS(lac_protocol_sampling(p, &how, &m.ip));
    lac_model_close(&m);
    json_decref(p);
}

LAC_TEST(what_is_wrong_is_one_line)
{
    lac_cli_said said;
    const char *f = lac_test_folder();
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, "--protocol", "brushbench-insid") != 0 && lac_cli_complains(&said, "there is no protocol 'brushbench-insid': a file, or one of brushbench-inside, "));
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, "--protocol", write_protocol(f, "return { about = 'x',\n data = { set = 's', size = 16, msk = 'rect' }, metrics = {} }")) != 0);
    LAC_CHECK(lac_cli_complains(&said, "mine.lua:2") && lac_cli_complains(&said, "mask"));
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, "--protocol", write_protocol(f, "return { about = 'x', data = { set = 'nowhere', size = 16, mask = 'rect' }, metrics = { 'l1' } }")) != 0);
    LAC_CHECK(lac_cli_complains(&said, "there is no set or mask file 'nowhere'") && strstr(said.err, "it is made by") == NULL);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, f, "--reference", f, "--protocol", "editbench", "--metrics", "l1", "-o", "x.json") != 0);
    LAC_CHECK(lac_cli_complains(&said, "--protocol does not go with --reference"));
}

/* ---- from published files to a table ---- */

/* The folders that the protocols' own lines name, as links to small sets of their layout, and an empty `sets`; from here on the current folder. */
static void enter_a_desk(char *back, size_t size)
{
    static const char *const links[][2] = { { "layouts/brushbench", "BrushBench" }, { "layouts/editbench", "EditBench" }, { "layouts/celebahq", "CelebA-HQ" },
                                            { "layouts/places", "Places365" }, { "objects/coco", "COCO" }, { "objects/openimages", "OpenImages" } };
    const char *f = lac_test_folder();
    LAC_CHECK(getcwd(back, size) != NULL && chdir(f) == 0);
    LAC_CHECK_STATUS(lac_make_folders("sets"));
    for (size_t i = 0; i < LAC_COUNT(links); i++)
        LAC_CHECK(symlink(lac_test_golden(links[i][0]), links[i][1]) == 0);
}

/* Runs the line that makes the protocol's set. */
static void pack_as_said(const char *protocol, lac_cli_said *said)
{
    json_t *p;
    char *line, *rest = NULL;
    const char *words[40];
    int n = 0;
    LAC_CHECK_STATUS(lac_protocol_open(&p, protocol));
    LAC_CHECK_STATUS(lac_source_of(lac_config_str(p, "data.set"), &line));
    for (char *word = strtok_r(line, " ", &rest); word != NULL && n < 39; word = strtok_r(NULL, " ", &rest))
        words[n++] = word;
    words[n] = NULL;
    const int status = lac_cli(lac_cmd_pack, said, words + 1);
    if (status != 0)
        fail_msg("%s: %s", lac_config_str(p, "data.set"), said->err);
    free(line);
    json_decref(p);
}

static double score_of(const char *path, const char *method, const char *metric)
{
    json_t *j = json_load_file(path, 0, NULL);
    const json_t *value = json_object_get(json_object_get(json_object_get(json_object_get(json_object_get(j, "methods"), method), "metrics"), metric), "value");
    LAC_CHECK(json_is_number(value));
    const double v = json_number_value(value);
    json_decref(j);
    return v;
}

/* Pillow's and NumPy's value for grey in the holes (tests/golden/layouts.py, objects.py). */
static double wanted_of(const char *layouts, const char *protocol)
{
    json_t *j = json_load_file(lac_cli_path(lac_test_golden(layouts), "expected.json"), 0, NULL);
    const double v = json_number_value(json_object_get(json_object_get(j, "l1"), protocol));
    LAC_CHECK(v > 0);
    json_decref(j);
    return v;
}

LAC_TEST(protocols_go_from_published_files_to_a_table)
{
    static const struct { const char *protocol, *summary, *says, *published; } made[] = {
        { "brushbench-inside", "brushbench-inside-test-512.json", "3 pictures of 512x512", "| BrushNet * |" }, { "editbench", "editbench-test-512.json", "4 pictures of 512x512", "| BrushNet * |" },
        { "deepfill-places2-freeform", "places2-val-val-256.json", "3 pictures of 256x256", "| DeepFill v1 |" },
    };
    lac_cli_said said;
    char back[4096];
    enter_a_desk(back, sizeof back);
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, "--protocol", "brushbench-inside", "--metrics", "l1-percent@hole") != 0);
    LAC_CHECK(lac_cli_complains(&said, "it is made by: lacuna pack brushbench --root BrushBench --task inside -o sets/brushbench-inside.h5"));
    for (size_t i = 0; i < LAC_COUNT(made); i++) {
        const char *p = made[i].protocol;
        pack_as_said(p, &said);
        LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, "--protocol", p, "--metrics", "l1-percent@hole,brushnet-psnr", "-o", p) == 0);
        LAC_CHECK(strstr(said.out, made[i].says) != NULL && strstr(said.out, made[i].published) != NULL);
        const double l1 = score_of(lac_cli_path(p, made[i].summary), "copy nothing", "l1-percent@hole");
        if (i < 2 && !(fabs(l1 - wanted_of("layouts", p)) < 1e-4))
            fail_msg("%s: %.9g, expected %.9g", p, l1, wanted_of("layouts", p));
        LAC_CHECK(i == 2 || score_of(lac_cli_path(p, made[i].summary), "copy nothing", "brushnet-psnr") == 1000);      /* what is known stays */
    }
    for (size_t i = 0; i < 2; i++)          /* those that evaluate alike */
        pack_as_said(i == 0 ? "brushbench-outside" : "deepfill-celebahq-rectangle", &said);
    LAC_CHECK(strstr(said.out, "sets/celebahq.h5: 3 pictures, 0 skipped") != NULL && chdir(back) == 0);
}

/* The manifest that the first of a pair writes is the second's; it stands in both results. */
LAC_TEST(protocols_of_objects_go_from_annotations_to_a_table)
{
    static const struct { const char *protocol, *set, *says; } made[] = {
        { "catdiff-coco-box", "coco-objects-box", "20 pictures of 512x512" }, { "catdiff-coco-segmentation", "coco-objects-segmentation", "20 pictures of 512x512" },
        { "catdiff-openimages-box", "openimages-objects-box", "4 pictures of 512x512" }, { "catdiff-openimages-segmentation", "openimages-objects-segmentation", "4 pictures of 512x512" },
    };
    lac_cli_said said;
    char back[4096], hash[2][80] = { "" }, name[300];
    enter_a_desk(back, sizeof back);
    for (size_t i = 0; i < LAC_COUNT(made); i++) {
        const char *p = made[i].protocol;
        pack_as_said(p, &said);
        LAC_CHECK((strstr(said.out, "objects.jsonl' says") != NULL) == (i % 2 == 1));
        LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, "--protocol", p, "--metrics", "l1-percent@hole", "-o", p) == 0);
        if (strstr(said.out, made[i].says) == NULL)
            fail_msg("%s, expected '%s'", said.out, made[i].says);
        snprintf(name, sizeof name, "%s/%s-validation-512.json", p, made[i].set);
        const double l1 = score_of(name, "copy nothing", "l1-percent@hole"), wanted = wanted_of("objects", p);
        if (!(fabs(l1 - wanted) < 1e-4))
            fail_msg("%s: %.9g, expected %.9g", p, l1, wanted);
        json_t *j = json_load_file(name, 0, NULL);
        snprintf(hash[i % 2], sizeof hash[0], "%s", lac_config_str(j, "selection"));
        LAC_CHECK(strlen(hash[i % 2]) == 64 && (i % 2 == 0 || strcmp(hash[0], hash[1]) == 0));
        json_decref(j);
    }
    LAC_CHECK(chdir(back) == 0);
}
