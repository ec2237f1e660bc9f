#include "eval/pictures.h"

#include "core/memory.h"
#include "eval/metric.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void lac_pictures_free(lac_pictures *p)
{
    json_decref(p->picture);
    json_decref(p->method);
    json_decref(p->metric);
    json_decref(p->difference);
    *p = (lac_pictures){ NULL };
}

/* ---- where pictures lie ---- */

/* A part of a path that stays below: no "..", nothing hidden, no separator of a method's name. */
static void tame(char *path, bool one_part)
{
    for (char *c = path; *c; c++) {
        const bool begins = c == path || c[-1] == '/';
        if ((one_part && *c == '/') || (begins && (*c == '.' || *c == '/')))
            *c = '_';
    }
}

lac_status lac_kept_path(char **path, const char *folder, const char *name, const char *id)
{
    char *part = NULL, *file = NULL;
    lac_status s = lac_strdup(&part, name);
    if (s == LAC_OK)
        s = lac_strdup(&file, id);
    if (s == LAC_OK) {
        tame(part, true);
        tame(file, false);
        s = lac_format(path, "%s/%s/%s.png", folder, part, file);
    }
    free(part);
    free(file);
    return s;
}

/* ---- reading what an evaluation found ---- */

static lac_status begin(lac_pictures *p, const json_t *summary)
{
    if (p->picture != NULL)
        return LAC_OK;
    p->seed = (uint64_t)json_integer_value(json_object_get(json_object_get(summary, "interval"), "seed"));
    p->picture = json_object();
    p->method = json_array();
    p->metric = json_array();
    p->difference = json_array();
    return p->picture && p->method && p->metric && p->difference ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory for an evaluation's lines");
}

static bool has_method(const lac_pictures *p, const char *name)
{
    size_t i;
    json_t *m;
    json_array_foreach(p->method, i, m)
        if (strcmp(json_string_value(m), name) == 0)
            return true;
    return false;
}

static bool has_metric(const lac_pictures *p, const char *name)
{
    size_t i;
    json_t *m;
    json_array_foreach(p->metric, i, m)
        if (strcmp(json_string_value(json_object_get(m, "name")), name) == 0)
            return true;
    return false;
}

static void add_metric(lac_pictures *p, const char *name)
{
    lac_metric m;
    int better = 0, digits = 4;
    if (lac_metric_find(&m, name) == LAC_OK) {
        better = m.def->no_direction ? 0 : m.def->higher_is_better ? 1 : -1;
        digits = m.def->digits;
    }
    if (!has_metric(p, name))
        json_array_append_new(p->metric, json_pack("{s:s, s:i, s:i}", "name", name, "better", better, "digits", digits));
}

/* The picture of a line, new where it is not there yet; NULL: the line names none. */
static json_t *picture_of(lac_pictures *p, const json_t *line)
{
    const char *id = json_string_value(json_object_get(line, "id"));
    json_t *one = id != NULL ? json_object_get(p->picture, id) : NULL;
    if (one != NULL || id == NULL)
        return one;
    one = json_pack("{s:s, s:O?, s:O?, s:O?, s:{}, s:{}}", "id", id, "background", json_object_get(line, "background"), "object",
                    json_object_get(line, "object"), "area", json_object_get(line, "area"), "values", "folder");
    return json_object_set_new(p->picture, id, one) == 0 ? one : NULL;
}

/* only: whose lines they are where these do not say. */
static lac_status add_line(lac_pictures *p, const json_t *line, const json_t *taken, const char *only, const char *folder)
{
    const char *method = json_string_value(json_object_get(line, "method")), *name;
    json_t *values = json_object_get(line, "values"), *value;
    method = method == NULL ? only : method;
    if (method == NULL || !json_is_object(values))
        return LAC_FAIL(LAC_ERR_FORMAT, "no 'method' with 'values'");
    if (json_object_get(taken, method) != NULL)
        return LAC_OK;
    json_t *one = picture_of(p, line);
    if (one == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "no 'id'");
    json_object_foreach(values, name, value)
        if (json_is_number(value))
            add_metric(p, name);
    json_object_set(json_object_get(one, "values"), method, values);
    json_object_set_new(json_object_get(one, "folder"), method, folder != NULL ? json_string(folder) : json_null());
    if (!has_method(p, method))
        json_array_append_new(p->method, json_string(method));
    return LAC_OK;
}

/* Those that an earlier evaluation brought. */
static json_t *methods_there(const lac_pictures *p)
{
    json_t *taken = json_object(), *m;
    size_t i;
    json_array_foreach(p->method, i, m)
        json_object_set_new(taken, json_string_value(m), json_true());
    return taken;
}

static lac_status read_lines(lac_pictures *p, FILE *f, const char *path, const char *only, const char *folder)
{
    lac_status s = LAC_OK;
    char *text = NULL;
    size_t room = 0;
    int64_t number = 0;
    json_t *taken = methods_there(p);
    while (s == LAC_OK && getline(&text, &room, f) >= 0) {
        json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        number++;
        s = line != NULL ? add_line(p, line, taken, only, folder) : LAC_FAIL(LAC_ERR_FORMAT, "not JSON");
        json_decref(line);
    }
    json_decref(taken);
    free(text);
    return lac_context(s, "'%s', line %lld", path, (long long)number);
}

static lac_status add_lines(lac_pictures *p, const char *stem, const char *only, const char *folder)
{
    char *path;
    LAC_TRY(lac_format(&path, "%s.images.jsonl", stem));
    FILE *f = fopen(path, "r");
    const lac_status s = f != NULL ? read_lines(p, f, path, only, folder) : errno == ENOENT ? LAC_OK : LAC_FAIL(LAC_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    if (f != NULL)
        fclose(f);
    free(path);
    return s;
}

/* "runs/a/eval/stamps-val-64" and the summary's "stamps-val-64" give the folder beside; *folder stays NULL where pictures were not kept. */
static lac_status folder_beside(const char *stem, const json_t *summary, char **folder)
{
    const char *slash = strrchr(stem, '/'), *name = json_string_value(json_object_get(summary, "pictures"));
    return name != NULL ? lac_format(folder, "%.*s%s", slash != NULL ? (int)(slash + 1 - stem) : 0, stem, name) : LAC_OK;
}

lac_status lac_pictures_add(lac_pictures *p, const json_t *summary, const char *stem)
{
    char *folder = NULL;
    LAC_TRY(begin(p, summary));
    json_array_extend(p->difference, json_object_get(summary, "differences"));
    lac_status s = folder_beside(stem, summary, &folder);
    if (s == LAC_OK)
        s = add_lines(p, stem, json_string_value(json_object_get(summary, "method")), folder);
    free(folder);
    return s;
}

double lac_pictures_value(const json_t *picture, const char *method, const char *metric)
{
    const json_t *v = json_object_get(json_object_get(json_object_get(picture, "values"), method), metric);
    return json_is_number(v) ? json_number_value(v) : NAN;
}
