/* The schema check: what is filled in, and the line that every wrong config gets. */
#include "core/config.h"
#include "tests/harness/test.h"

#include <float.h>
#include <stdio.h>

static const lac_key adam[] = {
    { "kind", LAC_KEY_STR, "\"adam\"", .choices = "adam|adamw" },
    { "lr", LAC_KEY_NUM, NULL, .min = 0, .max = 1, .help = "learning rate" },
    { "betas", LAC_KEY_LIST, "[0.5, 0.999]", .of = LAC_KEY_NUM, .min = 0, .max = 1 },
    { NULL },
};
static const lac_key optim[] = { { "*", LAC_KEY_TABLE, "{}", .sub = adam }, { NULL } };
static const lac_key stage[] = { { "recipe", LAC_KEY_STR, NULL }, { NULL } };
static const lac_key validate[] = { { "every", LAC_KEY_INT, "1000" }, { "metrics", LAC_KEY_LIST, "[]", .of = LAC_KEY_STR }, { NULL } };
static const lac_key schema[] = {
    { "steps", LAC_KEY_INT, NULL, .min = 1, .max = DBL_MAX },
    { "name", LAC_KEY_STR, "\"run\"" },
    { "crop", LAC_KEY_INT | LAC_KEY_LIST, "256", .of = LAC_KEY_INT },
    { "clip", LAC_KEY_NUM | LAC_KEY_NULL, "null" },
    { "ratio", LAC_KEY_INT | LAC_KEY_NUM, "1" },
    { "beta", LAC_KEY_NUM | LAC_KEY_BELOW_MAX, "0.5", .min = 0, .max = 1 },
    { "slope", LAC_KEY_NUM | LAC_KEY_ABOVE_MIN | LAC_KEY_BELOW_MAX, "", .min = 0, .max = 1 },
    { "scale", LAC_KEY_NUM | LAC_KEY_ABOVE_MIN, "", .min = 0, .max = DBL_MAX },
    { "resume", LAC_KEY_BOOL, "true" },
    { "note", LAC_KEY_STR, "" },
    { "optim", LAC_KEY_TABLE, "{}", .sub = optim },
    { "stages", LAC_KEY_LIST, "[]", .sub = stage },
    { "validate", LAC_KEY_TABLE, "{}", .sub = validate },
    { "extra", LAC_KEY_TABLE, "{}" },
    { NULL },
};

static void where(void *context, const char *path, char *to, size_t size)
{
    (void)context;
    snprintf(to, size, "%s", strncmp(path, "opt", 3) == 0 ? "x.lua:12" : "");
}

static lac_status resolve(const char *text, json_t **out)
{
    json_t *given = json_loads(text, 0, NULL);
    LAC_CHECK(given != NULL);
    const lac_status s = lac_config_resolve(out, schema, given, where, NULL);
    json_decref(given);
    return s;
}

static void gives(const char *text, const char *expected)
{
    json_t *out = NULL;
    LAC_CHECK_STATUS(resolve(text, &out));
    char *found = json_dumps(out, JSON_COMPACT);
    if (strcmp(found, expected) != 0)
        print_error("found    %s\nexpected %s\n", found, expected);
    LAC_CHECK(strcmp(found, expected) == 0);
    free(found);
    json_decref(out);
}

LAC_TEST(config_fills_in_defaults_in_the_order_of_the_schema)
{
    gives("{\"steps\":3}", "{\"steps\":3,\"name\":\"run\",\"crop\":256,\"clip\":null,\"ratio\":1,\"beta\":0.5,\"resume\":true,\"optim\":{},"
                           "\"stages\":[],\"validate\":{\"every\":1000,\"metrics\":[]},\"extra\":{}}");
    gives("{\"extra\":{\"any\":[1]},\"stages\":[{\"recipe\":\"vae\"}],\"note\":\"n\",\"ratio\":0.5,\"clip\":1,\"crop\":[8,9],\"steps\":4e5,"
          "\"optim\":{\"z\":{\"lr\":1},\"a\":{\"lr\":0,\"betas\":[1,0]}},\"validate\":{\"metrics\":{}}}",
          "{\"steps\":400000,\"name\":\"run\",\"crop\":[8,9],\"clip\":1.0,\"ratio\":0.5,\"beta\":0.5,\"resume\":true,\"note\":\"n\","
          "\"optim\":{\"a\":{\"kind\":\"adam\",\"lr\":0.0,\"betas\":[1.0,0.0]},\"z\":{\"kind\":\"adam\",\"lr\":1.0,\"betas\":[0.5,0.999]}},"
          "\"stages\":[{\"recipe\":\"vae\"}],\"validate\":{\"every\":1000,\"metrics\":[]},\"extra\":{\"any\":[1]}}");
}

LAC_TEST(config_says_what_is_wrong_in_one_line)
{
    static const struct { const char *text, *message; } bad[] = {
        { "{}", "missing key 'steps'" },
        { "{\"steps\":1,\"optm\":{}}", "unknown key 'optm' (did you mean 'optim'?), x.lua:12" },
        { "{\"steps\":1,\"optim\":{\"g\":{\"rl\":1}}}", "unknown key 'optim.g.rl' (did you mean 'optim.g.lr'?), x.lua:12" },
        { "{\"steps\":1,\"validate\":{\"zzzzzz\":1}}", "unknown key 'validate.zzzzzz' (known here: every, metrics)" },
        { "{\"steps\":1,\"optim\":{\"g\":{}}}", "missing key 'optim.g.lr' (learning rate), x.lua:12" },
        { "{\"steps\":\"many\"}", "'steps' should be a whole number, is the string 'many'" },
        { "{\"steps\":1.5}", "'steps' should be a whole number, is 1.5" },
        { "{\"steps\":1e300}", "'steps' should be a whole number, is 1e+300" },
        { "{\"steps\":0}", "'steps' should be at least 1, is 0" },
        { "{\"steps\":1,\"beta\":1}", "'beta' should be from 0 to below 1, is 1" },
        { "{\"steps\":1,\"slope\":0}", "'slope' should be above 0 and below 1, is 0" },
        { "{\"steps\":1,\"slope\":1}", "'slope' should be above 0 and below 1, is 1" },
        { "{\"steps\":1,\"scale\":0}", "'scale' should be above 0, is 0" },
        { "{\"steps\":1,\"resume\":1}", "'resume' should be true or false, is 1" },
        { "{\"steps\":1,\"name\":null}", "'name' should be a string, is nothing" },
        { "{\"steps\":1,\"name\":{}}", "'name' should be a string, is a table" },
        { "{\"steps\":1,\"crop\":[1,\"x\"]}", "'crop.2' should be a whole number, is the string 'x'" },
        { "{\"steps\":1,\"crop\":\"x\"}", "'crop' should be a whole number or a list, is the string 'x'" },
        { "{\"steps\":1,\"clip\":\"x\"}", "'clip' should be a number or nothing, is the string 'x'" },
        { "{\"steps\":1,\"validate\":[1]}", "'validate' should be a table, is a list of 1" },
        { "{\"steps\":1,\"stages\":[{\"recipe\":\"a\"},{}]}", "missing key 'stages.2.recipe'" },
        { "{\"steps\":1,\"optim\":{\"g\":{\"lr\":2}}}", "'optim.g.lr' should be from 0 to 1, is 2, x.lua:12" },
        { "{\"steps\":1,\"optim\":{\"g\":{\"lr\":0,\"betas\":[0,-1]}}}", "'optim.g.betas.2' should be from 0 to 1, is -1, x.lua:12" },
        { "{\"steps\":1,\"optim\":{\"g\":{\"lr\":0,\"kind\":\"adm\"}}}",
          "'optim.g.kind' is 'adm' (did you mean 'adam'?), should be one of adam|adamw, x.lua:12" },
    };
    for (size_t i = 0; i < LAC_COUNT(bad); i++) {
        json_t *out = NULL;
        LAC_CHECK_FAILS(resolve(bad[i].text, &out), LAC_ERR_CONFIG, bad[i].message);
        LAC_CHECK(out == NULL && strchr(lac_error_message(), '\n') == NULL);
    }
}

LAC_TEST(config_values_are_found_by_dotted_path)
{
    json_t *out = NULL;
    LAC_CHECK_STATUS(resolve("{\"steps\":7,\"optim\":{\"g\":{\"lr\":0.5}},\"stages\":[{\"recipe\":\"vae\"}]}", &out));
    LAC_CHECK(lac_config_int(out, "steps") == 7 && lac_config_num(out, "steps") == 7 && lac_config_num(out, "optim.g.lr") == 0.5);
    LAC_CHECK(lac_config_bool(out, "resume") && !lac_config_bool(out, "nobody") && lac_config_int(out, "optim.g.lr") == 0);
    LAC_CHECK(strcmp(lac_config_str(out, "stages.1.recipe"), "vae") == 0 && strcmp(lac_config_str(out, "stages.0.recipe"), "") == 0);
    LAC_CHECK(lac_config_has(out, "optim.g") && !lac_config_has(out, "optim.h.lr") && !lac_config_has(out, "steps.x"));
    LAC_CHECK(lac_config_at(out, "optim.g.betas.2") != NULL && lac_config_at(out, "optim.g.betas.3") == NULL);
    json_decref(out);
}

LAC_TEST(config_comments_of_published_files_go_at_every_depth)
{
    json_t *given = json_loads("{\"_class_name\":1,\"steps\":3,\"optim\":{\"g\":{\"lr\":0.5,\"_name_or_path\":\"x\"},\"_\":2},\"validate\":{\"every\":3,\"_x\":{}},\"nobodys\":{\"_x\":1}}", 0, NULL);
    json_t *want = json_loads("{\"steps\":3,\"optim\":{\"g\":{\"lr\":0.5,\"_name_or_path\":\"x\"}},\"validate\":{\"every\":3},\"nobodys\":{\"_x\":1}}", 0, NULL);
    lac_config_drop_comments(given, schema);
    LAC_CHECK(json_equal(given, want));
    json_decref(given);
    json_decref(want);
}

LAC_TEST(nearest_word_is_near_or_none)
{
    static const char *const words[] = { "train", "eval", "inpaint", "pack", "export", "import" };
    LAC_CHECK(lac_nearest("trian", words, 6) == 0 && lac_nearest("EVAL", words, 6) == 1 && lac_nearest("inpiant", words, 6) == 2);
    LAC_CHECK(lac_nearest("exprt", words, 6) == 4 && lac_nearest("imprt", words, 6) == 5 && lac_nearest("verify", words, 6) == -1);
    LAC_CHECK(lac_nearest("", words, 6) == -1 && lac_nearest("x", words, 6) == -1 && lac_nearest("pa", words, 0) == -1);
}
