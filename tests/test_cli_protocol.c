/* Protocols of benchmarks: those that come with the program, what one changes in an evaluation, and what is wrong in one. */
#include "cli/protocol.h"
#include "core/file/atomic.h"
#include "core/memory.h"
#include "tests/harness/cli.h"

#include <stdlib.h>

LAC_TEST(each_that_comes_along_says_what_it_is)
{
    char *names, *rest = NULL;
    int n = 0;
    LAC_CHECK_STATUS(lac_protocol_names(&names));
    for (char *name = strtok_r(names, ", ", &rest); name != NULL; name = strtok_r(NULL, ", ", &rest), n++) {
        json_t *p;
        LAC_CHECK_STATUS(lac_protocol_open(&p, name));
        LAC_CHECK(strcmp(lac_config_str(p, "name"), name) == 0 && strlen(lac_config_str(p, "about")) > 10);
        const char *pack = lac_config_str(p, "pack");           /* a command that there is, or nothing */
        LAC_CHECK(pack[0] == '\0' || strncmp(pack, "lacuna pack folder ", 19) == 0);
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
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, "--protocol", write_protocol(f, "return { about = 'x', pack = 'lacuna pack this', data = { set = 'nowhere', size = 16, mask = 'rect' }, metrics = { 'l1' } }")) != 0);
    LAC_CHECK(lac_cli_complains(&said, "whose set is made by 'lacuna pack this'"));
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, f, "--reference", f, "--protocol", "editbench", "--metrics", "l1", "-o", "x.json") != 0);
    LAC_CHECK(lac_cli_complains(&said, "--protocol does not go with --reference"));
}
