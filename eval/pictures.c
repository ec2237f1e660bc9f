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
    const json_t *object = json_object_get(line, "object");
    json_t *one = id != NULL ? json_object_get(p->picture, id) : NULL;
    if (one != NULL || id == NULL)
        return one;
    one = json_pack("{s:s, s:O?, s:O?, s:O?, s:O?, s:{}, s:{}}", "id", id, "background", json_object_get(line, "background"), "object",
                    json_is_string(object) ? object : json_object_get(line, "label"), "area", json_object_get(line, "area"), "prompt", json_object_get(line, "prompt"), "values", "file");
    return json_object_set_new(p->picture, id, one) == 0 ? one : NULL;
}

/* Truth and mask are those of the first method that has them. */
static lac_status add_file(json_t *picture, const char *key, const lac_picture_files *files, lac_picture_part part, const char *method)
{
    json_t *path;
    LAC_TRY(lac_picture_file(files, part, method, json_string_value(json_object_get(picture, "id")), &path));
    if (part == LAC_FILE_OF_METHOD)
        json_object_set_new(json_object_get(picture, "file"), method, path);
    else if (!json_is_string(json_object_get(picture, key)))
        json_object_set_new(picture, key, path);
    else
        json_decref(path);
    return LAC_OK;
}

static lac_status add_files(json_t *picture, const lac_picture_files *files, const char *method)
{
    LAC_TRY(add_file(picture, "file", files, LAC_FILE_OF_METHOD, method));
    LAC_TRY(add_file(picture, "truth", files, LAC_FILE_OF_TRUTH, method));
    return add_file(picture, "mask", files, LAC_FILE_OF_MASK, method);
}

/* Whose lines they are where these do not say; what an earlier evaluation brought already; where the pictures lie. */
typedef struct source { const char *only; json_t *taken; lac_picture_files files; } source;

static lac_status add_line(lac_pictures *p, const json_t *line, const source *from)
{
    const char *method = json_string_value(json_object_get(line, "method")), *name;
    json_t *values = json_object_get(line, "values"), *value;
    method = method == NULL ? from->only : method;
    if (method == NULL || !json_is_object(values))
        return LAC_FAIL(LAC_ERR_FORMAT, "no 'method' with 'values'");
    if (json_object_get(from->taken, method) != NULL)
        return LAC_OK;
    json_t *one = picture_of(p, line);
    if (one == NULL)
        return LAC_FAIL(LAC_ERR_FORMAT, "no 'id'");
    json_object_foreach(values, name, value)
        if (json_is_number(value))
            add_metric(p, name);
    json_object_set(json_object_get(one, "values"), method, values);
    if (!has_method(p, method))
        json_array_append_new(p->method, json_string(method));
    return add_files(one, &from->files, method);
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

static lac_status read_lines(lac_pictures *p, FILE *f, const char *path, const source *from)
{
    lac_status s = LAC_OK;
    char *text = NULL;
    size_t room = 0;
    int64_t number = 0;
    while (s == LAC_OK && getline(&text, &room, f) >= 0) {
        json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        number++;
        s = line != NULL ? add_line(p, line, from) : LAC_FAIL(LAC_ERR_FORMAT, "not JSON");
        json_decref(line);
    }
    free(text);
    return lac_context(s, "'%s', line %lld", path, (long long)number);
}

static lac_status add_lines(lac_pictures *p, const char *stem, const source *from)
{
    char *path;
    LAC_TRY(lac_format(&path, "%s.images.jsonl", stem));
    FILE *f = fopen(path, "r");
    const lac_status s = f != NULL ? read_lines(p, f, path, from) : errno == ENOENT ? LAC_OK : LAC_FAIL(LAC_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    if (f != NULL)
        fclose(f);
    free(path);
    return s;
}

lac_status lac_pictures_add(lac_pictures *p, const json_t *summary, const char *stem)
{
    source from = { .only = json_string_value(json_object_get(summary, "method")) };
    LAC_TRY(begin(p, summary));
    json_array_extend(p->difference, json_object_get(summary, "differences"));
    LAC_TRY(lac_picture_files_open(&from.files, summary, stem));
    from.taken = methods_there(p);
    const lac_status s = add_lines(p, stem, &from);
    json_decref(from.taken);
    lac_picture_files_close(&from.files);
    return s;
}

double lac_pictures_value(const json_t *picture, const char *method, const char *metric)
{
    const json_t *v = json_object_get(json_object_get(json_object_get(picture, "values"), method), metric);
    return json_is_number(v) ? json_number_value(v) : NAN;
}
