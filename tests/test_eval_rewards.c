/* ImageReward and HPS over finished pictures, with small weights in the published containers, against tests/golden/rewards.py. */
#include "core/file/atomic.h"
#include "eval/finished.h"
#include "tests/harness/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN LAC_SOURCE_DIR "/tests/golden/"
#define REWARD "image-reward=" GOLDEN "rewards/image-reward.pt"
#define HPS "=" GOLDEN "rewards/hps.pt"
#define BERT "bert-vocab=" GOLDEN "text/bert/vocab.txt"
#define CLIP "clip-vocab=" GOLDEN "text/openai/bpe_simple_vocab_16e6.txt.gz"
#define ALL "image-reward,hps-v2,hps-v2.1"

static int measure(lac_cli_said *said, const char *metrics, const char *batch, const char *out)
{
    return LAC_CLI(lac_cmd_eval, said, GOLDEN "clip_metrics/images", "--reference", GOLDEN "clip_metrics/reference", "--prompts", GOLDEN "clip_metrics/said.json", "--metrics", metrics,
                   "--weights", REWARD, "--weights", BERT, "--weights", "hps-v2" HPS, "--weights", "hps-v2.1" HPS, "--weights", CLIP, "--device", "cpu", "--batch", batch, "--out", out);
}

static json_t *lines_of(const char *path)
{
    FILE *f = fopen(path, "r");
    char line[4000];
    json_t *all = json_object();
    LAC_CHECK(f != NULL);
    while (fgets(line, sizeof line, f) != NULL) {
        json_t *j = json_loads(line, 0, NULL);
        json_object_set(all, json_string_value(json_object_get(j, "id")), json_object_get(j, "values"));
        json_decref(j);
    }
    fclose(f);
    return all;
}

/* f32 of a small network: 5e-6 of a reward, whose linear layers have no bound; 2e-6 of a cosine. */
static void check(const json_t *found, const json_t *expected, const char *metric, const char *as, double gap)
{
    const json_t *value = json_object_get(found, metric), *e = json_object_get(expected, as);
    LAC_CHECK(e != NULL ? fabs(json_number_value(value) - json_number_value(e)) < gap : json_is_null(value));
}

LAC_TEST(rewards_are_those_of_the_reference_code)
{
    lac_cli_said said;
    const char *f = lac_test_folder(), *id;
    json_t *expected = json_load_file(GOLDEN "rewards/expected.json", 0, NULL), *values;
    LAC_CHECK(measure(&said, ALL, "4", lac_cli_path(f, "o.json")) == 0);
    json_t *found = lines_of(lac_cli_path(f, "o.images.jsonl"));
    LAC_CHECK(json_object_size(found) == 11 && json_object_size(expected) == 6);
    json_object_foreach(found, id, values) {
        const json_t *e = json_object_get(expected, id);
        check(values, e, "image-reward", "image-reward", 5e-6);
        check(values, e, "hps-v2", "hps", 2e-6);
        check(values, e, "hps-v2.1", "hps", 2e-6);
    }
    json_decref(found);
    json_decref(expected);
}

LAC_TEST(a_reward_does_not_depend_on_the_company_of_its_picture)
{
    lac_cli_said said;
    const char *f = lac_test_folder();
    LAC_CHECK(measure(&said, ALL, "1", lac_cli_path(f, "one.json")) == 0 && measure(&said, ALL, "7", lac_cli_path(f, "seven.json")) == 0);
    LAC_CHECK(lac_cli_same_file(lac_cli_path(f, "one.images.jsonl"), lac_cli_path(f, "seven.images.jsonl")));
}

static void refuse(const char *metrics, const char *weights, const char *more, const char *complaint)
{
    lac_cli_said said;
    LAC_CHECK(LAC_CLI(lac_cmd_eval, &said, GOLDEN "clip_metrics/images", "--reference", GOLDEN "clip_metrics/reference", "--prompts", GOLDEN "clip_metrics/said.json", "--metrics", metrics,
                      "--weights", weights, "--weights", more, "--device", "cpu", "--out", lac_cli_path(lac_test_folder(), "o.json")) != 0);
    LAC_CHECK(lac_cli_complains(&said, complaint));
}

LAC_TEST(what_a_reward_lacks_is_named)
{
    static char words[20000] = "[PAD]\n[CLS]\n[SEP]\n[UNK]\n";
    const char *path = lac_cli_path(lac_test_folder(), "vocab.txt");
    char given[600];
    size_t n = strlen(words);
    for (int i = 0; i < 1000; i++)
        n += (size_t)sprintf(words + n, "w%d\n", i);
    LAC_CHECK_STATUS(lac_file_write(path, words, n));
    snprintf(given, sizeof given, "bert-vocab=%s", path);
    refuse("image-reward", REWARD, CLIP, "--weights bert-vocab=FILE");
    refuse("image-reward", BERT, CLIP, "--weights image-reward=FILE");
    refuse("hps-v2.1", CLIP, "hps-v2" HPS, "--weights hps-v2.1=FILE");
    refuse("hps-v2", BERT, "hps-v2" HPS, "--weights clip-vocab=FILE");
    refuse("image-reward", "image-reward" HPS, BERT, "these are not the keys of 'image-reward'");
    refuse("hps-v2", "hps-v2=" GOLDEN "rewards/image-reward.pt", CLIP, "these are not the keys of 'hps'");
    refuse("image-reward", REWARD, given, "'bert-vocab' have 1004 ids");
    refuse("hps-v2@hole", "hps-v2" HPS, CLIP, "sees whole pictures");
    refuse("hps-v3", "hps-v2" HPS, CLIP, "did you mean 'hps-v2'?");
}
