/* Configs of runs: what they are compared by. */
#include "tests/harness/test.h"
#include "train/stages.h"

#include <stdlib.h>

static json_t *resolved(lac_stages *run)
{
    json_t *given = json_pack("{s:s,s:s,s:i,s:{s:i},s:{s:{s:i}},s:{s:{s:f}}}", "name", "a", "recipe", "deepfill", "steps", 1, "batch", "global", 2, "data", "train",
                              "size", 16, "optim", "generator", "beta1", 0.4);
    LAC_CHECK(given != NULL);
    LAC_CHECK_STATUS(lac_stages_resolve(run, given, NULL, NULL));
    json_decref(given);
    json_t *copy = json_deep_copy(run->stage[0].config);
    LAC_CHECK(copy != NULL);
    return copy;
}

/* A run that was begun before these keys were there goes on, unless they are set otherwise now. */
LAC_TEST(a_key_that_is_new_since_has_its_default)
{
    lac_stages run;
    char *text;
    json_t *before = resolved(&run), *now = json_deep_copy(before);
    LAC_CHECK(json_object_del(json_object_get(json_object_get(before, "data"), "train"), "tint") == 0);
    LAC_CHECK(json_object_del(json_object_get(json_object_get(before, "model"), "generator"), "softmax_scale") == 0);
    LAC_CHECK_STATUS(lac_stages_differences(before, now, &text));
    assert_string_equal(text, "");
    free(text);
    json_object_set_new(json_object_get(json_object_get(now, "model"), "generator"), "softmax_scale", json_real(0.1));
    LAC_CHECK_STATUS(lac_stages_differences(before, now, &text));
    assert_string_equal(text, "model.generator.softmax_scale was 10.0, is 0.1");
    free(text);
    json_object_set_new(before, "gone", json_integer(1));
    LAC_CHECK_FAILS(lac_stages_differences(before, now, &text), LAC_ERR_CONFIG, "the config that the run was begun with: unknown key 'gone'");
    json_decref(before), json_decref(now);
    lac_stages_free(&run);
}

LAC_TEST(numbers_that_differ_are_told_in_their_shortest_form)
{
    lac_stages run;
    char *text;
    json_t *before = resolved(&run), *now = json_deep_copy(before);
    json_object_set_new(json_object_get(json_object_get(now, "optim"), "generator"), "beta1", json_real(0.3));
    LAC_CHECK_STATUS(lac_stages_differences(before, now, &text));
    assert_string_equal(text, "optim.generator.beta1 was 0.4, is 0.3");
    free(text);
    json_object_set_new(json_object_get(json_object_get(now, "optim"), "generator"), "beta1", json_real(0.4 + 0x1p-53));
    LAC_CHECK_STATUS(lac_stages_differences(before, now, &text));
    assert_string_equal(text, "optim.generator.beta1 was 0.4, is 0.40000000000000013");
    free(text);
    json_decref(before), json_decref(now);
    lac_stages_free(&run);
}
