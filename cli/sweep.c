#include "cli/sweep.h"

#include "cli/lua_text.h"
#include "core/memory.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_AXES = 16, MAX_RUNS = 10000, MAX_NAME = 200 };

typedef struct axis { const char *key; const json_t *values; } axis;
typedef struct grid { axis axis[MAX_AXES]; int n_axes; int64_t n_runs; } grid;

static int by_key(const void *a, const void *b) { return strcmp(((const axis *)a)->key, ((const axis *)b)->key); }

/* Values are a list, or a table whose keys name them, then in order of the names. */
static int64_t count_values(const json_t *values)
{
    return (int64_t)(json_is_object(values) ? json_object_size(values) : json_array_size(values));
}

static const json_t *nth_value(const json_t *values, int64_t n, const char **name)
{
    const char *key, *other;
    json_t *value, *unused;
    *name = NULL;
    if (!json_is_object(values))
        return json_array_get(values, (size_t)n);
    json_object_foreach((json_t *)values, key, value) {
        int64_t before = 0;
        json_object_foreach((json_t *)values, other, unused)
            before += strcmp(other, key) < 0;
        if (before == n)
            return *name = key, value;
    }
    return NULL;
}

static lac_status read_axis(grid *g, const char *key, const json_t *values)
{
    const int64_t n = count_values(values);
    if (n == 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "sweep['%s'] should be a list of values, or a table of named ones", key);
    if (strcmp(key, "name") == 0 || strcmp(key, "sweep") == 0)
        return LAC_FAIL(LAC_ERR_CONFIG, "'%s' cannot be swept", key);
    if (g->n_axes == MAX_AXES || g->n_runs > MAX_RUNS / n)
        return LAC_FAIL(LAC_ERR_CONFIG, "a sweep of more than %d keys or %d runs", MAX_AXES, MAX_RUNS);
    g->axis[g->n_axes++] = (axis){ key, values };
    g->n_runs *= n;
    return LAC_OK;
}

static lac_status read_grid(const json_t *given, grid *g)
{
    json_t *sweep = json_object_get(given, "sweep");
    const char *key;
    json_t *values;
    *g = (grid){ .n_runs = 1 };
    if (sweep != NULL && !json_is_object(sweep))
        return LAC_FAIL(LAC_ERR_CONFIG, "'sweep' should be a table of lists: { [\"loss.l1\"] = { 0.5, 1.0 } }");
    json_object_foreach(sweep, key, values)
        LAC_TRY(read_axis(g, key, values));
    qsort(g->axis, (size_t)g->n_axes, sizeof g->axis[0], by_key);
    return LAC_OK;
}

/* Which of its values a key has in a run: the digits of the run's number, the last key's the lowest. */
static const json_t *value_in(const grid *g, int i, int64_t run, const char **name)
{
    for (int k = g->n_axes - 1; k > i; k--)
        run /= count_values(g->axis[k].values);
    return nth_value(g->axis[i].values, run % count_values(g->axis[i].values), name);
}

/* Copies on the way: the runs share nothing. A table is laid over what is there. */
static lac_status set(json_t *config, const char *path, const json_t *value)
{
    size_t length;
    const char *at = path;
    while (length = strcspn(at, "."), at[length] == '.') {
        json_t *next = json_object_getn(config, at, length);
        if (next == NULL && json_object_setn_new(config, at, length, next = json_object()) != 0)
            next = NULL;
        if (!json_is_object(next))
            return LAC_FAIL(LAC_ERR_CONFIG, "sweep['%s']: there is no table around it", path);
        config = next;
        at += length + 1;
    }
    json_t *there = json_object_get(config, at), *own = json_deep_copy(value);
    int failed;
    if (json_is_object(there) && json_is_object(own)) {
        failed = json_object_update_recursive(there, own);
        json_decref(own);
    } else
        failed = json_object_set_new(config, at, own);
    return failed == 0 ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory for a sweep");
}

static uint32_t hash(const char *text)              /* FNV-1a */
{
    uint32_t h = 2166136261u;
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 16777619u;
    return h;
}

/* Quotes and blanks vanish, what else a shell or a file system might mind becomes '_'. */
static void tidy(char *name)
{
    char *to = name;
    for (const char *from = name; *from; from++)
        if (!strchr("\" ", *from))
            *to++ = (char)(isalnum((unsigned char)*from) || strchr("._+-=,", *from) ? *from : '_');
    *to = '\0';
}

static lac_status name_run(const grid *g, int64_t run, const char *base, char **name)
{
    char *whole = NULL;
    lac_status s = lac_strdup(&whole, "");
    for (int i = 0; s == LAC_OK && i < g->n_axes; i++) {
        char *value = NULL, *longer = NULL;
        const char *called;
        const json_t *v = value_in(g, i, run, &called);
        s = called != NULL ? lac_strdup(&value, called) : lac_lua_literal(v, &value);
        if (s == LAC_OK)
            s = lac_format(&longer, "%s%s%s=%s", whole, i ? "," : "", g->axis[i].key, value);
        free(value);
        free(whole);
        whole = longer;
    }
    LAC_TRY(s);
    char end[12] = "";
    if (strlen(whole) > MAX_NAME)
        snprintf(end, sizeof end, "~%08x", hash(whole));
    tidy(whole);
    s = lac_format(name, "%s%s%.*s%s", base, g->n_axes ? "/" : "", MAX_NAME, whole, end);
    free(whole);
    return s;
}

static lac_status make_run(const json_t *given, const grid *g, int64_t run, lac_sweep_run *to)
{
    const char *base = json_string_value(json_object_get(given, "name"));
    LAC_TRY(name_run(g, run, base ? base : "", &to->name));
    to->config = json_deep_copy(given);
    json_object_del(to->config, "sweep");
    const char *called;
    for (int i = 0; i < g->n_axes; i++)
        LAC_TRY(set(to->config, g->axis[i].key, value_in(g, i, run, &called)));
    if (base != NULL && json_object_set_new(to->config, "name", json_string(to->name)) != 0)
        return LAC_FAIL(LAC_ERR_MEM, "out of memory for a sweep");
    return LAC_OK;
}

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static lac_status check_names(const lac_sweep_run *run, int64_t n)
{
    const char **name = NULL;
    LAC_TRY(lac_calloc((void **)&name, (size_t)n, sizeof *name));
    for (int64_t i = 0; i < n; i++)
        name[i] = run[i].name;
    qsort(name, (size_t)n, sizeof *name, by_name);
    lac_status s = LAC_OK;
    for (int64_t i = 1; s == LAC_OK && i < n; i++)
        if (strcmp(name[i - 1], name[i]) == 0)
            s = LAC_FAIL(LAC_ERR_CONFIG, "two runs of the sweep would be named '%s'", name[i]);
    free(name);
    return s;
}

lac_status lac_sweep_expand(const json_t *given, lac_sweep_run **runs, int64_t *n)
{
    grid g;
    lac_sweep_run *run = NULL;
    LAC_TRY(read_grid(given, &g));
    LAC_TRY(lac_calloc((void **)&run, (size_t)g.n_runs, sizeof *run));
    lac_status s = LAC_OK;
    for (int64_t i = 0; s == LAC_OK && i < g.n_runs; i++)
        s = make_run(given, &g, i, &run[i]);
    if (s == LAC_OK)
        s = check_names(run, g.n_runs);
    if (s != LAC_OK) {
        lac_sweep_free(run, g.n_runs);
        return s;
    }
    *runs = run;
    *n = g.n_runs;
    return LAC_OK;
}

void lac_sweep_free(lac_sweep_run *runs, int64_t n)
{
    for (int64_t i = 0; runs != NULL && i < n; i++) {
        free(runs[i].name);
        json_decref(runs[i].config);
    }
    free(runs);
}
