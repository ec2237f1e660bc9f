#include "train/series.h"

#include "core/memory.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAME = 200 };

const lac_series *lac_series_find(const lac_series_set *s, const char *name)
{
    for (int64_t i = 0; i < s->n; i++)
        if (strcmp(s->series[i].name, name) == 0)
            return &s->series[i];
    return NULL;
}

static lac_status find_or_add(lac_series_set *s, const char *name, lac_series **found)
{
    *found = (lac_series *)lac_series_find(s, name);
    if (*found != NULL)
        return LAC_OK;
    LAC_TRY(lac_grow((void **)&s->series, s->n, &s->capacity, sizeof s->series[0]));
    *found = &s->series[s->n];
    **found = (lac_series){ 0 };
    LAC_TRY(lac_strdup(&(*found)->name, name));
    s->n++;
    return LAC_OK;
}

static lac_status add_value(lac_series_set *s, const char *name, double x, double y)
{
    lac_series *r;
    LAC_TRY(find_or_add(s, name, &r));
    LAC_TRY(lac_grow((void **)&r->x, r->n, &r->x_capacity, sizeof r->x[0]));
    LAC_TRY(lac_grow((void **)&r->y, r->n, &r->y_capacity, sizeof r->y[0]));
    r->x[r->n] = x;
    r->y[r->n++] = y;
    return LAC_OK;
}

static lac_status add_object(lac_series_set *s, const char *prefix, json_t *object, double x)
{
    const char *key;
    json_t *value;
    lac_status status = LAC_OK;
    json_object_foreach(object, key, value) {
        char name[MAX_NAME];
        const int n = snprintf(name, sizeof name, "%s%s%s", prefix, prefix[0] ? "." : "", key);
        if (n >= MAX_NAME || strcmp(name, "step") == 0)
            continue;
        if (json_is_object(value))
            status = add_object(s, name, value, x);
        else if (json_is_number(value))
            status = add_value(s, name, x, json_number_value(value));
        if (status != LAC_OK)
            break;
    }
    return status;
}

static lac_status add_line(lac_series_set *s, const char *line, size_t n)
{
    json_t *j = json_loadb(line, n, 0, NULL);
    const json_t *step = json_object_get(j, "step");
    const lac_status status = json_is_integer(step) ? add_object(s, "", j, (double)json_integer_value(step)) : LAC_OK;
    json_decref(j);
    return status;
}

lac_status lac_series_read(lac_series_set *s, const char *path)
{
    char *line = NULL;
    size_t room = 0;
    FILE *f = fopen(path, "rb");
    *s = (lac_series_set){ 0 };
    if (f == NULL)
        return errno == ENOENT ? LAC_OK : LAC_FAIL(LAC_ERR_IO, "cannot read '%s': %s", path, strerror(errno));
    lac_status status = LAC_OK;
    for (ssize_t n; status == LAC_OK && (n = getline(&line, &room, f)) > 0;)
        status = add_line(s, line, (size_t)n);
    free(line);
    fclose(f);
    if (status != LAC_OK)
        lac_series_free(s);
    return status;
}

void lac_series_free(lac_series_set *s)
{
    for (int64_t i = 0; i < s->n; i++) {
        free(s->series[i].name);
        free(s->series[i].x);
        free(s->series[i].y);
    }
    free(s->series);
    *s = (lac_series_set){ 0 };
}
