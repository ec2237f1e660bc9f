#include "eval/gallery.h"

#include "core/file/atomic.h"
#include "core/memory.h"
#include "eval/metric.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_SUMMARY = 64 << 20 };

void lac_gallery_free(lac_gallery *g)
{
    json_decref(g->picture);
    json_decref(g->method);
    json_decref(g->metric);
    *g = (lac_gallery){ NULL };
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

static lac_status begin(lac_gallery *g)
{
    if (g->picture == NULL)
        g->picture = json_object();
    if (g->method == NULL)
        g->method = json_array();
    if (g->metric == NULL)
        g->metric = json_array();
    return g->picture && g->method && g->metric ? LAC_OK : LAC_FAIL(LAC_ERR_MEM, "out of memory for a gallery");
}

static bool has_method(const lac_gallery *g, const char *name)
{
    size_t i;
    json_t *m;
    json_array_foreach(g->method, i, m)
        if (strcmp(json_string_value(m), name) == 0)
            return true;
    return false;
}

static bool has_metric(const lac_gallery *g, const char *name)
{
    size_t i;
    json_t *m;
    json_array_foreach(g->metric, i, m)
        if (strcmp(json_string_value(json_object_get(m, "name")), name) == 0)
            return true;
    return false;
}

static void add_metric(lac_gallery *g, const char *name)
{
    lac_metric m;
    int better = 0, digits = 4;
    if (lac_metric_find(&m, name) == LAC_OK) {
        better = m.def->no_direction ? 0 : m.def->higher_is_better ? 1 : -1;
        digits = m.def->digits;
    }
    if (!has_metric(g, name))
        json_array_append_new(g->metric, json_pack("{s:s, s:i, s:i}", "name", name, "better", better, "digits", digits));
}

/* The picture of a line, new where it is not there yet. */
static json_t *picture_of(lac_gallery *g, const json_t *line)
{
    const char *id = json_string_value(json_object_get(line, "id"));
    json_t *p = id != NULL ? json_object_get(g->picture, id) : NULL;
    if (p != NULL || id == NULL)
        return p;
    p = json_pack("{s:s, s:O?, s:O?, s:{}, s:{}}", "id", id, "object", json_object_get(line, "object"), "area", json_object_get(line, "area"),
                  "values", "folder");
    return json_object_set_new(g->picture, id, p) == 0 ? p : NULL;
}

static lac_status add_line(lac_gallery *g, const json_t *line, const json_t *taken, const char *folder)
{
    const char *method = json_string_value(json_object_get(line, "method")), *name;
    json_t *values = json_object_get(line, "values"), *value;
    if (method == NULL || !json_is_object(values))
        return LAC_FAIL(LAC_ERR_FORMAT, "no 'method' with 'values'");
    if (json_object_get(taken, method) != NULL)
        return LAC_OK;
    json_t *p = picture_of(g, line);
    if (p == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "no 'id'");
    json_object_foreach(values, name, value)
        if (json_is_number(value))
            add_metric(g, name);
    json_object_set(json_object_get(p, "values"), method, values);
    json_object_set_new(json_object_get(p, "folder"), method, json_string(folder));
    if (!has_method(g, method))
        json_array_append_new(g->method, json_string(method));
    return LAC_OK;
}

/* Those that an earlier evaluation brought. */
static json_t *methods_there(const lac_gallery *g)
{
    json_t *taken = json_object(), *m;
    size_t i;
    json_array_foreach(g->method, i, m)
        json_object_set_new(taken, json_string_value(m), json_true());
    return taken;
}

static lac_status add_lines(lac_gallery *g, const char *path, const char *folder)
{
    lac_status s = LAC_OK;
    char *text = NULL;
    size_t room = 0;
    int64_t number = 0;
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return LAC_FAIL(LAC_ERR_IO, "cannot open '%s'", path);
    json_t *taken = methods_there(g);
    while (s == LAC_OK && getline(&text, &room, f) >= 0) {
        json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        number++;
        s = line != NULL ? add_line(g, line, taken, folder) : LAC_FAIL(LAC_ERR_FORMAT, "not JSON");
        json_decref(line);
    }
    json_decref(taken);
    free(text);
    fclose(f);
    return lac_context(s, "'%s', line %lld", path, (long long)number);
}

static lac_status read_summary(const char *stem, json_t **summary)
{
    char *path, *text = NULL;
    size_t size;
    LAC_TRY(lac_format(&path, "%s.json", stem));
    lac_status s = lac_file_read(path, MAX_SUMMARY, &text, &size);
    if (s == LAC_OK && (*summary = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL)) == NULL)
        s = LAC_FAIL(LAC_ERR_FORMAT, "'%s' is not JSON", path);
    free(text);
    free(path);
    return s;
}

/* "runs/a/eval/stamps-val-64" and the summary's "stamps-val-64" give the folder beside. */
static lac_status folder_beside(const char *stem, const char *name, char **folder)
{
    const char *slash = strrchr(stem, '/');
    return lac_format(folder, "%.*s%s", slash != NULL ? (int)(slash + 1 - stem) : 0, stem, name);
}

lac_status lac_gallery_add(lac_gallery *g, const char *stem)
{
    json_t *summary = NULL;
    char *folder = NULL, *lines = NULL;
    LAC_TRY(begin(g));
    lac_status s = read_summary(stem, &summary);
    const char *kept = json_string_value(json_object_get(summary, "pictures"));
    if (s == LAC_OK && kept != NULL) {
        s = folder_beside(stem, kept, &folder);
        if (s == LAC_OK)
            s = lac_format(&lines, "%s.images.jsonl", stem);
        if (s == LAC_OK)
            s = add_lines(g, lines, folder);
    }
    free(lines);
    free(folder);
    json_decref(summary);
    return s;
}
