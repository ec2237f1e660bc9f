/* Sweeps: order, names and what each run's config holds. */
#include "cli/run_set.h"
#include "tests/harness/test.h"

#include <stdio.h>
#include <stdlib.h>

static lac_status expand(const char *text, lac_sweep_run **runs, int64_t *n)
{
    json_t *given = json_loads(text, 0, NULL);
    LAC_CHECK(given != NULL);
    const lac_status s = lac_sweep_expand(given, runs, n);
    json_decref(given);
    return s;
}

LAC_TEST(sweep_goes_through_the_grid_in_order)
{
    static const char *const name[] = {
        "catdiff/loss.l1=0.5,seed=1", "catdiff/loss.l1=0.5,seed=2", "catdiff/loss.l1=0.5,seed=3",
        "catdiff/loss.l1=1.0,seed=1", "catdiff/loss.l1=1.0,seed=2", "catdiff/loss.l1=1.0,seed=3",
    };
    lac_sweep_run *run;
    int64_t n;
    LAC_CHECK_STATUS(expand("{\"name\":\"catdiff\",\"loss\":{\"l1\":9,\"l2\":8},\"sweep\":{\"seed\":[1,2,3],\"loss.l1\":[0.5,1.0]}}", &run, &n));
    LAC_CHECK(n == 6);
    for (int i = 0; i < 6; i++)
        LAC_CHECK(strcmp(run[i].name, name[i]) == 0);
    char *config = json_dumps(run[4].config, JSON_COMPACT | JSON_SORT_KEYS);
    LAC_CHECK(strcmp(config, "{\"loss\":{\"l1\":1.0,\"l2\":8},\"name\":\"catdiff/loss.l1=1.0,seed=2\",\"seed\":2}") == 0);
    free(config);
    lac_sweep_free(run, n);
}

LAC_TEST(sweep_of_nothing_is_one_run)
{
    lac_sweep_run *run;
    int64_t n;
    LAC_CHECK_STATUS(expand("{\"name\":\"a\",\"sweep\":{}}", &run, &n));
    LAC_CHECK(n == 1 && strcmp(run[0].name, "a") == 0 && json_object_size(run[0].config) == 1);
    lac_sweep_free(run, n);
}

LAC_TEST(sweep_values_may_have_names_and_tables_are_laid_over)
{
    lac_sweep_run *run;
    int64_t n;
    LAC_CHECK_STATUS(expand("{\"name\":\"a\",\"m\":{\"x\":1,\"g\":{\"y\":2,\"z\":3}},\"sweep\":{\"m\":{\"wide\":{\"g\":{\"y\":9}},\"slim\":{\"x\":0}}}}", &run, &n));
    LAC_CHECK(n == 2 && strcmp(run[0].name, "a/m=slim") == 0 && strcmp(run[1].name, "a/m=wide") == 0);
    static const char *const m[] = { "{\"g\":{\"y\":2,\"z\":3},\"x\":0}", "{\"g\":{\"y\":9,\"z\":3},\"x\":1}" };
    for (int i = 0; i < 2; i++) {
        char *text = json_dumps(json_object_get(run[i].config, "m"), JSON_COMPACT | JSON_SORT_KEYS);
        LAC_CHECK(strcmp(text, m[i]) == 0);
        free(text);
    }
    lac_sweep_free(run, n);
}

LAC_TEST(sweep_names_are_fit_for_folders)
{
    lac_sweep_run *run;
    int64_t n;
    char text[1200], tail[600];
    memset(tail, 'x', sizeof tail), tail[sizeof tail - 1] = '\0';
    LAC_CHECK_STATUS(expand("{\"name\":\"a\",\"sweep\":{\"k\":[\"../b c\",[1,2]]}}", &run, &n));
    LAC_CHECK(strcmp(run[0].name, "a/k=.._bc") == 0 && strcmp(run[1].name, "a/k=_1,2_") == 0);
    lac_sweep_free(run, n);
    snprintf(text, sizeof text, "{\"name\":\"a\",\"sweep\":{\"k\":[\"%s1\",\"%.400s2\"]}}", tail, tail);
    LAC_CHECK_STATUS(expand(text, &run, &n));
    LAC_CHECK(strlen(run[0].name) == 211 && strlen(run[1].name) == 211 && strcmp(run[0].name, run[1].name) != 0);
    lac_sweep_free(run, n);
}

LAC_TEST(sweep_says_what_is_wrong)
{
    static const struct { const char *text, *message; } bad[] = {
        { "{\"sweep\":[1]}", "'sweep' should be a table" }, { "{\"sweep\":{\"seed\":1}}", "sweep['seed'] should be a list" },
        { "{\"sweep\":{\"seed\":[]}}", "sweep['seed'] should be a list" }, { "{\"sweep\":{\"name\":[\"a\"]}}", "'name' cannot be swept" },
        { "{\"a\":1,\"sweep\":{\"a.b\":[1]}}", "sweep['a.b']: there is no table around it" },
        { "{\"sweep\":{\"a\":[1,1]}}", "two runs of the sweep would be named" },
    };
    lac_sweep_run *run = NULL;
    int64_t n;
    for (size_t i = 0; i < LAC_COUNT(bad); i++)
        LAC_CHECK_FAILS(expand(bad[i].text, &run, &n), LAC_ERR_CONFIG, bad[i].message);
    json_t *big = json_object(), *axes = json_object(), *values = json_array();
    for (int i = 0; i < 101; i++)
        json_array_append_new(values, json_integer(i));
    json_object_set(axes, "a", values), json_object_set(axes, "b", values);
    json_object_set(big, "sweep", axes);
    LAC_CHECK_FAILS(lac_sweep_expand(big, &run, &n), LAC_ERR_CONFIG, "10000 runs");
    json_decref(values), json_decref(axes), json_decref(big);
}

static lac_status add(lac_run_set *s, const char *text, int64_t *n)
{
    char own[1024];
    int64_t *at;
    snprintf(own, sizeof own, "%s", text);
    json_t *config = lac_test_json(own);
    const lac_status status = lac_run_set_add(s, config, "", &at, n);
    free(at);
    json_decref(config);
    return status;
}

LAC_TEST(what_a_run_begins_from_comes_first_and_once)
{
    static const char *const name[] = { "vae", "clip", "base", "row1/seed=1", "row1/seed=2", "row2" };
    static const char row2[] = "{ 'name': 'row2', 'first': [ { 'name': 'base', 'first': [ { 'name': 'vae' } ] } ] }";
    lac_run_set s = { NULL };
    int64_t n;
    LAC_CHECK_STATUS(add(&s, "{ 'name': 'row1', 'sweep': { 'seed': [1, 2] }, 'first': [ { 'name': 'vae' }, { 'name': 'clip' }, { 'name': 'base', 'first': [ { 'name': 'vae' } ] } ] }", &n));
    LAC_CHECK(n == 2);
    LAC_CHECK_STATUS(add(&s, row2, &n));
    LAC_CHECK(n == 1 && s.n == 6);
    for (int i = 0; i < 6; i++)
        LAC_CHECK(strcmp(s.run[i].name, name[i]) == 0 && json_object_get(s.run[i].config, "first") == NULL);
    LAC_CHECK(strcmp(s.run[2].place, "first.3") == 0);
    LAC_CHECK_FAILS(add(&s, "{ 'name': 'row3', 'first': [ { 'name': 'vae', 'steps': 3 } ] }", &n), LAC_ERR_CONFIG, "'first.1': run 'vae' would be of two configs");
    LAC_CHECK_FAILS(add(&s, "{ 'name': 'row3', 'first': { 'name': 'vae' } }", &n), LAC_ERR_CONFIG, "'first' should be a list of configs");
    LAC_CHECK_FAILS(add(&s, "{ 'name': 'row3', 'first': [ 'vae' ] }", &n), LAC_ERR_CONFIG, "'first.1': it should be a config");
    lac_run_set_free(&s);
}
